/**
 * The conversation with the server: at most one request in flight, the newest drawing first.
 *
 * A job is { id, body, keep, … } with a body of { strokes } or { picture }. Its answer goes to
 * onReading together with the job. Jobs that are not to be kept give way to newer ones; what is to
 * be kept, labeled or forgotten waits in the outbox and is tried again while there is trouble.
 */

// A server that takes longer is called slow; one that takes this long is given up.
const SLOW = 2_000;
const TOO_LONG = 10_000;
// Seconds that a server may ask to be left alone.
const MOST_PATIENCE = 60;
// What browsers send even if the page is closed meanwhile.
const KEEPALIVE_BYTES = 60_000;

export class Reader {
  #newest = null;
  #busy = false;
  #failures = 0;
  #timer = null;
  #comeAgain = 0; // seconds, as the server says
  #errand = null;

  /**
   * @param {{fetch: typeof fetch, outbox: import("../visit/outbox.js").Outbox, onReading: Function,
   *   onTrouble: Function, onRefused: Function}} of
   *   onReading(answer, job) is told each answer, onTrouble("offline"|"busy"|"slow"|null, job) how the
   *   server is, and of which job it was not heard,
   *   onRefused(job, status, detail) that it will never take a job.
   */
  constructor({ fetch, outbox, onReading, onTrouble, onRefused }) {
    Object.assign(this, { fetch, outbox, onReading, onTrouble, onRefused });
  }

  /** Have a drawing read, and kept if it says so. */
  read(job) {
    if (job.keep) this.outbox.keep(job.id, job.body);
    this.#newest = job;
    this.send();
  }

  /** Send what waits, unless that is tried again soon. */
  send() {
    if (this.#failures === 0) this.#next();
  }

  /** Do what else asks the server, once nothing waits to be sent; what comes meanwhile waits. */
  aside(errand) {
    this.#errand = errand;
    this.send();
  }

  /** Try again now: the network is said to be back. */
  retry() {
    clearTimeout(this.#timer);
    this.#next();
  }

  async #next() {
    if (this.#busy) return;
    const job = this.#fresh() ?? waiting(this.outbox.next());
    if (!job) return this.#runErrand();
    this.#newest = null;
    this.#busy = true;
    let status;
    try {
      status = await this.#send(job);
    } finally {
      this.#busy = false;
    }
    if (isTrouble(status)) this.#wait(job, status);
    else this.#next();
  }

  /** The newest drawing; only to be read, where the visitor wants it kept no more. */
  #fresh() {
    const job = this.#newest;
    const isWanted = !job?.keep || this.outbox.wants(job.id, job.body);
    return isWanted ? job : { ...job, keep: false };
  }

  async #runErrand() {
    if (!this.#errand) return;
    const errand = this.#errand;
    this.#errand = null;
    this.#busy = true;
    try {
      await errand();
    } finally {
      this.#busy = false;
    }
    this.#next();
  }

  /** Send a job; returns the status of the answer, 0 when there was none. */
  async #send(job) {
    this.#comeAgain = 0;
    const slow = setTimeout(() => this.#failures || this.onTrouble("slow"), SLOW);
    try {
      const response = await this.fetch(...request(job));
      this.#comeAgain = Number(response.headers.get("Retry-After")) || 0;
      const answer = response.status === 204 ? null : await response.json();
      if (!isTrouble(response.status)) this.#settle(job, response, answer);
      return response.status;
    } catch (error) {
      // What fetch and json() throw when there is no (whole) answer; anything else is our mistake.
      if (!(error instanceof TypeError || error instanceof SyntaxError || isTimeout(error))) throw error;
      return 0;
    } finally {
      clearTimeout(slow);
    }
  }

  #settle(job, response, answer) {
    const part = partOf(job);
    if (part) this.outbox.settle(part);
    this.#failures = 0;
    this.onTrouble(null);
    if (!response.ok) this.onRefused(job, response.status, answer?.detail);
    else if (job.body) this.onReading(answer, job);
  }

  #wait(job, status) {
    this.#newest ??= again(job, status, this.outbox);
    if (status >= 500) this.outbox.defer(job.id);
    this.#failures += 1;
    this.onTrouble(status ? "busy" : "offline", job);
    const asked = Math.min(this.#comeAgain, MOST_PATIENCE);
    const seconds = Math.max(Math.min(2 ** (this.#failures - 1), 15), asked);
    this.#timer = setTimeout(() => this.#next(), seconds * 1000);
  }
}

// Some versions of Chromium call it an AbortError.
const isTimeout = ({ name }) => name === "TimeoutError" || name === "AbortError";
const isTrouble = (status) => status === 0 || status === 429 || status >= 500;

/** What to do instead of a job that failed: the same, or only read what cannot be kept now; or null. */
function again(job, status, outbox) {
  const { id, body, keep, waited } = job;
  // What came from the outbox waits there; what was forgotten is not sent again.
  if (!body || waited || (keep && !outbox.wants(id, body))) return null;
  return keep && status ? { ...job, keep: false } : job;
}

/** A part of the outbox as a job; one with a body is a drawing to keep. */
function waiting(part) {
  if (!part) return null;
  const { id, value } = part;
  return part.part === "body" ? { id, body: value, keep: true, waited: true } : { id, part };
}

/** What of the outbox a job settles. */
function partOf({ id, body, keep, part }) {
  return keep ? { id, part: "body", value: body } : part;
}

function request({ id, body, keep, part }) {
  const drawing = `/api/v1/drawings/${id}`;
  const read = `${keep ? drawing : "/api/v1/predict"}?images=true`;
  if (body) return [read, options(keep ? "PUT" : "POST", body)];
  if (part.part === "forget") return [drawing, options("DELETE")];
  if (part.value === "") return [`${drawing}/label`, options("DELETE")];
  return [`${drawing}/label`, options("PUT", { text: part.value })];
}

function options(method, body) {
  const always = { method, credentials: "omit", signal: AbortSignal.timeout(TOO_LONG) };
  if (!body) return { ...always, keepalive: true };
  if (body.picture) return { ...always, body: form(body.picture) };
  const text = JSON.stringify(body);
  return {
    ...always,
    headers: { "Content-Type": "application/json" },
    body: text,
    // A kept drawing goes out even if the page is closed now.
    keepalive: method === "PUT" && text.length < KEEPALIVE_BYTES,
  };
}

/** A picture, which waits as a data URL, as a form sends a file. */
function form(url) {
  const [, type, base64] = url.match(/^data:([^;]+);base64,(.*)$/);
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const data = new FormData();
  data.append("image", new Blob([bytes], { type }), "picture");
  return data;
}
