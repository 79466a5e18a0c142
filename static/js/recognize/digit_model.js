/** One digit as the server reads it, read in the page by the net that serves. No DOM here. */

import { draw } from "./rasterize.js";
import { fetchNetwork } from "./lenet.js";

export class Net {
  #network;
  #layers;

  /** @param {import("./lenet.js").Network} network */
  constructor(network) {
    this.#network = network;
    this.#layers = network.run(draw([]));
  }

  /** The version of the model. */
  get version() {
    return this.#network.facts.version;
  }

  /**
   * Read strokes as one digit.
   * @returns an answer as the API gives it, but with the image as 784 levels and without a box
   */
  read(strokes) {
    const image = draw(strokes);
    const probabilities = [...this.#network.run(image, this.#layers).probabilities];
    const confidence = Math.max(...probabilities);
    const verdict = judge(probabilities, this.#network.facts.thresholds);
    const digit = verdict === "not a digit" ? null : probabilities.indexOf(confidence);
    return {
      text: digit === null ? "?" : String(digit),
      digits: [{ digit, verdict, confidence, probabilities, image }],
      model: this.version,
    };
  }
}

/** Two likely rivals make an unsure digit; many unlikely ones make none. */
export function judge(probabilities, { digit, sure }) {
  const [first, second] = [...probabilities].sort((a, b) => b - a);
  if (first + second < digit) return "not a digit";
  return first >= sure ? "digit" : "unsure";
}

/** Fetch the net that serves. Raises an Error where it cannot be had. */
export async function fetchNet(url) {
  return new Net(await fetchNetwork(url));
}
