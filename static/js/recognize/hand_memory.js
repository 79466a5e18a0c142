/**
 * Memory of a visitor's hand: digits that the visitor corrected are recognized the next time. A cache
 * model (Zhang et al., "Tip-Adapter", 2022): an example at the distance d raises the logit of its
 * label by STRENGTH * exp(-d² / (2 WIDTH²)), where d compares the activations before the last layer,
 * scaled to length 1. No DOM: also runs in Node.
 */

const STRENGTH = 20;
const WIDTH = 0.4;
// Older examples are forgotten.
const MAX_EXAMPLES = 200;

export class HandMemory {
  #activationsOf;
  // { image, label, features }, oldest first.
  #examples = [];

  /**
   * @param {(image: Uint8Array) => Float64Array} activationsOf returns the model's activations before
   *   the last layer
   * @param {{image: string, label: number}[]} examples those of `toJSON`
   */
  constructor(activationsOf, examples = []) {
    this.#activationsOf = activationsOf;
    for (const { image, label } of examples) this.learn(fromBase64(image), label);
  }

  /** The number of learned digits. */
  get size() {
    return this.#examples.length;
  }

  /** Learn the correct label, 0 to 9, of a digit with 784 levels. */
  learn(image, label) {
    this.#examples.push({ image, label, features: normalize(this.#activationsOf(image)) });
    this.#examples.splice(0, this.#examples.length - MAX_EXAMPLES);
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

  /** Return the examples for a storage, with images in Base64; they hold for later models too. */
  toJSON() {
    return this.#examples.map(({ image, label }) => ({ image: btoa(String.fromCharCode(...image)), label }));
  }
}

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
