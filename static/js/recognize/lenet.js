/**
 * The network in the page: reads the weights out of the model file that serves, and computes every
 * layer as the server does. No DOM here: Node runs it too, and tests hold it to ONNX Runtime.
 *
 * The layers and their names are those of ml/classifier.py, each flat, row by row: maps1 [6, 12, 12],
 * maps2 [16, 4, 4], dense1 [120], dense2 [84], logits [10], probabilities [10]; before them input
 * [28, 28], the normalized pixels.
 */

import { SIZE } from "./rasterize.js";

const KERNEL = 5;
const MASK = 5;
const FLOAT = 1;
// Milliseconds after which fetching the model is given up.
const TOO_LONG = 10_000;
// Numbers of the fields in onnx.proto.
const MODEL = { graph: 7, metadata: 14 };
const ENTRY = { key: 1, value: 2 };
const GRAPH = { initializer: 5 };
const TENSOR = { dims: 1, dataType: 2, name: 8, rawData: 9 };

const CONVOLUTIONS = {
  maps1: { tensor: "net.features.0", from: "input", depth: 1, side: 28, count: 6 },
  maps2: { tensor: "net.features.3", from: "maps1", depth: 6, side: 12, count: 16 },
};
const DENSE = {
  dense1: { tensor: "net.classifier.0", from: "maps2", depth: 256, count: 120 },
  dense2: { tensor: "net.classifier.2", from: "dense1", depth: 120, count: 84 },
  logits: { tensor: "net.classifier.4", from: "dense2", depth: 84, count: 10 },
};

/** A LeNet whose weights come from an ONNX file. */
export class Network {
  #convolutions;
  #dense;
  #mean;
  #deviation;
  #temperature;

  /** @param {Uint8Array} file Raises an Error that names the tensor it cannot find. */
  constructor(file) {
    const tensors = readTensors(file);
    const kernels = ({ count, depth }) => [count, depth, KERNEL, KERNEL];
    const matrix = ({ count, depth }) => [count, depth];
    this.#convolutions = withWeights(CONVOLUTIONS, tensors, kernels);
    this.#dense = withWeights(DENSE, tensors, matrix);
    // What divides by one is left out of the file by its exporter.
    this.#mean = scalar(tensors, "mean", 0);
    this.#deviation = scalar(tensors, "deviation", 1);
    this.#temperature = scalar(tensors, "temperature", 1);
    const { version, facts } = readMetadata(file);
    /** What the file says of itself: its version, and the thresholds of the verdicts. */
    this.facts = { version, thresholds: JSON.parse(facts).thresholds };
  }

  /**
   * Every layer for one picture.
   * @param {Uint8Array} grid 784 levels, 0 is paper and 255 is ink
   * @param {object} layers those of an earlier run, to be written over
   */
  run(grid, layers = emptyLayers()) {
    for (let i = 0; i < grid.length; i++) layers.input[i] = this.#normalized(grid[i]);
    for (const name in this.#convolutions) convolve(this.#convolutions[name], layers, name);
    for (const name in this.#dense) {
      multiply(this.#dense[name], layers, name);
      if (name !== "logits") rectify(layers[name]);
    }
    softmax(layers.logits, this.#temperature, layers.probabilities);
    return layers;
  }

  /**
   * What feeds a unit: weight times activation of every unit of the layer before, through a pool
   * from the position that won. Together with the bias they make what the ReLU then takes.
   * @returns {{from: string, contributions: Float64Array, bias: number}}
   */
  feeds(layers, name, unit) {
    if (name in CONVOLUTIONS) return this.#feedsOfMap(layers, name, unit);
    const { from, depth, weights, bias } = this.#dense[name];
    const row = weights.subarray(unit * depth, (unit + 1) * depth);
    const contributions = Float64Array.from(row, (weight, i) => weight * layers[from][i]);
    return { from, contributions, bias: bias[unit] };
  }

  #feedsOfMap(layers, name, unit) {
    const { from, depth, side, count, weights, bias } = this.#convolutions[name];
    const map = Math.floor(unit / (layers[name].length / count));
    const { x, y } = winner(layers, name, unit);
    const contributions = new Float64Array(depth * side * side);
    for (let i = 0; i < depth * KERNEL * KERNEL; i++) {
      const [channel, row, column] = unfold(i, KERNEL);
      const at = (channel * side + y + row) * side + x + column;
      contributions[at] = weights[map * depth * KERNEL * KERNEL + i] * layers[from][at];
    }
    return { from, contributions, bias: bias[map] };
  }

  /**
   * For each pixel, the change of all logits when a patch of paper covers it there; where it touches no
   * ink, nothing changes. One pixel a step, so that a page can spread the work over frames. Returns
   * the changes, Float64Array[784 * 10]; see `difference`.
   */
  *occlusion(grid, size = MASK) {
    const before = this.run(grid).logits;
    const changes = new Float64Array(SIZE * SIZE * before.length);
    const layers = emptyLayers();
    for (let pixel = 0; pixel < grid.length; pixel++) {
      const masked = cover(grid, pixel, size);
      if (!masked) continue;
      const { logits } = this.run(masked, layers);
      logits.forEach((logit, i) => (changes[pixel * logits.length + i] = logit - before[i]));
      yield;
    }
    return changes;
  }

  #normalized(level) {
    return (level / 255 - this.#mean) / this.#deviation;
  }
}

/** Fetch the model at an address. Raises an Error where it cannot be had, or is not this net. */
export async function fetchNetwork(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(TOO_LONG) });
  if (!response.ok) throw new Error(`The server answered ${response.status}.`);
  return new Network(new Uint8Array(await response.arrayBuffer()));
}

