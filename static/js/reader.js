/**
 * The conversation with the server: at most one request in flight, the newest drawing first.
 *
 * A job is { id, strokes, keep, … }. Its answer goes to onReading together with the job. Jobs that
 * are not to be kept give way to newer ones; those to be kept wait until the server has them, one
 * for each UUID, and are tried again while there is trouble.
 */
export class Reader {
  #newest = null;
  #unsent = new Map();
  #busy = false;
  #failures = 0;
  #timer = null;

  /**
   * @param {{fetch: typeof fetch, onReading: Function, onTrouble: Function, onRefused: Function}} of
   *   onReading(answer, job) is told each answer, onTrouble(boolean) whether the server is out of
   *   reach, onRefused(job, status) that it will never take a job.
   */
  constructor({ fetch, onReading, onTrouble, onRefused }) {
    Object.assign(this, { fetch, onReading, onTrouble, onRefused });
  }

  /** Have a drawing read, and kept if it says so. */
  read(job) {
    if (job.keep) this.#unsent.set(job.id, job);
    this.#newest = job;
    if (this.#failures === 0) this.#next();
  }

  /** Try again now: the network is said to be back. */
  retry() {
    clearTimeout(this.#timer);
    this.#next();
  }

  /** The number of drawings the server does not have yet. */
  get waiting() {
    return this.#unsent.size;
  }

  async #next() {
    if (this.#busy) return;
    const job = this.#newest ?? this.#unsent.values().next().value;
    if (!job) return;
    this.#newest = null;
    this.#busy = true;
    const status = await this.#send(job);
    this.#busy = false;
    if (isTrouble(status)) this.#wait(job);
    else this.#next();
  }

  /** Send a job; returns the status of the answer, 0 when there was none. */
  async #send(job) {
    try {
      const response = await this.fetch(...request(job));
      const answer = response.ok ? await response.json() : null;
      if (isTrouble(response.status)) return response.status;
      this.#settle(job);
      if (answer) this.onReading(answer, job);
      else this.onRefused(job, response.status);
      return response.status;
    } catch (error) {
      // What fetch and json() throw when there is no (whole) answer; anything else is our mistake.
      if (!(error instanceof TypeError || error instanceof SyntaxError || isTimeout(error))) throw error;
      return 0;
    }
  }

  #settle(job) {
    if (this.#unsent.get(job.id) === job) this.#unsent.delete(job.id);
    if (this.#failures > 0) this.onTrouble(false);
    this.#failures = 0;
  }

  #wait(job) {
    this.#newest ??= job;
    this.#failures += 1;
    this.onTrouble(true);
    const seconds = Math.min(2 ** (this.#failures - 1), 15);
    this.#timer = setTimeout(() => this.#next(), seconds * 1000);
  }
}

const isTimeout = (error) => error.name === "TimeoutError";
const isTrouble = (status) => status === 0 || status === 429 || status >= 500;

function request({ id, strokes, keep }) {
  const body = JSON.stringify({ strokes });
  const options = {
    method: keep ? "PUT" : "POST",
    headers: { "Content-Type": "application/json" },
    body,
    credentials: "omit",
    signal: AbortSignal.timeout(10_000),
    // A kept drawing goes out even if the page is closed now; browsers allow 64 kB of that.
    keepalive: keep && body.length < 60_000,
  };
  return [keep ? `/api/v1/drawings/${id}` : "/api/v1/predict", options];
}
