/**
 * Requests to the server: at most one in flight, the newest drawing first.
 *
 * A job is { id, body, save, … } with a body of { strokes } or { picture }. A newer job replaces an
 * unsent one. Drawings to save, labels and deletions wait in the outbox and are retried.
 */

import { DELETION } from "../visit/outbox.js";

// Milliseconds until a response counts as slow, and until the request is aborted.
const SLOW_AFTER = 2_000;
const REQUEST_TIMEOUT = 10_000;
// Seconds. The delay doubles with each failure; Retry-After may extend it.
const MAX_BACKOFF = 15;
const MAX_RETRY_AFTER = 60;
// Browsers limit the body of requests that outlive the page to 64 KiB.
const MAX_KEEPALIVE_BYTES = 60_000;

export class PredictionClient {
  #newest = null;
  #isBusy = false;
  #failures = 0;
  #timer = null;
  #retryAfter = 0;

  /**
   * @param {{outbox: import("../visit/outbox.js").Outbox, onPrediction: Function, onStatus: Function,
   *   onRejected: Function}} options
   *   onPrediction(prediction, job) receives each prediction; onStatus("offline"|"busy"|"slow"|null,
   *   job) the state of the server and the failed job; onRejected(job, status, detail) a job that the
   *   server will never accept
   */
  constructor({ outbox, onPrediction, onStatus, onRejected }) {
    Object.assign(this, { outbox, onPrediction, onStatus, onRejected });
  }

  /** Request a prediction; `job.save` also saves the drawing. */
  predict(job) {
    if (job.save) this.outbox.save(job.id, job.body);
    this.#newest = job;
    this.send();
  }

  /** Send the next request, unless a retry is scheduled. */
  send() {
    if (this.#failures === 0) this.#next();
  }

  /** Retry now: the browser reports that it is online. */
  retry() {
    clearTimeout(this.#timer);
    this.#next();
  }

  async #next() {
    if (this.#isBusy) return;
    const job = this.#newestJob() ?? outboxJob(this.outbox.next());
    if (!job) return;
    this.#newest = null;
    this.#isBusy = true;
    let status;
    try {
      status = await this.#send(job);
    } finally {
      this.#isBusy = false;
    }
    if (isFailure(status)) this.#scheduleRetry(job, status);
    else this.#next();
  }

  /** The newest job, without saving if the outbox no longer contains its body. */
  #newestJob() {
    const job = this.#newest;
    const isCurrent = !job?.save || this.outbox.contains(job.id, job.body);
    return isCurrent ? job : { ...job, save: false };
  }

  /** Send a job; return the HTTP status, 0 without a complete response. */
  async #send(job) {
    this.#retryAfter = 0;
    const slow = setTimeout(() => this.#failures || this.onStatus("slow"), SLOW_AFTER);
    let response, result;
    try {
      response = await fetch(...request(job));
      this.#retryAfter = Number(response.headers.get("Retry-After")) || 0;
      result = await readBody(response);
    } catch (error) {
      // fetch and json() throw these without a complete response; other errors are bugs.
      if (!(error instanceof SyntaxError || isNetworkError(error))) throw error;
      return 0;
    } finally {
      clearTimeout(slow);
    }
    if (!isFailure(response.status)) this.#settle(job, response, result);
    return response.status;
  }

  #settle(job, response, result) {
    const { id, body, save, change } = job;
    const sent = save ? { id, part: "body", value: body } : change;
    if (sent) this.outbox.settle(sent);
    this.#failures = 0;
    this.onStatus(null);
    if (!response.ok) this.onRejected(job, response.status, result?.detail);
    else if (body) this.onPrediction(result, job);
  }

  #scheduleRetry(job, status) {
    this.#newest ??= retryJob(job, status, this.outbox);
    if (status >= 500) this.outbox.defer(job.id);
    this.#failures += 1;
    this.onStatus(status ? "busy" : "offline", job);
    const backoff = Math.min(2 ** (this.#failures - 1), MAX_BACKOFF);
    const seconds = Math.max(backoff, Math.min(this.#retryAfter, MAX_RETRY_AFTER));
    this.#timer = setTimeout(() => this.#next(), seconds * 1000);
  }
}

/** Return the JSON of a response; null without a body, or for an error page in HTML: its status suffices. */
async function readBody(response) {
  if (response.status === 204) return null;
  try {
    return await response.json();
  } catch (error) {
    if (error instanceof SyntaxError && !response.ok) return null;
    throw error;
  }
}

/** Return whether fetch raised an error without a response; WebKit raises an AbortError on a timeout. */
export const isNetworkError = ({ name }) => ["TypeError", "TimeoutError", "AbortError"].includes(name);

const isFailure = (status) => status === 0 || status === 429 || status >= 500;

/** Return the job to try after a failure, without saving if the server failed; or null. */
function retryJob(job, status, outbox) {
  const { id, body, save, isFromOutbox } = job;
  // The outbox repeats its own jobs; a deleted drawing must not be sent again.
  if (!body || isFromOutbox || outbox.isDeleted(id)) return null;
  return save && status ? { ...job, save: false } : job;
}

function outboxJob(change) {
  if (!change) return null;
  const { id, part, value } = change;
  return part === "body" ? { id, body: value, save: true, isFromOutbox: true } : { id, change };
}

/** Return the arguments of fetch for a job. */
function request({ id, body, save, change }) {
  const drawing = `/api/v1/drawings/${id}`;
  if (body && save) return [`${drawing}?images=true`, options("PUT", body)];
  if (body) return ["/api/v1/predict?images=true", options("POST", body)];
  if (change.part === DELETION) return [drawing, options("DELETE")];
  if (change.value === "") return [`${drawing}/label`, options("DELETE")];
  return [`${drawing}/label`, options("PUT", { text: change.value })];
}

function options(method, body) {
  const common = { method, credentials: "omit", signal: AbortSignal.timeout(REQUEST_TIMEOUT) };
  if (!body) return { ...common, keepalive: true };
  if (body.picture) return { ...common, body: pictureForm(body.picture) };
  const text = JSON.stringify(body);
  return {
    ...common,
    headers: { "Content-Type": "application/json" },
    body: text,
    // Saving continues after the page is closed.
    keepalive: method === "PUT" && text.length < MAX_KEEPALIVE_BYTES,
  };
}

/** Convert a data URL to a form with one file. */
function pictureForm(url) {
  const [, type, base64] = url.match(/^data:([^;]+);base64,(.*)$/);
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const form = new FormData();
  form.append("image", new Blob([bytes], { type }), "picture");
  return form;
}
