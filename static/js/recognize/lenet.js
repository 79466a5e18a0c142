/**
 * The LeNet in the page: reads the weights from the serving model's ONNX file and computes every
 * layer as the server does. No DOM: also runs in Node, where tests compare it with ONNX Runtime.
 *
 * Each layer is a flat Float64Array, map by map and row by row, named as in ml/classifier.py;
 * `input` holds the normalized pixels.
 */

import { readMetadata, readTensors } from "./onnx.js";
import { SIZE } from "./rasterize.js";

/** Side of the kernels of both convolutions. */
export const KERNEL = 5;
// Pixels on each side of the occluded one.
const OCCLUSION_REACH = 2;

/** Maps of each layer and their side; a unit of a dense layer is a map of side 1. */
export const SHAPES = {
  input: { maps: 1, side: SIZE },
  maps1: { maps: 6, side: 12 },
  maps2: { maps: 16, side: 4 },
  dense1: { maps: 120, side: 1 },
  dense2: { maps: 84, side: 1 },
  logits: { maps: 10, side: 1 },
};
const CONVOLUTIONS = {
  maps1: { tensor: "net.features.0", from: "input" },
  maps2: { tensor: "net.features.3", from: "maps1" },
};
const DENSE = {
  dense1: { tensor: "net.classifier.0", from: "maps2" },
  dense2: { tensor: "net.classifier.2", from: "dense1" },
  logits: { tensor: "net.classifier.4", from: "dense2" },
};
const DIGITS = SHAPES.logits.maps;

/** A LeNet with the weights of an ONNX file. */
export class LeNet {
  #convolutions;
  #dense;
  #mean;
  #deviation;
  #temperature;

  /** @param {Uint8Array} file; throws an Error that names a missing or misshapen tensor */
  constructor(file) {
    const tensors = readTensors(file);
    const kernelShape = ({ maps, from }) => [maps, SHAPES[from].maps, KERNEL, KERNEL];
    const matrixShape = ({ maps, from }) => [maps, sizeOf(from)];
    this.#convolutions = withWeights(CONVOLUTIONS, tensors, kernelShape);
    this.#dense = withWeights(DENSE, tensors, matrixShape);
    // The exporter omits constants that have no effect.
    this.#mean = scalar(tensors, "mean", 0);
    this.#deviation = scalar(tensors, "deviation", 1);
    this.#temperature = scalar(tensors, "temperature", 1);
    const { version, facts } = readMetadata(file);
    this.version = version;
    /** Thresholds of the verdicts, { digit, sure }. */
    this.thresholds = JSON.parse(facts).thresholds;
  }

