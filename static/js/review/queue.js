/**
 * The deck of a reviewer as data: the card on top, those behind it, what was said so far, and what
 * is still on its way to the server. Listeners hear "change" whenever something else is to be shown.
 */

const BATCH = 20;
// Fetch more when fewer are left.
const LOW = 12;
const RETRY = 2000; // milliseconds
// A notice stays for so many cards: nobody reads it before the next key.
const NOTICE_FOR = 5;

/** What the server answers to a label that somebody else was quicker with, or that it cannot take. */
export class Refused extends Error {
  constructor({ status, label, by, own = false }) {
    super(`refused: ${status}`);
    Object.assign(this, { status, label, by, own });
  }
}

export class Deck extends EventTarget {
  #next;
  #send;
  #now;
  #cards = [];
  #after = null; // the place of the last card that was given
  #history = [];
  #exhausted = false;
  #fetching = null;
  #noticeFor = 0;
  #sending = Promise.resolve();
  #unsent = []; // bodies, the first of them under way

  /**
   * @param next (after) => Promise<{cards, seconds}>: those behind a place; rejects offline
   * @param send (body) => Promise<{same, of}>: stores a label; rejects with Refused, or offline
   */
  constructor(next, send, now = () => performance.now()) {
    super();
    this.#next = next;
    this.#send = send;
    this.#now = now;
    this.labeled = 0;
    this.isFailing = false; // to reach the server
    this.notice = "";
    this.agreement = null;
  }

  get card() {
    return this.#cards[0] ?? null;
  }

  get isDone() {
    return this.#exhausted && !this.card;
  }

  get canUndo() {
    return this.#history.length > 0;
  }

  /** What the server may not have yet, in the order it was said. */
  get unsent() {
    return [...this.#unsent];
  }

  get waiting() {
    return this.#unsent.length;
  }

  /** Begin at the top, in whatever order the server now gives. */
  async start() {
    this.#cards = [];
    this.#after = null;
    this.#exhausted = false;
    this.#fetching = null;
    this.#changed();
    // What is on its way would be given once more.
    await this.#sending;
    await this.#fill();
  }

  /** Say what the card on top is: a digit, "?", or null for what the net read. */
  label(label) {
    const card = this.card;
    if (!card) return;
    const entry = { card, before: card.label, after: label ?? card.text };
    this.labeled += card.look ? 0 : 1;
    this.#post(entry, entry.before, entry.after);
    this.#turn(entry);
  }

  skip() {
    if (this.card) this.#turn({ card: this.card });
  }

  /** Take the last decision back and show its card again. */
  undo() {
    const entry = this.#history.pop();
    if (!entry) return;
    this.#cards.unshift(entry.card);
    if ("after" in entry) {
      this.labeled -= entry.card.look ? 0 : 1;
      this.#post(entry, entry.after, entry.before);
    }
    this.#changed();
  }

  #turn(entry) {
    if (--this.#noticeFor < 0) this.notice = "";
    this.#history.push(entry);
    this.#cards.shift();
    this.#dropExpired();
    this.#changed();
    this.#fill();
  }

  /** Cards whose lease is over may be somebody else's by now: they are asked for again. */
  #dropExpired() {
    const card = this.card;
    if (!card || card.shown || this.#now() < card.until) return;
    this.#after = card.behind;
    this.#exhausted = false;
    this.#fetching = null; // it would come behind a gap
    this.#cards = [];
  }

  async #fill() {
    if (this.#fetching || this.#exhausted || this.#cards.length >= LOW) return;
    const run = (this.#fetching = {});
    try {
      const asked = this.#now();
      const { cards, seconds } = await this.#next(this.#after, BATCH);
      if (run !== this.#fetching) return; // begun anew meanwhile
      for (const card of cards) this.#take({ ...card, until: asked + 1000 * seconds });
      this.#exhausted = cards.length === 0;
      this.#fetching = null;
      this.#changed();
    } catch (error) {
      if (run !== this.#fetching) return;
      this.#fetching = null;
      this.#complain(error);
      setTimeout(() => this.#fill(), RETRY);
    }
  }

  /** Put a card at the bottom; those shown again are not where the server goes on from. */
  #take(card) {
    this.#cards.push({ ...card, behind: this.#after });
    if (!card.look) this.#after = card.at;
  }

  /** Send what was said, one after the other, and again until the server has it. */
  #post(entry, seen, label) {
    const { card } = entry;
    card.label = label;
    card.shown = true;
    const body = card.look
      ? { digit: card.digit, look: card.look, label }
      : { digit: card.digit, label, seen };
    this.#unsent.push(body);
    this.#sending = this.#sending.then(() => this.#deliver(entry, body));
  }

  async #deliver(entry, body) {
    try {
      this.agreement = await this.#send(body);
    } catch (error) {
      if (!(error instanceof Refused)) {
        this.#complain(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY));
        return this.#deliver(entry, body);
      }
      this.#refuse(entry, error);
    }
    this.#unsent.shift();
    this.isFailing = false;
    this.#changed();
  }

  /** What was not stored is shown once more, as it is now, unless it was taken back already. */
  #refuse(entry, { status, label, by, own }) {
    const { card, after } = entry;
    const stands = this.#history.includes(entry);
    if (stands) {
      this.#history.splice(this.#history.indexOf(entry), 1);
      this.labeled -= card.look ? 0 : 1;
    }
    if (status === 404) return this.#say("A drawing is no longer there.");
    if (status !== 409) return this.#say("The server does not take what you said of a drawing.");
    Object.assign(card, { label, by });
    // What came twice meets the label that it gave.
    if (!stands && own) return;
    if (stands) this.#cards.splice(1, 0, card);
    const what = label ? `labeled ${label}` : "left without a label";
    const again = stands ? "; it is shown once more" : "";
    this.#say(`${by || "Somebody"} has ${what} what you call ${after}${again}.`);
  }

  #complain(error) {
    this.isFailing = true;
    this.#say(
      error.signedOut
        ? "You are signed out: sign in again in another tab."
        : "The server cannot be reached; nothing is lost, it is tried again.",
    );
    this.#changed();
  }

  #say(text) {
    this.notice = text;
    this.#noticeFor = NOTICE_FOR;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
