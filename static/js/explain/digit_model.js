/** Prediction of strokes as one digit, without segmentation. No DOM: also runs in Node. */

import { rasterize } from "../recognize/rasterize.js";
import { verdictOf } from "../recognize/recognition.js";

export class DigitModel {
  #network;
  // Reused by every run.
  #layers;

  /** @param {import("../recognize/lenet.js").LeNet} network */
  constructor(network) {
    this.#network = network;
    this.#layers = network.run(rasterize([]));
  }

  get version() {
    return this.#network.version;
  }

  /** @returns a prediction as in the API, with the image as Uint8Array[784] and without a box */
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
