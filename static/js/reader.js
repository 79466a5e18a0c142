/**
 * The conversation with the server: at most two requests in flight, the newest drawing first, and
 * of what changes something there one at a time.
 *
 * A job is { id, body, keep, … } with a body of { strokes } or { picture }. Its answer goes to
 * onReading together with the job. Jobs that are not to be kept give way to newer ones; what is to
 * be kept, labelled or forgotten waits in the outbox and is tried again while there is trouble.
 */

// The second leaves when the pen has moved on, not when the first is back.
const AT_ONCE = 2;
// A server that takes longer is called slow; one that takes this long is given up.
const SLOW = 2_000;
const TOO_LONG = 10_000;
// What browsers send even if the page is closed meanwhile.
const KEEPALIVE_BYTES = 60_000;

export class Reader {
  /** What was asked for last, and the same while it has not been sent. */
  #latest = null;
  #newest = null;
  #flying = new Set();
  #failures = 0;
  #timer = null;

  /**
   * @param {{fetch: typeof fetch, outbox: import("./outbox.js").Outbox, onReading: Function,
   *   onTrouble: Function, onRefused: Function}} of
   *   onReading(answer, job) is told each answer, one perhaps after that of a later job, onTrouble("offline"|"slow"|null) how the server is,
   *   onRefused(job, status, detail) that it will never take a job.
   */
  constructor({ fetch, outbox, onReading, onTrouble, onRefused }) {
    Object.assign(this, { fetch, outbox, onReading, onTrouble, onRefused });
  }

  /** Have a drawing read, and kept if it says so. */
  read(job) {
    if (job.keep) this.outbox.keep(job.id, job.body);
    this.#latest = this.#newest = job;
    this.send();
  }

  /** Send what waits, unless that is tried again soon. */
  send() {
    if (this.#failures === 0) this.#next();
  }

  /** Try again now: the network is said to be back. */
  retry() {
    this.#stopWaiting();
    this.#next();
  }

  async #next() {
    const job = this.#newest ?? waiting(this.outbox.next());
    if (!job || !this.#hasRoom(job)) return;
    this.#newest = null;
    this.#flying.add(job);
    const status = await this.#send(job);
    this.#flying.delete(job);
    if (isTrouble(status)) this.#wait(job);
    else this.#next();
  }

  #hasRoom(job) {
    const flying = [...this.#flying];
    return flying.length < AT_ONCE && !(partOf(job) && flying.some(partOf));
  }

  /** Send a job; returns the status of the answer, 0 when there was none. */
  async #send(job) {
    const slow = setTimeout(() => this.#failures || this.onTrouble("slow"), SLOW);
    try {
      const response = await this.fetch(...request(job));
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
    this.#stopWaiting();
    this.onTrouble(null);
    if (!response.ok) this.onRefused(job, response.status, answer?.detail);
    else if (job.body) this.onReading(answer, job);
  }

  #wait(job) {
    // What is older is of no use to the page any more; what is to be kept waits in the outbox.
    if (job === this.#latest) this.#newest = job;
    // The other request that was in flight has failed before.
    if (this.#timer) return;
    this.#failures += 1;
    this.onTrouble("offline");
    const seconds = Math.min(2 ** (this.#failures - 1), 15);
    this.#timer = setTimeout(() => this.retry(), seconds * 1000);
  }

  #stopWaiting() {
    clearTimeout(this.#timer);
    this.#timer = null;
  }
}

const isTimeout = (error) => error.name === "TimeoutError";
const isTrouble = (status) => status === 0 || status === 429 || status >= 500;

/** A part of the outbox as a job; one with a body is a drawing to keep. */
function waiting(part) {
  if (!part) return null;
  const { id, value } = part;
  return part.part === "body" ? { id, body: value, keep: true } : { id, part };
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
