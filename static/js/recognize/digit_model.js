/** Prediction of a single digit in the page, with the serving model. No DOM: also runs in Node. */

import { fetchLeNet } from "./lenet.js";
import { rasterize } from "./rasterize.js";

export class DigitModel {
  #network;
  // Reused by every run.
  #layers;

  /** @param {import("./lenet.js").LeNet} network */
  constructor(network) {
    this.#network = network;
    this.#layers = network.run(rasterize([]));
  }

  get version() {
    return this.#network.version;
  }

  /**
   * Predict strokes as one digit.
   * @returns a prediction as in the API, with the image as Uint8Array[784] and without a box
   */
  predict(strokes) {
    const image = rasterize(strokes);
    const probabilities = [...this.#network.run(image, this.#layers).probabilities];
    const confidence = Math.max(...probabilities);
    const verdict = verdictOf(probabilities, this.#network.thresholds);
    const digit = verdict === "not a digit" ? null : probabilities.indexOf(confidence);
    return {
      text: digit === null ? "?" : String(digit),
      digits: [{ digit, verdict, confidence, probabilities, image }],
      model: this.version,
    };
  }
}

/** Return the verdict of the two largest probabilities; the server uses the same rule. */
export function verdictOf(probabilities, { digit, sure }) {
  const [first, second] = [...probabilities].sort((a, b) => b - a);
  if (first + second < digit) return "not a digit";
  return first >= sure ? "digit" : "unsure";
}

/** Fetch the serving model. Throws an Error if it is unavailable or not a LeNet. */
export async function fetchDigitModel(url) {
  return new DigitModel(await fetchLeNet(url));
}
