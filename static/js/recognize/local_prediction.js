/**
 * Predictions in the page while the server's prediction is on its way. Only drawings that are
 * certainly one digit are predicted here: segmentation and saved predictions are left to the server.
 * No DOM: also runs in Node.
 */

import { isInside } from "../draw/drawing.js";

// Milliseconds between two predictions: some mice send a thousand events per second.
const MIN_INTERVAL = 4;

export class LocalPredictor {
  #fetchModel;
  #model = null;
  // The model version that could not be fetched; it is not requested again.
  #unavailableVersion = null;
  #lastTime = -Infinity;
  // The newest local prediction: { generation, newestTime, text }.
  #latest = null;
  // The last drawing that the server predicted as one digit of all strokes: { generation, strokeCount }.
  #singleDigit = null;

  /** @param {() => Promise<import("./digit_model.js").DigitModel>} fetchModel fetches the serving model */
  constructor(fetchModel) {
    this.#fetchModel = fetchModel;
  }

  /**
   * Predict strokes at a time in milliseconds.
   * @returns a prediction as in the API; undefined if the last one is newer than MIN_INTERVAL; null
   *   without a model, or if the drawing may be a number
   */
  predict({ generation }, strokes, time = performance.now()) {
    if (!this.#model || !this.#isSingleDigit(generation, strokes.length)) return null;
    const isRecent = time - this.#lastTime < MIN_INTERVAL;
    if (isRecent && this.#latest?.generation === generation) return undefined;
    const prediction = this.#model.predict(strokes);
    this.#lastTime = time;
    // The next digit of a number begins as a dot that spoils the digit before it.
    if (strokes.length > 1 && prediction.text === "?") return null;
    this.#latest = { generation, newestTime: newestTime(strokes), text: prediction.text };
    return prediction;
  }

  /**
   * Compare the server's prediction with the local one.
   * @returns {"stale" | "known" | "new"} stale: made from fewer points than the local prediction, or
   *   from the same points during a stroke; known: the same text from the same, completed stroke
   */
  compare({ text, digits }, { generation, body, penUp }) {
    const isSingle = !body.picture && digits.length === 1 && isInBox(body.strokes, digits[0].box);
    this.#singleDigit = isSingle ? { generation, strokeCount: body.strokes.length } : null;
    if (!isSingle || this.#latest?.generation !== generation) return "new";
    const lead = this.#latest.newestTime - newestTime(body.strokes);
    if (lead > 0 || (lead === 0 && !penUp)) return "stale";
    return lead === 0 && text === this.#latest.text ? "known" : "new";
  }

  /** Fetch the model of a version, by default of any; without one, only the server predicts. */
  async load(version = this.#model?.version ?? "any") {
    if (version === this.#model?.version || version === this.#unavailableVersion) return;
    this.#model = await this.#fetchModel().catch(() => null);
    this.#unavailableVersion = this.#model ? null : version;
  }

  #isSingleDigit(generation, strokeCount) {
    if (strokeCount === 1) return true;
    const known = this.#singleDigit;
    return known?.generation === generation && known.strokeCount === strokeCount;
  }
}

/** Return whether the box of a digit has all strokes; underlines and outlines are outside. */
const isInBox = (strokes, box) => strokes.flat().every((point) => isInside(box, point));

/** Time of the newest point, in milliseconds since the first. */
const newestTime = (strokes) => strokes.at(-1).at(-1)[2];