/** Of the changes of all logits that an occlusion gives, those of a minus b: Float64Array[784]. */
export function difference(changes, a, b) {
  return Float64Array.from({ length: SIZE * SIZE }, (_, i) => changes[i * 10 + a] - changes[i * 10 + b]);
}

/** The square of input pixels that a unit of a layer looks at, through the pools' winners. */
export function field(layers, name, unit) {
  if (name === "input") return { x: unit % SIZE, y: Math.floor(unit / SIZE), side: 1 };
  if (!(name in CONVOLUTIONS)) return { x: 0, y: 0, side: SIZE };
  const { x, y } = winner(layers, name, unit);
  if (name === "maps1") return { x, y, side: KERNEL };
  // Five units of maps1 at every second pixel, each of which looks at a pool of two and five around.
  return { x: 2 * x, y: 2 * y, side: 2 * KERNEL + KERNEL - 1 };
}

function emptyLayers() {
  const floats = (length) => new Float64Array(length);
  return {
    input: floats(SIZE * SIZE),
    maps1: floats(6 * 12 * 12),
    maps2: floats(16 * 4 * 4),
    dense1: floats(120),
    dense2: floats(84),
    logits: floats(10),
    probabilities: floats(10),
    winners: { maps1: new Uint16Array(6 * 12 * 12), maps2: new Uint16Array(16 * 4 * 4) },
  };
}

/** Convolution, the larger of two by two, ReLU: each map of a layer, and where its pools' winners are. */
function convolve({ from, depth, side, count, weights, bias }, layers, name) {
  const wide = side - KERNEL + 1;
  const plane = new Float64Array(wide * wide);
  for (let map = 0; map < count; map++) {
    plane.fill(bias[map]);
    for (let i = 0; i < depth * KERNEL; i++) {
      const start = (Math.floor(i / KERNEL) * side + (i % KERNEL)) * side;
      const taps = (map * depth * KERNEL + i) * KERNEL;
      addRow(plane, wide, layers[from], start, side, weights, taps);
    }
    pool(plane, wide, layers, name, map);
  }
}

/** Add what one row of a kernel sees: its five taps at once, for this is where the time goes. */
function addRow(plane, wide, input, start, side, weights, taps) {
  const [a, b, c, d, e] = weights.subarray(taps, taps + KERNEL);
  for (let row = 0; row < wide; row++) {
    for (let to = row * wide, at = start + row * side; to < (row + 1) * wide; to++, at++) {
      plane[to] +=
        a * input[at] + b * input[at + 1] + c * input[at + 2] + d * input[at + 3] + e * input[at + 4];
    }
  }
}

function pool(plane, wide, layers, name, map) {
  const half = wide / 2;
  for (let i = 0; i < half * half; i++) {
    const corner = 2 * Math.floor(i / half) * wide + 2 * (i % half);
    let best = corner;
    if (plane[corner + 1] > plane[best]) best = corner + 1;
    if (plane[corner + wide] > plane[best]) best = corner + wide;
    if (plane[corner + wide + 1] > plane[best]) best = corner + wide + 1;
    layers.winners[name][map * half * half + i] = best;
    layers[name][map * half * half + i] = Math.max(plane[best], 0);
  }
}

function multiply({ from, depth, count, weights, bias }, layers, name) {
  const input = layers[from];
  for (let unit = 0; unit < count; unit++) {
    let sum = bias[unit];
    for (let i = 0; i < depth; i++) sum += weights[unit * depth + i] * input[i];
    layers[name][unit] = sum;
  }
}

function rectify(values) {
  for (let i = 0; i < values.length; i++) values[i] = Math.max(values[i], 0);
}

