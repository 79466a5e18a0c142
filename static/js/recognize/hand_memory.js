/**
 * Memory of a visitor's hand: digits that the visitor corrected are recognized the next time. A cache
 * model (Zhang et al., "Tip-Adapter", 2022): an example at the distance d raises the logit of its
 * label by STRENGTH * exp(-d² / (2 WIDTH²)), where d compares the activations before the last layer,
 * scaled to length 1. No DOM: also runs in Node.
 */

const KEY = "hand";
const STRENGTH = 10;
const WIDTH = 0.4;
// Older examples are forgotten.
const MAX_EXAMPLES = 200;
const LEVELS = 784;
const NO_STORAGE = { getItem: () => null, setItem() {} };

export class HandMemory {
  #activationsOf;
  #storage;
  // { image, label, drawing, features }, oldest first.
  #examples = [];

  /**
   * @param {(image: Uint8Array) => Float64Array} activationsOf returns the model's activations before
   *   the last layer
   * @param {Storage} storage such as localStorage; it keeps images, which hold for later models too
   */
  constructor(activationsOf, storage = NO_STORAGE) {
    [this.#activationsOf, this.#storage] = [activationsOf, storage];
    try {
      for (const [image, label, drawing] of JSON.parse(storage.getItem(KEY)) ?? []) {
        this.#add(fromBase64(image), label, drawing);
      }
    } catch {
      // Forbidden or corrupt storage: begin an empty memory.
      this.#examples = [];
    }
  }

  /** The number of learned digits. */
  get size() {
    return this.#examples.length;
  }

  /** Learn the correct label, 0 to 9, of a digit with 784 levels, of a drawing. */
  learn(image, label, drawing) {
    this.#add(image, label, drawing);
    this.#store();
  }

  /** Forget the digits of a drawing: the visitor changed its label. */
  forget(drawing) {
    this.#examples = this.#examples.filter((example) => example.drawing !== drawing);
    this.#store();
  }

  reset() {
    this.#examples = [];
    this.#store();
  }

  /** Return the logits of a digit with these activations, adapted to the learned digits. */
  adapt(logits, activations) {
    const adapted = Float64Array.from(logits);
    const features = normalize(activations);
    for (const example of this.#examples) {
      const square = squaredDistance(features, example.features);
      adapted[example.label] += STRENGTH * Math.exp(-square / (2 * WIDTH * WIDTH));
    }
    return adapted;
  }

  #add(image, label, drawing) {
    if (image.length !== LEVELS || !Number.isInteger(label) || label < 0 || label > 9) {
      throw new RangeError(`Not a labeled digit: ${image.length} levels, label ${label}`);
    }
    this.#examples.push({ image, label, drawing, features: normalize(this.#activationsOf(image)) });
    this.#examples.splice(0, this.#examples.length - MAX_EXAMPLES);
  }

  #store() {
    const stored = this.#examples.map(({ image, label, drawing }) => [toBase64(image), label, drawing]);
    try {
      this.#storage.setItem(KEY, JSON.stringify(stored));
    } catch {
      // Full or forbidden storage: the memory ends with the page.
    }
  }
}

const toBase64 = (levels) => btoa(String.fromCharCode(...levels));
const fromBase64 = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));

function normalize(activations) {
  const length = Math.hypot(...activations) || 1;
  return activations.map((value) => value / length);
}

function squaredDistance(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return sum;
}
