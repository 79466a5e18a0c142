/**
 * Memory of a visitor's hand: digits that the visitor corrected are recognized the next time. A cache
 * model (Zhang et al., "Tip-Adapter", 2022): an example at the distance d raises the logit of its
 * label by STRENGTH * exp(-d² / (2 WIDTH²)), where d compares images of half the size, scaled to
 * length 1. No DOM: also runs in Node.
 */

const KEY = "hand";
const STRENGTH = 10;
// Of digits that the visitor did not correct.
const WEAK_STRENGTH = 2;
const WIDTH = 0.4;
// Older examples are forgotten.
const MAX_EXAMPLES = 200;
const SIDE = 28;

export class HandMemory {
  /** Changes with the adapted logits. */
  revision = 0;

  #storage;
  // { image, label, drawing, features }, oldest first.
  #examples = [];
  // Digits that the visitor did not correct: never stored, because the next user could see them.
  #weakExamples = [];

  /** @param [storage] of `openStorage` */
  constructor(storage) {
    this.#storage = storage;
    this.#load();
  }

  /** The number of learned digits. */
  get size() {
    return this.#examples.length;
  }

  /** Learn the correct label, 0 to 9, of a digit with 784 levels, of a drawing. */
  learn(image, label, drawing) {
    add(this.#examples, image, label, drawing);
    this.#store();
  }

  /** Remember a digit that the visitor did not correct, until the page is closed. */
  observe(image, label, drawing) {
    add(this.#weakExamples, image, label, drawing);
    this.revision++;
  }

  /** Forget the digits of a drawing: the visitor changed its label. */
  forget(drawing) {
    const isOther = (example) => example.drawing !== drawing;
    const { size } = this;
    [this.#examples, this.#weakExamples] = [this.#examples.filter(isOther), this.#weakExamples.filter(isOther)];
    // Unchanged examples must not replace those of another page.
    if (this.size < size) this.#store();
    else this.revision++;
  }

  reset() {
    [this.#examples, this.#weakExamples] = [[], []];
    this.#store();
  }

  /** Adopt the examples of another page from its "storage" event; a reset there is one here. */
  onStorage({ key }) {
    if (key !== KEY && key !== null) return;
    this.#load();
    if (this.size === 0) this.#weakExamples = [];
    this.revision++;
  }

  /** Return the logits of a digit with 784 levels, adapted to the learned digits. */
  adapt(logits, image) {
    const adapted = Float64Array.from(logits);
    const features = featuresOf(image);
    const raise = (strength) => (example) => {
      // Half the squared distance, because both have the length 1.
      const distance = 1 - dotProduct(features, example.features);
      adapted[example.label] += strength * Math.exp(-distance / (WIDTH * WIDTH));
    };
    this.#examples.forEach(raise(STRENGTH));
    this.#weakExamples.forEach(raise(WEAK_STRENGTH));
    return adapted;
  }

  #load() {
    this.#examples = [];
    try {
      for (const [image, label, drawing] of this.#storage?.getJSON(KEY) ?? []) {
        add(this.#examples, fromBase64(image), label, drawing);
      }
    } catch {
      // Corrupt storage: begin an empty memory.
      this.#examples = [];
    }
  }

  #store() {
    this.revision++;
    const stored = this.#examples.map(({ image, label, drawing }) => [toBase64(image), label, drawing]);
    this.#storage?.setItem(KEY, JSON.stringify(stored));
  }
}

/** Append an example, and remove the oldest if there are too many. */
function add(examples, image, label, drawing) {
  if (image.length !== SIDE * SIDE || !Number.isInteger(label) || label < 0 || label > 9) {
    throw new RangeError(`Not a labeled digit: ${image.length} levels, label ${label}`);
  }
  examples.push({ image, label, drawing, features: featuresOf(image) });
  examples.splice(0, examples.length - MAX_EXAMPLES);
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

function dotProduct(one, other) {
  let sum = 0;
  for (let i = 0; i < one.length; i++) sum += one[i] * other[i];
  return sum;
}
