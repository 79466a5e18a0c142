/**
 * Memory of a visitor's hand: digits that the visitor corrected are recognized the next time. A cache
 * model (Zhang et al., "Tip-Adapter", 2022): an example at the distance d raises the logit of its
 * label by STRENGTH * exp(-d² / (2 WIDTH²)), where d compares images of half the size, scaled to
 * length 1. No DOM: also runs in Node.
 */

const KEY = "hand";
const STRENGTH = 10;
const WIDTH = 0.4;
// Older examples are forgotten.
const MAX_EXAMPLES = 200;
const SIDE = 28;
const NO_STORAGE = { getItem: () => null, setItem() {} };

export class HandMemory {
  #storage;
  // { image, label, drawing, features }, oldest first.
  #examples = [];

  /** @param {Storage} storage such as localStorage */
  constructor(storage = NO_STORAGE) {
    this.#storage = storage;
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

  /** Return the logits of a digit with 784 levels, adapted to the learned digits. */
  adapt(logits, image) {
    const adapted = Float64Array.from(logits);
    const features = featuresOf(image);
    for (const example of this.#examples) {
      const square = squaredDistance(features, example.features);
      adapted[example.label] += STRENGTH * Math.exp(-square / (2 * WIDTH * WIDTH));
    }
    return adapted;
  }

  #add(image, label, drawing) {
    if (image.length !== SIDE * SIDE || !Number.isInteger(label) || label < 0 || label > 9) {
      throw new RangeError(`Not a labeled digit: ${image.length} levels, label ${label}`);
    }
    this.#examples.push({ image, label, drawing, features: featuresOf(image) });
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

/** Return the sums of 2 x 2 pixels, scaled to length 1. */
function featuresOf(image) {
  const sums = new Float64Array((SIDE / 2) ** 2);
  image.forEach((level, i) => {
    const [row, column] = [Math.floor(i / SIDE), i % SIDE];
    sums[(row >> 1) * (SIDE / 2) + (column >> 1)] += level;
  });
  const length = Math.hypot(...sums) || 1;
  return sums.map((sum) => sum / length);
}

function squaredDistance(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += (one[i] - other[i]) ** 2;
  return sum;
}
