/**
 * A glance at the drawing: where it is sure to be one digit, the page reads it itself, in the frame
 * of the ink, while the server's answer is on its way. What a drawing is once the pen lifts, where a
 * number has its digits, and all that is kept, says the server. No DOM here.
 */

// Milliseconds between two glances: some mice send a thousand events a second.
const PAUSE = 4;

export class Glance {
  #fetchNet;
  #net = null;
  // The version that could not be had, which is not asked for again.
  #missing = null;
  // When something was read here, and the newest that was: its ink, and the text.
  #time = -Infinity;
  #seen = null;
  // The last drawing that the server called one digit, and of how many strokes it was then.
  #lone = null;

  /** @param {() => Promise<import("./digit_model.js").Net>} fetchNet fetches the net that serves. */
  constructor(fetchNet) {
    this.#fetchNet = fetchNet;
  }

  /**
   * Read strokes at a time, in milliseconds.
   * @returns an answer as the API gives it; undefined where it was read here a moment ago; or null:
   *   there is no net yet, or it may be or become a number.
   */
  read({ generation }, strokes, time = performance.now()) {
    if (!this.#net || !this.#isLone(generation, strokes.length)) return null;
    if (time - this.#time < PAUSE && this.#seen?.generation === generation) return undefined;
    const read = this.#net.read(strokes);
    this.#time = time;
    // The next digit of a number begins as a speck of the one before.
    if (strokes.length > 1 && read.text === "?") return null;
    this.#seen = { generation, ink: newest(strokes), text: read.text };
    return read;
  }

  /**
   * Take note of an answer of the server.
   * @returns {"old" | "known" | "new"} old: more ink was read here since, or the same in mid-stroke;
   *   known: this text was read here from the same ink, and now the stroke is whole.
   */
  heed({ text, digits }, { generation, body, penUp }) {
    const isOne = digits.length === 1;
    this.#lone = isOne ? { generation, count: body.strokes?.length } : null;
    if (!isOne || body.picture || this.#seen?.generation !== generation) return "new";
    const ahead = this.#seen.ink - newest(body.strokes);
    if (ahead > 0 || (ahead === 0 && !penUp)) return "old";
    return ahead === 0 && text === this.#seen.text ? "known" : "new";
  }

  /** Have the net of that version, or none where it cannot be had: the server's answers do without. */
  async follow(version) {
    if (version === this.#net?.version || version === this.#missing) return;
    this.#net = await this.#fetchNet().catch(() => null);
    this.#missing = this.#net ? null : version;
  }

  /** One stroke is one digit; of more than one the server has to say it. */
  #isLone(generation, count) {
    return count === 1 || (this.#lone?.generation === generation && this.#lone.count === count);
  }
}

/** When the newest point was drawn, in milliseconds of ink time. */
const newest = (strokes) => strokes.at(-1).at(-1)[2];
