/**
 * The memory of a visitor's hand: digits that the visitor corrected. A digit similar to a corrected one
 * becomes more probable. Corrections stay in this browser. No DOM: also runs in Node.
 *
 * Similarity is measured between the 84 activations before the last layer, scaled to length 1. Each
 * corrected digit at distance d adds STRENGTH * exp(-d² / (2 * WIDTH²)) to the logit of its label: a
 * cache model (Zhang et al., "Tip-Adapter", ECCV 2022). Stored are the images, not the activations,
 * so that the memory survives a new model.
 */

import { SIZE } from "./rasterize.js";

const KEY = "hand";
const STRENGTH = 10;
const WIDTH = 0.4;
// The oldest correction is dropped.
const MAX_CORRECTIONS = 100;

export class HandMemory {
  #corrections = [];
  #network = null;
  #storage;

  /** @param {Storage} storage such as localStorage */
  constructor(storage) {
    this.#storage = storage;
    try {
      this.#corrections = JSON.parse(storage.getItem(KEY) ?? "[]").map(parse);
    } catch {
      // Forbidden or corrupt storage: begin an empty memory.
    }
  }

  /** Number of remembered corrections. */
  get size() {
    return this.#corrections.length;
  }

  /**
   * Remember a digit.
   * @param {Uint8Array} image 784 levels
   * @param {number} label from 0 to 9
   */
  learn(image, label) {
    this.#corrections = [...this.#corrections, { image, label }].slice(-MAX_CORRECTIONS);
    this.#store();
  }

  reset() {
    this.#corrections = [];
    this.#store();
  }

  /**
   * Return the ten probabilities of an image, changed by the corrections.
   * @param {import("./lenet.js").LeNet} network
   * @param {Uint8Array} image 784 levels
   */
  probabilities(network, image) {
    const layers = network.run(image);
    if (this.size === 0) return layers.probabilities;
    const activations = normalize(layers.dense2);
    const logits = layers.probabilities.map(Math.log);
    for (const { label, activations: other } of this.#activations(network)) {
      logits[label] += STRENGTH * Math.exp(-squaredDistance(activations, other) / (2 * WIDTH ** 2));
    }
    const largest = Math.max(...logits);
    const powers = logits.map((logit) => Math.exp(logit - largest));
    const sum = powers.reduce((total, power) => total + power);
    return powers.map((power) => power / sum);
  }

  /** Compute the activations of new corrections, or of all for a new model. */
  #activations(network) {
    const isNew = network !== this.#network;
    this.#network = network;
    for (const correction of this.#corrections) {
      if (isNew || !correction.activations) {
        correction.activations = normalize(network.run(correction.image).dense2);
      }
    }
    return this.#corrections;
  }

  #store() {
    const stored = this.#corrections.map(({ image, label }) => [label, btoa(String.fromCharCode(...image))]);
    try {
      this.#storage.setItem(KEY, JSON.stringify(stored));
    } catch {
      // Full or forbidden storage: the memory ends with the page.
    }
  }
}

/** Return a stored correction; throw an Error if it is corrupt. */
function parse([label, encoded]) {
  const image = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
  const isDigit = Number.isInteger(label) && label >= 0 && label <= 9;
  if (image.length !== SIZE ** 2 || !isDigit) throw new Error("Corrupt memory.");
  return { label, image };
}

function normalize(vector) {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0)) || 1;
  return vector.map((value) => value / length);
}

function squaredDistance(one, other) {
  return one.reduce((sum, value, i) => sum + (value - other[i]) ** 2, 0);
}
