/**
 * Predictions in the page, in the frame of the ink; the server's prediction of the same strokes
 * replaces them. No DOM: also runs in Node.
 */

import { isNetworkError } from "./client.js";

// Milliseconds between two predictions: some mice send a thousand events per second.
const MIN_INTERVAL = 4;
// Candidates to classify in one frame.
const MAX_RUNS = 8;

export class LocalPredictor {
  /** The recognizer with the loaded model, or null. */
  recognizer = null;

  #fetchRecognizer;
  #now;
  // The model version that could not be fetched; it is not requested again.
  #unavailableVersion = null;
  // The promise of the model that is being fetched, or null.
  #loading = null;
  #nextTime = -Infinity;
  // The newest local prediction: { generation, newestTime, text, isAdapted }.
  #latest = null;

  /**
   * @param {() => Promise<import("./recognition.js").Recognizer>} fetchRecognizer fetches the serving
   *   model
   * @param {() => number} now the clock of the times, in milliseconds
   */
  constructor(fetchRecognizer, now = () => performance.now()) {
    [this.#fetchRecognizer, this.#now] = [fetchRecognizer, now];
  }

  /**
   * Predict strokes at a time in milliseconds; `penUp` is false during a stroke.
   * @returns a prediction as in the API; undefined during a stroke, if the last one is too recent; null
   *   without a model or strokes
   */
  predict({ generation }, strokes, { time = this.#now(), penUp }) {
    if (!this.recognizer || strokes.length === 0) return null;
    if (!penUp && time < this.#nextTime && this.#latest?.generation === generation) return undefined;
    const start = this.#now();
    const prediction = this.recognizer.predict(strokes, penUp ? Infinity : MAX_RUNS);
    // At most half of the time is spent on predictions.
    this.#nextTime = time + Math.max(MIN_INTERVAL, 2 * (this.#now() - start));
    const isAdapted = prediction.digits.some((digit) => digit.isAdapted);
    this.#latest = { generation, newestTime: newestTime(strokes), text: prediction.text, isAdapted };
    return prediction;
  }

  /**
   * Compare the server's prediction with the local one.
   * @returns {"stale" | "adapted" | "known" | "new"} stale: made from fewer points than the local
   *   prediction, or from the same points during a stroke; adapted: the local prediction of the same
   *   points was changed by the visitor's corrections; known: the same text from the same points
   */
  compare({ text }, { generation, body, penUp }) {
    if (body.picture || this.#latest?.generation !== generation) return "new";
    const lead = this.#latest.newestTime - newestTime(body.strokes);
    if (lead > 0 || (lead === 0 && !penUp)) return "stale";
    if (lead < 0) return "new";
    if (this.#latest.isAdapted) return "adapted";
    return text === this.#latest.text ? "known" : "new";
  }

  /** Return the recognizer; fetch the model first unless it is loaded. Throws an Error if that fails. */
  async load() {
    return this.recognizer ?? this.#fetch();
  }

  /** Fetch the version of the model that the server uses; without it, only the server predicts. */
  async follow(version) {
    if (version === this.recognizer?.version || version === this.#unavailableVersion) return;
    try {
      await this.#fetch();
    } catch (error) {
      this.recognizer = null;
      // Lost connections pass.
      if (!isNetworkError(error)) this.#unavailableVersion = version;
    }
  }

  #fetch() {
    this.#loading ??= this.#fetchRecognizer()
      .then((recognizer) => (this.recognizer = recognizer))
      .finally(() => (this.#loading = null));
    return this.#loading;
  }
}

/** Time of the newest point, in milliseconds since the first. */
const newestTime = (strokes) => strokes.at(-1).at(-1)[2];
