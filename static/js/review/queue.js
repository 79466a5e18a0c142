/**
 * The review queue as data: cards to label, history for undo, and labels not yet stored by the
 * server. Dispatches "change" whenever the display must be updated.
 */

const BATCH = 20;
// Fetch the next batch when fewer cards are left.
const REFILL_BELOW = 12;
const RETRY = 2000; // milliseconds
// A notice stays for this many cards; a fast reviewer would miss a shorter one.
const NOTICE_CARDS = 5;
const RECENT = 5;

/** The server did not store a label: it conflicts (409), is invalid (422), or has no digit (404). */
export class LabelRejected extends Error {
  constructor({ status, label, labeled_by: labeledBy, is_own: isOwn = false }) {
    super(`label rejected: ${status}`);
    Object.assign(this, { status, label, labeledBy, isOwn });
  }
}

export class ReviewQueue extends EventTarget {
  #fetchCards;
  #sendLabel;
  #now;
  #cards = [];
  #cursor = null; // of the last card received
  #history = [];
  #isExhausted = false;
  #fetching = null;
  #noticeCards = 0;
  #delivery = Promise.resolve();
  #unsent = []; // request bodies; the first one is being sent

  /**
   * @param fetchCards (cursor, count) => Promise<{cards, lease_seconds}>; rejects offline
   * @param sendLabel (body) => Promise<{agreed, total}>; rejects with LabelRejected, or offline
   */
  constructor(fetchCards, sendLabel, now = () => performance.now()) {
    super();
    this.#fetchCards = fetchCards;
    this.#sendLabel = sendLabel;
    this.#now = now;
    this.labeled = 0;
    this.isFailing = false; // the last request failed
    this.notice = "";
    this.agreement = null;
  }

  get card() {
    return this.#cards[0] ?? null;
  }

  get isDone() {
    return this.#isExhausted && !this.card;
  }

  get canUndo() {
    return this.#history.length > 0;
  }

  /** The latest labels, newest first: objects with `card` and `newLabel`. */
  get recent() {
    return this.#history.filter((entry) => "newLabel" in entry).slice(-RECENT).reverse();
  }

  /** Request bodies that the server has not acknowledged, oldest first. */
  get unsent() {
    return [...this.#unsent];
  }

  /** Discard the cards and fetch from the start, for example in another order. */
  async start() {
    this.#cards = [];
    this.#cursor = null;
    this.#isExhausted = false;
    this.#fetching = null;
    this.#changed();
    // Otherwise the server would return digits with labels still in transit.
    await this.#delivery;
    await this.#fill();
  }

  /** Label the first card: a digit, "?", or null to confirm the prediction. */
  label(label) {
    const card = this.card;
    if (!card) return;
    const entry = { card, previousLabel: card.label, newLabel: label ?? card.text };
    this.labeled += card.repeat ? 0 : 1;
    this.#post(entry, entry.previousLabel, entry.newLabel);
    this.#advance(entry);
  }

  skip() {
    if (this.card) this.#advance({ card: this.card });
  }

  /** Show a card again and restore its label: by default the last card, or one of `recent`. */
  undo(entry = this.#history.at(-1)) {
    const index = this.#history.indexOf(entry);
    if (index < 0) return;
    this.#history.splice(index, 1);
    this.#cards.unshift(entry.card);
    if ("newLabel" in entry) {
      this.labeled -= entry.card.repeat ? 0 : 1;
      this.#post(entry, entry.newLabel, entry.previousLabel);
    }
    this.#changed();
  }

  #advance(entry) {
    if (--this.#noticeCards < 0) this.notice = "";
    this.#history.push(entry);
    this.#cards.shift();
    this.#dropExpired();
    this.#changed();
    this.#fill();
  }

  /** Fetch the cards again when the lease is over; other reviewers may have received them. */
  #dropExpired() {
    const card = this.card;
    if (!card || card.wasLabeled || this.#now() < card.leaseEnd) return;
    this.#cursor = card.cursorBefore;
    this.#isExhausted = false;
    this.#fetching = null; // its cards would follow the dropped ones
    this.#cards = [];
  }

  async #fill() {
    if (this.#fetching || this.#isExhausted || this.#cards.length >= REFILL_BELOW) return;
    const request = (this.#fetching = {});
    try {
      const start = this.#now();
      const { cards, lease_seconds: seconds } = await this.#fetchCards(this.#cursor, BATCH);
      if (request !== this.#fetching) return;
      for (const card of cards) {
        const leaseEnd = start + 1000 * seconds;
        this.#cards.push({ ...card, leaseEnd, cursorBefore: this.#cursor });
        // A repeat review is out of order: the next batch does not start after it.
        if (!card.repeat) this.#cursor = card.cursor;
      }
      this.#isExhausted = cards.length === 0;
      this.#fetching = null;
      this.#changed();
    } catch (error) {
      if (request !== this.#fetching) return;
      this.#fetching = null;
      this.#reportFailure(error);
      setTimeout(() => this.#fill(), RETRY);
    }
  }

  /** Queue a label; labels are sent one after another, each until the server acknowledges it. */
  #post(entry, previousLabel, label) {
    const { card } = entry;
    card.label = label;
    card.wasLabeled = true;
    const body = card.repeat
      ? { digit: card.digit, repeat: card.repeat, label }
      : { digit: card.digit, label, previous_label: previousLabel };
    this.#unsent.push(body);
    this.#delivery = this.#delivery.then(() => this.#deliver(entry, body));
  }

  async #deliver(entry, body) {
    try {
      this.agreement = await this.#sendLabel(body);
    } catch (error) {
      if (!(error instanceof LabelRejected)) {
        this.#reportFailure(error);
        await new Promise((resolve) => setTimeout(resolve, RETRY));
        return this.#deliver(entry, body);
      }
      this.#handleRejection(entry, error);
    }
    this.#unsent.shift();
    this.isFailing = false;
    this.#changed();
  }

  /** Show a rejected card again with its current label, unless the reviewer has undone the label. */
  #handleRejection(entry, { status, label, labeledBy, isOwn }) {
    const { card, newLabel } = entry;
    const index = this.#history.indexOf(entry);
    const wasUndone = index < 0;
    if (!wasUndone) {
      this.#history.splice(index, 1);
      this.labeled -= card.repeat ? 0 : 1;
    }
    if (status === 404) return this.#notify(gettext("A drawing was deleted; its label is not stored."));
    if (status !== 409) return this.#notify(gettext("The server rejected a label."));
    Object.assign(card, { label, labeled_by: labeledBy });
    // A body sent twice conflicts with the label that it set itself.
    if (wasUndone && isOwn) return;
    if (!wasUndone) this.#cards.splice(1, 0, card);
    const conflict = label
      ? gettext("Conflict: you chose %(newLabel)s, %(reviewer)s chose %(label)s.")
      : gettext("Conflict: you chose %(newLabel)s, the label was removed.");
    const reviewer = labeledBy || gettext("another reviewer");
    const consequence = wasUndone ? "" : ` ${gettext("The digit is shown again.")}`;
    this.#notify(interpolate(conflict, { newLabel, reviewer, label }, true) + consequence);
  }

  #reportFailure(error) {
    this.isFailing = true;
    this.#notify(
      error.isSignedOut
        ? gettext("You are signed out. Sign in again in another tab; unsent labels are kept.")
        : gettext("The server cannot be reached. Unsent labels are kept and sent again."),
    );
    this.#changed();
  }

  #notify(text) {
    this.notice = text;
    this.#noticeCards = NOTICE_CARDS;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