  /**
   * Compute every layer.
   * @param {Uint8Array} grid 784 levels, 0 is paper and 255 is ink
   * @param {object} layers of an earlier run, to be overwritten
   */
  run(grid, layers = emptyLayers()) {
    grid.forEach((level, i) => (layers.input[i] = (level / 255 - this.#mean) / this.#deviation));
    for (const name in this.#convolutions) convolve(this.#convolutions[name], layers, name);
    for (const name in this.#dense) {
      multiply(this.#dense[name], layers, name);
      if (name !== "logits") rectify(layers[name]);
    }
    softmax(layers.logits, this.#temperature, layers.probabilities);
    return layers;
  }

  /** Return the probabilities for other logits. */
  probabilitiesOf(logits) {
    const probabilities = new Float64Array(logits.length);
    softmax(logits, this.#temperature, probabilities);
    return probabilities;
  }

  /**
   * Return weight times activation for every unit of the previous layer, for a pooled unit at the
   * position of the maximum. Contributions and bias add up to the input of the ReLU.
   * @returns {{from: string, contributions: Float64Array, bias: number}}
   */
  contributions(layers, name, unit) {
    if (name in CONVOLUTIONS) return this.#kernelContributions(layers, name, unit);
    const { from, weights, bias } = this.#dense[name];
    const input = layers[from];
    const row = weights.subarray(unit * input.length, (unit + 1) * input.length);
    const contributions = Float64Array.from(row, (weight, i) => weight * input[i]);
    return { from, contributions, bias: bias[unit] };
  }

  #kernelContributions(layers, name, unit) {
    const { from, weights, bias } = this.#convolutions[name];
    const { maps: channels, side } = SHAPES[from];
    const map = Math.floor(unit / SHAPES[name].side ** 2);
    const { x, y } = poolMaximum(layers, name, unit);
    const contributions = new Float64Array(sizeOf(from));
    for (let i = 0; i < channels * KERNEL * KERNEL; i++) {
      const [channel, row] = [Math.floor(i / KERNEL ** 2), Math.floor(i / KERNEL) % KERNEL];
      const at = (channel * side + y + row) * side + x + (i % KERNEL);
      contributions[at] = weights[map * channels * KERNEL ** 2 + i] * layers[from][at];
    }
    return { from, contributions, bias: bias[map] };
  }

  /** Return the kernels of a map, one of 5x5 weights for each map of the previous layer. */
  kernels(name, map) {
    const { from, weights } = this.#convolutions[name];
    const size = KERNEL ** 2;
    const first = map * SHAPES[from].maps;
    return Array.from({ length: SHAPES[from].maps }, (_, i) =>
      weights.subarray((first + i) * size, (first + i + 1) * size),
    );
  }

  /**
   * Compute the change of all logits when a square of paper is centered on each pixel. Yields after
   * each run, so that a page can spread the work over frames. Returns Float64Array[784 * 10], zero
   * where the square covers no ink; see `logitDifference`.
   */
  *occlusion(grid) {
    const { logits: original } = this.run(grid);
    const changes = new Float64Array(grid.length * DIGITS);
    const layers = emptyLayers();
    for (let pixel = 0; pixel < grid.length; pixel++) {
      const occluded = occlude(grid, pixel);
      if (!occluded) continue;
      const { logits } = this.run(occluded, layers);
      logits.forEach((logit, i) => (changes[pixel * DIGITS + i] = logit - original[i]));
      yield;
    }
    return changes;
  }
}

/** From the result of `occlusion`, return the changes of logit a minus logit b: Float64Array[784]. */
export function logitDifference(changes, a, b) {
  return Float64Array.from(
    { length: changes.length / DIGITS },
    (_, i) => changes[i * DIGITS + a] - changes[i * DIGITS + b],
  );
}

/** Return the square of input pixels on which a unit's value depends, given the pooling maxima. */
export function receptiveField(layers, name, unit) {
  if (name === "input") return { x: unit % SIZE, y: Math.floor(unit / SIZE), side: 1 };
  if (!(name in CONVOLUTIONS)) return { x: 0, y: 0, side: SIZE };
  const { x, y } = poolMaximum(layers, name, unit);
  if (name === "maps1") return { x, y, side: KERNEL };
  // KERNEL units of maps1, two pixels apart; each depends on 2x2 kernels.
  return { x: 2 * x, y: 2 * y, side: 2 * KERNEL + KERNEL - 1 };
}

function sizeOf(name) {
  return SHAPES[name].maps * SHAPES[name].side ** 2;
}

function emptyLayers() {
  const layers = { probabilities: new Float64Array(DIGITS), maxima: {} };
  for (const name in SHAPES) layers[name] = new Float64Array(sizeOf(name));
  for (const name in CONVOLUTIONS) layers.maxima[name] = new Uint16Array(sizeOf(name));
  return layers;
}

/** Convolution, 2x2 max pooling and ReLU; also stores the positions of the pooling maxima. */
function convolve({ from, maps, weights, bias }, layers, name) {
  const { maps: channels, side } = SHAPES[from];
  const planeSide = side - KERNEL + 1;
  const plane = new Float64Array(planeSide * planeSide);
  for (let map = 0; map < maps; map++) {
    plane.fill(bias[map]);
    for (let i = 0; i < channels * KERNEL; i++) {
      const start = (Math.floor(i / KERNEL) * side + (i % KERNEL)) * side;
      const kernelRow = (map * channels * KERNEL + i) * KERNEL;
      addKernelRow(plane, planeSide, layers[from], start, side, weights, kernelRow);
    }
    pool(plane, planeSide, layers, name, map);
  }
}

/** Add one row of a kernel to a plane. The inner loop is unrolled: most time is spent here. */
function addKernelRow(plane, planeSide, input, start, side, weights, kernelRow) {
  // Destructuring would go through an iterator.
  const [a, b, c] = [weights[kernelRow], weights[kernelRow + 1], weights[kernelRow + 2]];
  const [d, e] = [weights[kernelRow + 3], weights[kernelRow + 4]];
  for (let row = 0; row < planeSide; row++) {
    for (let to = row * planeSide, at = start + row * side; to < (row + 1) * planeSide; to++, at++) {
      plane[to] +=
        a * input[at] + b * input[at + 1] + c * input[at + 2] + d * input[at + 3] + e * input[at + 4];
    }
  }
}

function pool(plane, planeSide, layers, name, map) {
  const side = planeSide / 2;
  for (let i = 0; i < side * side; i++) {
    const corner = 2 * Math.floor(i / side) * planeSide + 2 * (i % side);
    let best = corner;
    if (plane[corner + 1] > plane[best]) best = corner + 1;
    if (plane[corner + planeSide] > plane[best]) best = corner + planeSide;
    if (plane[corner + planeSide + 1] > plane[best]) best = corner + planeSide + 1;
    layers.maxima[name][map * side * side + i] = best;
    layers[name][map * side * side + i] = Math.max(plane[best], 0);
  }
}

function multiply({ from, maps, weights, bias }, layers, name) {
  const input = layers[from];
  for (let unit = 0; unit < maps; unit++) {
    let sum = bias[unit];
    for (let i = 0; i < input.length; i++) sum += weights[unit * input.length + i] * input[i];
    layers[name][unit] = sum;
  }
}

function rectify(values) {
  for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i], 0);
}

function softmax(logits, temperature, probabilities) {
  const largest = Math.max(...logits);
  logits.forEach((logit, i) => (probabilities[i] = Math.exp((logit - largest) / temperature)));
  const sum = probabilities.reduce((total, value) => total + value);
  logits.forEach((_, i) => (probabilities[i] /= sum));
}

/** Return the position in the convolved plane from which a pooled unit's value comes. */
function poolMaximum(layers, name, unit) {
  const planeSide = 2 * SHAPES[name].side;
  const at = layers.maxima[name][unit];
  return { x: at % planeSide, y: Math.floor(at / planeSide) };
}

/** Return the grid with a square of paper centered on a pixel; null if the square covers no ink. */
function occlude(grid, pixel) {
  const isCovered = (i) =>
    Math.abs((i % SIZE) - (pixel % SIZE)) <= OCCLUSION_REACH &&
    Math.abs(Math.floor(i / SIZE) - Math.floor(pixel / SIZE)) <= OCCLUSION_REACH;
  const hasInk = grid.some((level, i) => level > 0 && isCovered(i));
  return hasInk ? grid.map((level, i) => (isCovered(i) ? 0 : level)) : null;
}

function withWeights(layers, tensors, shapeOf) {
  const entries = Object.entries(layers).map(([name, { tensor: prefix, from }]) => {
    const { maps } = SHAPES[name];
    const weights = tensor(tensors, `${prefix}.weight`, shapeOf({ maps, from }));
    const bias = tensor(tensors, `${prefix}.bias`, [maps]);
    return [name, { from, maps, weights, bias }];
  });
  return Object.fromEntries(entries);
}

function tensor(tensors, name, shape) {
  const found = tensors.get(name);
  if (!found) throw new Error(`The model has no tensor ${name}.`);
  const size = shape.reduce((product, length) => product * length, 1);
  if (String(found.shape) !== String(shape) || found.values.length !== size) {
    throw new Error(`The model's ${name} has the shape [${found.shape}], not [${shape}].`);
  }
  return found.values;
}

function scalar(tensors, name, fallback) {
  return tensors.has(name) ? tensor(tensors, name, [])[0] : fallback;
}