function softmax(logits, temperature, probabilities) {
  const most = Math.max(...logits);
  logits.forEach((logit, i) => (probabilities[i] = Math.exp((logit - most) / temperature)));
  const sum = probabilities.reduce((total, value) => total + value);
  logits.forEach((_, i) => (probabilities[i] /= sum));
}

/** Where in the convolved plane the value of a pooled unit came from: the corner of its kernel. */
function winner(layers, name, unit) {
  const wide = CONVOLUTIONS[name].side - KERNEL + 1;
  const at = layers.winners[name][unit];
  return { x: at % wide, y: Math.floor(at / wide) };
}

/** A place in a stack of squares: [square, row, column]. */
function unfold(i, side) {
  return [Math.floor(i / (side * side)), Math.floor(i / side) % side, i % side];
}

/** The grid with a patch of paper over a pixel; null where the patch touches no ink. */
function cover(grid, pixel, size) {
  const masked = grid.slice();
  const [top, left] = [Math.floor(pixel / SIZE), pixel % SIZE].map((at) => at - (size >> 1));
  let ink = 0;
  for (let row = Math.max(top, 0); row < Math.min(top + size, SIZE); row++) {
    const [from, to] = [Math.max(left, 0), Math.min(left + size, SIZE)].map((at) => row * SIZE + at);
    ink += grid.subarray(from, to).reduce((sum, level) => sum + level, 0);
    masked.fill(0, from, to);
  }
  return ink > 0 ? masked : null;
}

function withWeights(layers, tensors, shapeOf) {
  const entries = Object.entries(layers).map(([name, layer]) => {
    const weights = tensor(tensors, `${layer.tensor}.weight`, shapeOf(layer));
    const bias = tensor(tensors, `${layer.tensor}.bias`, [layer.count]);
    return [name, { ...layer, weights, bias }];
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

function scalar(tensors, name, otherwise) {
  return tensors.has(name) ? tensor(tensors, name, [])[0] : otherwise;
}

/** The texts that an ONNX file holds beside its graph, by key. */
function readMetadata(file) {
  const text = (entry, field) => new TextDecoder().decode(fieldsOf(entry, field)[0]);
  const entries = fieldsOf(file, MODEL.metadata);
  return Object.fromEntries(entries.map((entry) => [text(entry, ENTRY.key), text(entry, ENTRY.value)]));
}

/** The float tensors of an ONNX file by name: Map of {shape, values}. */
function readTensors(file) {
  const tensors = new Map();
  for (const graph of fieldsOf(file, MODEL.graph)) {
    for (const content of fieldsOf(graph, GRAPH.initializer)) {
      const [type] = fieldsOf(content, TENSOR.dataType);
      if (type !== FLOAT) continue;
      const [name] = fieldsOf(content, TENSOR.name);
      const [raw] = fieldsOf(content, TENSOR.rawData);
      const shape = fieldsOf(content, TENSOR.dims).flatMap(integers);
      tensors.set(new TextDecoder().decode(name), { shape, values: floats(raw) });
    }
  }
  return tensors;
}

/** Float64, so that no arithmetic has to convert; copied, for raw bytes need not be aligned. */
function floats(raw = new Uint8Array()) {
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  return Float64Array.from({ length: raw.length >> 2 }, (_, i) => view.getFloat32(4 * i, true));
}

/** A repeated number stands as one field each, or packed into the bytes of a single one. */
function integers(value) {
  if (typeof value === "number") return [value];
  const numbers = [];
  for (let at = 0, number; at < value.length; numbers.push(number)) [number, at] = varint(value, at);
  return numbers;
}

/** All values of one field of a protobuf message: numbers, or the bytes of what has a length. */
function fieldsOf(message, wanted) {
  const values = [];
  for (let at = 0, key; at < message.length; ) {
    [key, at] = varint(message, at);
    const [value, next] = readValue(message, at, key & 7);
    if (key >>> 3 === wanted) values.push(value);
    at = next;
  }
  return values;
}

function readValue(message, at, wireType) {
  if (wireType === 0) return varint(message, at);
  if (wireType === 1) return [null, at + 8];
  if (wireType === 5) return [null, at + 4];
  if (wireType !== 2) throw new Error("This is no model file.");
  const [length, start] = varint(message, at);
  return [message.subarray(start, start + length), start + length];
}

/** Seven bits a byte, the lowest first; multiplied, for shifting ends at 32 bits. */
function varint(bytes, at) {
  let [value, scale] = [0, 1];
  for (; bytes[at] & 128; at++, scale *= 128) value += (bytes[at] & 127) * scale;
  return [value + (bytes[at] ?? 0) * scale, at + 1];
}
