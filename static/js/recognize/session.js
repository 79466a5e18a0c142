/**
 * The recognition of the drawing on the pad: predicts it during a stroke, predicts and saves it after
 * each stroke, and shows the prediction and the state of the server. Dispatches "change" whenever
 * the displayed prediction changes.
 */

import { randomUUID } from "../draw/drawing.js";
import { PredictionClient } from "./client.js";
import { LocalPredictor } from "./local_prediction.js";
import { announce, leastConfident, setState, showBadge, showNoPrediction, showPrediction } from "./result_view.js";

const MODEL_URL = "/api/v1/model.onnx";

export class Session extends EventTarget {
  /** The displayed prediction, or null, and the index of its selected digit. */
  prediction = null;
  selected = 0;
  /** The memory of the visitor's hand, of all versions of the model; null until the first is loaded. */
  memory = null;

  #drawing;
  #pad;
  #visit;
  #outbox;
  #isSaving;
  #client;
  #local;
  // "offline" | "busy" | "slow" | null
  #serverStatus = null;

  /** @param {{isSaving: () => boolean}} options with drawing, pad, visit, outbox, and
   *   the storage of the visitor's hand */
  constructor({ drawing, pad, visit, outbox, storage, isSaving }) {
    super();
    this.#local = new LocalPredictor(async () => {
      const [{ fetchRecognizer }, { HandMemory }] = await Promise.all([
        import("./recognition.js"),
        import("./hand_memory.js"),
      ]);
      this.memory ??= new HandMemory(storage);
      return fetchRecognizer(MODEL_URL, this.memory);
    });
    [this.#drawing, this.#pad, this.#visit, this.#outbox] = [drawing, pad, visit, outbox];
    this.#isSaving = isSaving;
    this.#client = new PredictionClient({
      outbox,
      onPrediction: (prediction, job) => this.#onPrediction(prediction, job),
      onStatus: (status, job) => this.#onStatus(status, job),
      onRejected: (job, status, detail) => this.#onRejected(job, status, detail),
    });
  }

  predictStroke(time) {
    this.showStatus();
    if (document.body.dataset.state !== "offline") setState("drawing");
    this.#predict({ save: false, penUp: false, time });
  }

  /** Predict a finished stroke or a picture, and save the drawing if the visitor agrees. */
  complete(time) {
    if (this.#drawing.isEmpty) return;
    const save = this.#isSaving();
    const { id, strokes, picture } = this.#drawing;
    const sent = save || this.#visit.find(id)?.sent;
    this.#visit.put({ id, strokes, picture, side: this.#pad.side, save, sent, label: undefined });
    this.#predict({ save, penUp: true, time });
    this.showStatus();
  }

  /** Predict again after undo, redo, clear or open; delete a saved drawing that is empty now. */
  revise(time) {
    this.showStatus();
    this.#showNone(this.#drawing.isEmpty ? "empty" : "drawing");
    const { id, isEmpty, picture, strokes } = this.#drawing;
    const entry = this.#visit.find(id);
    if (isEmpty && entry) {
      this.#visit.delete([id]);
      // Saving an empty drawing deletes it.
      if (entry.sent) this.#predict({ save: true, penUp: true, time });
    } else if (entry && haveSameTimes(entry.strokes, strokes)) {
      this.#predict({ save: false, penUp: true, time });
    } else if (!isEmpty && !picture) {
      this.complete(time);
    }
  }

  /** Fetch the model, so that the page predicts from the first stroke. Throws an Error if that fails. */
  async loadModel() {
    await this.#local.load();
    if (document.body.dataset.model === "loaded") return;
    document.body.dataset.model = "loaded";
    const isPending = document.body.dataset.state === "drawing" && !this.#drawing.picture;
    if (isPending) this.#predictLocally(this.#drawing.toJSON(), { penUp: false });
    this.dispatchEvent(new Event("change"));
  }

  /** The recognizer with the loaded model, or null. */
  get recognizer() {
    return this.#local.recognizer;
  }

  /** Show the prediction again, with the details of one of its digits. */
  select(index = this.selected) {
    const { state } = document.body.dataset;
    if (this.prediction) this.#show(this.prediction, index);
    else this.#showNone(state);
    // A prediction that is pending or made offline stays so.
    setState(state);
  }

  sendChanges() {
    this.#client.send();
    if (this.#serverStatus) this.showStatus();
  }

  retry() {
    this.#client.retry();
  }

  /** Show the state of the server and the number of waiting drawings. */
  showStatus() {
    const waiting = this.#outbox.size > 0 ? ` Waiting to be sent: ${this.#outbox.size}.` : "";
    const messages = {
      offline: `No connection.${waiting}`,
      busy: `The server is busy.${waiting}`,
      slow: "The server is slow.",
    };
    showBadge(messages[this.#serverStatus] ?? "");
  }

  /** Return the box of a digit: on the pad, which may have been resized; of a picture, in its pixels. */
  boxOf({ box }) {
    if (this.#drawing.picture) return box;
    return box?.map((length) => (length * this.#pad.side) / this.prediction.side);
  }

  #predict({ save, penUp, time }) {
    const { id, generation, picture } = this.#drawing;
    const strokes = this.#drawing.toJSON();
    const body = picture ? { picture: picture.source } : { strokes };
    const isPredicted = this.#predictLocally(strokes, { time, penUp });
    if (this.#isOffline && !isPredicted) this.#showNone("offline");
    if (this.#isOffline && isPredicted && penUp && this.prediction) announce(this.prediction);
    // The server predicts the completed stroke.
    if (isPredicted && !penUp) return;
    this.#client.predict({ id, body, generation, side: this.#pad.side, save, penUp, time });
  }

  get #isOffline() {
    return this.#serverStatus === "offline" || this.#serverStatus === "busy";
  }

  /** Show a local prediction; return whether these strokes, or almost all of them, have one. */
  #predictLocally(strokes, { time, penUp }) {
    const prediction = this.#local.predict(this.#drawing, strokes, { time, penUp });
    if (prediction === undefined) return true;
    if (!prediction) return false;
    this.#showText({ ...prediction, side: this.#pad.side });
    if (time !== undefined) measure("stroke-to-reading", time);
    // The server's prediction of a completed stroke is awaited.
    if (!penUp || !this.#isOffline) setState("drawing");
    const { id } = this.#drawing;
    if (penUp && this.#visit.find(id)) this.#visit.put({ id, text: prediction.text });
    return true;
  }

  #onPrediction(prediction, job) {
    const comparison = job.generation === this.#drawing.generation && this.#local.compare(prediction, job);
    if (job.penUp !== false && comparison !== "adapted" && this.#visit.find(job.id)) {
      this.#visit.put({ id: job.id, text: prediction.text });
    }
    if (job.penUp && !navigator.connection?.saveData) this.#local.follow(prediction.model);
    if (job.generation !== this.#drawing.generation || this.#drawing.isEmpty) return;
    measure("stroke-to-response", job.time);
    if (comparison === "stale") return;
    this.#showText(comparison === "adapted" ? this.prediction : { ...prediction, side: job.side });
    if (this.#drawing.picture && !prediction.text) showBadge("No ink found in the picture.");
    // A response to an earlier stroke does not complete the prediction.
    const isComplete = job.penUp && (job.body.strokes?.length ?? 0) === this.#drawing.strokes.length;
    if (isComplete) announce(this.prediction);
    else setState("drawing");
    if (comparison === "new") measure("stroke-to-reading", job.time);
  }

  #onStatus(status, job) {
    if (!status && !this.#serverStatus) return;
    this.#serverStatus = status;
    if (this.#isOffline) this.#showOffline(job);
    else if (document.body.dataset.state === "offline") this.#showOnline();
    this.showStatus();
  }

  /** Remove the displayed prediction if the failed job has more points and cannot be predicted here. */
  #showOffline({ id, body, generation }) {
    const isCurrent = body && generation === this.#drawing.generation;
    if (!isCurrent || this.#predictLocally(this.#drawing.toJSON(), { penUp: true })) return;
    this.#showNone("offline");
    if (this.#visit.find(id)) this.#visit.put({ id, text: undefined });
  }

  #showOnline() {
    if (this.prediction) this.#show(this.prediction, this.selected);
    else setState(this.#drawing.isEmpty ? "empty" : "drawing");
  }

  #onRejected(job, status, detail) {
    const isCurrent = job.id === this.#drawing.id;
    // 409: the drawing has been reviewed. Its current strokes become a new drawing.
    if (status === 409 && isCurrent) {
      this.#drawing.renewId();
      this.complete(job.time);
    } else if (status === 409 && job.body && this.#visit.find(job.id)) {
      const id = randomUUID();
      this.#visit.put({ ...this.#visit.find(job.id), id });
      this.#visit.delete([job.id]);
      this.#outbox.save(id, job.body);
    } else if (isCurrent) {
      // The page's own prediction is final, and cannot be labeled.
      if (job.body) this.#visit.put({ id: job.id, save: false });
      if (this.prediction) this.#show(this.prediction, this.selected);
      showBadge(`The server rejected the drawing: ${detail ?? `status ${status}`}`);
    }
  }

  /** Show a prediction; the same text keeps the selected digit. */
  #showText(prediction) {
    const isSameText = prediction.text === this.prediction?.text;
    this.#show(prediction, isSameText ? this.selected : leastConfident(prediction));
  }

  #show(prediction, selected) {
    [this.prediction, this.selected] = [prediction, selected];
    showPrediction(prediction, selected);
    this.#pad.showBoxes(prediction.digits.map((digit) => this.boxOf(digit)).filter(Boolean), selected);
    this.dispatchEvent(new Event("change"));
  }

  #showNone(state) {
    [this.prediction, this.selected] = [null, 0];
    showNoPrediction(state);
    this.#pad.showBoxes([], 0);
    this.dispatchEvent(new Event("change"));
  }
}

/** Record the time since a pointer event as a User Timing measure. */
function measure(name, time) {
  performance.measure(name, { start: time, end: performance.now() });
}

/** Compare the times of all points: unlike coordinates, they do not change with the pad's size. */
function haveSameTimes(one, other) {
  const times = (strokes) => JSON.stringify(strokes.map((stroke) => stroke.map(([, , t]) => t)));
  return times(one) === times(other);
}
