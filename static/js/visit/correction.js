/**
 * The visitor's label for the drawing on the pad: one character per digit, "?" for a non-digit, a
 * newline between lines; undefined without a label.
 */

import { isMark, levelsOf } from "../recognize/result_view.js";
import { countTyped, fillIn, TypedLabel } from "./typed_label.js";

const find = (selector) => document.querySelector(selector);

/** Return the label of a prediction with another character for one digit. */
export function replaceDigit(label, { text, digits }, position, character) {
  // A label given offline may have other digits than the server found later.
  const isComplete = label?.replaceAll("\n", "").length === digits.length;
  let digit = -1;
  return (isComplete ? label : text).replace(/[^\n]/g, (old) => (++digit === position ? character : old));
}

/** Convert a label for the API: null for a drawing without digits, "" to remove the label. */
export function toApiLabel(label) {
  if (label === undefined) return "";
  return /[0-9]/.test(label) ? label : null;
}

/** Learn the digits that a label corrects, and observe those that it confirms. */
export function learnLabel(memory, digits, label, drawing) {
  const characters = label.replaceAll("\n", "");
  if (characters.length !== digits.length) return;
  digits.forEach(({ digit, image }, i) => {
    if (!/[0-9]/.test(characters[i])) return;
    const correct = Number(characters[i]);
    memory[correct === digit ? "observe" : "learn"](levelsOf(image), correct, drawing);
  });
}

export class Correction {
  #drawing;
  #visit;
  #outbox;
  #session;
  #typed = new TypedLabel();
  // The strokes for which the visitor types, and their label before.
  #typedStrokes = null;
  #labelBefore;
  // The drawing on the pad with its final prediction, { id, digits }, as long as it has no label.
  #unlabeled = null;

  /** Connect the label buttons and the bars. */
  constructor({ drawing, visit, outbox, session }) {
    [this.#drawing, this.#visit, this.#outbox, this.#session] = [drawing, visit, outbox, session];
    const actions = {
      confirm: () => this.#setLabel(session.prediction.text),
      "not-a-digit": () => this.labelDigit("?"),
      undo: () => this.#setLabel(undefined),
    };
    for (const button of document.querySelectorAll("[data-label-action]")) {
      button.addEventListener("click", actions[button.dataset.labelAction]);
    }
    for (const button of document.querySelectorAll("#probabilities [data-digit]")) {
      button.addEventListener("click", () => this.labelDigit(button.dataset.digit));
    }
    session.addEventListener("change", () => this.show());
    // The state says whether the prediction is final.
    new MutationObserver(() => this.show()).observe(document.body, { attributeFilter: ["data-state"] });
    this.show();
  }

  /** Label the selected digit and select the next one of a number; marks are skipped. */
  labelDigit(character) {
    if (!this.#canLabel) return;
    const { prediction, selected } = this.#session;
    const { digits } = prediction;
    this.#setLabel(replaceDigit(this.#entry.label, prediction, selected, character));
    const next = digits.map((_, i) => (selected + 1 + i) % digits.length);
    this.#session.select(next.find((i) => !isMark(digits[i], digits)));
  }

  /** Return whether the visitor has typed a part of a label. */
  get isTyping() {
    const { digits } = this.#typed;
    return digits !== "" && this.#canType && digits.length < countTyped(this.#session.prediction);
  }

  /** Type a digit of the label, or "?"; a label with all digits is saved at once. */
  typeDigit(digit, time) {
    if (!this.#canType) return;
    if (this.#typed.digits === "") this.#labelBefore = this.#entry.label;
    this.#typedStrokes = this.#drawing.strokes;
    this.#typed.add(digit, countTyped(this.#session.prediction), time);
    this.#saveTyped();
  }

  deleteDigit() {
    if (!this.#canType || this.#typed.digits === "") return;
    this.#typed.removeLast();
    if (this.#typed.digits === "") this.#setLabel(this.#labelBefore);
    else this.#saveTyped();
  }

  /** Save the typed label even if its digits are fewer than predicted; without one, the prediction. */
  confirm() {
    const { prediction } = this.#session;
    if (this.#canType && this.#typed.digits !== "") this.#setLabel(fillIn(prediction, this.#typed.digits));
    else if (this.#canLabel && toApiLabel(prediction.text) !== null) this.#setLabel(prediction.text);
  }

  /** Restore the label from before the first typed digit. */
  cancel() {
    this.#setLabel(this.#labelBefore);
  }

  get #entry() {
    return this.#visit.find(this.#drawing.id);
  }

  /** A completed drawing has a prediction, which may be pending: a typed label does not depend on it. */
  get #canType() {
    const entry = this.#entry;
    const isComplete = entry?.strokes.length === this.#drawing.strokes.length;
    return Boolean(this.#session.prediction?.text && entry?.save) && isComplete;
  }

  get #canLabel() {
    return this.#canType && document.body.dataset.state !== "drawing";
  }

  #saveTyped() {
    const { digits } = this.#typed;
    if (this.isTyping) return this.show();
    this.#setLabel(fillIn(this.#session.prediction, digits));
    // More digits may follow.
    this.#typed.digits = digits;
  }

  #setLabel(label) {
    const { id } = this.#drawing;
    this.#typed.clear();
    this.#visit.put({ id, label });
    this.#outbox.label(id, toApiLabel(label));
    this.#session.sendChanges();
    this.#learn(label);
    this.show();
  }

  /** Learn the digits of a label instead of those of the drawing's earlier label. */
  #learn(label = "") {
    const { memory, prediction } = this.#session;
    if (!memory || this.#drawing.picture) return;
    const { id } = this.#drawing;
    memory.forget(id);
    learnLabel(memory, prediction.digits, label, id);
  }

  /** Remember the digits of a drawing that the visitor left without a label. */
  #observe({ id, digits }) {
    const { memory } = this.#session;
    // Deleted drawings are not remembered.
    if (!memory || !this.#visit.find(id)) return;
    memory.forget(id);
    for (const { digit, image } of digits) if (digit !== null) memory.observe(levelsOf(image), digit, id);
  }

  show() {
    if (this.#typedStrokes !== this.#drawing.strokes) this.#typed.clear();
    const entry = this.#entry;
    const text = (entry && this.#session.prediction?.text) ?? "";
    const label = text ? entry.label : undefined;
    const canLabel = this.#canLabel;
    showLabel(this.isTyping ? this.#typed.digits : label, text, this.isTyping);
    const status = entry?.save ? labelStatus(text, label) : text && "Not saved: cannot be labeled.";
    // Setting the same text again would announce it again.
    if (find("#label-status").textContent !== status) find("#label-status").textContent = status;
    for (const button of document.querySelectorAll("[data-label-action]")) {
      const isConfirm = button.dataset.labelAction === "confirm";
      button.disabled = !canLabel || (isConfirm && toApiLabel(text) === null);
    }
    swapButtons(label === undefined);
    find("#details-link").href = `/drawings/${this.#drawing.id}`;
    for (const button of document.querySelectorAll("#probabilities [data-digit]")) {
      button.disabled = !canLabel;
      const current = label?.replaceAll("\n", "")[this.#session.selected];
      button.setAttribute("aria-pressed", current === button.dataset.digit);
    }
    showMemory(this.#session.memory?.size ?? 0);
    const { id, picture } = this.#drawing;
    if (this.#unlabeled && this.#unlabeled.id !== id) this.#observe(this.#unlabeled);
    const isUnlabeled = canLabel && label === undefined && !picture;
    this.#unlabeled = isUnlabeled ? { id, digits: this.#session.prediction.digits } : null;
  }
}

/** Show the number of learned corrections, with the button that forgets them. */
function showMemory(count) {
  find("#hand").classList.toggle("reserved", count === 0);
  find("#hand span").textContent = `Learned from ${count} correction${count === 1 ? "" : "s"} of yours, in this browser only.`;
}

/** Show a label that differs from the prediction, with the prediction small beside it. */
function showLabel(label, text, isTyping) {
  const isShown = label !== undefined && (label !== text || isTyping);
  const shown = isShown ? (isTyping ? label : (toApiLabel(label) ?? "not a digit")) : "";
  const line = find(".line");
  if (find("#label").textContent !== shown) find("#label").textContent = shown;
  line.style.setProperty("--label-characters", shown.length);
  line.classList.toggle("labeled", isShown);
  line.classList.toggle("typing", isTyping);
}

/** Show Correct and Not a digit, or Undo and Details; keep the focus on a visible one. */
function swapButtons(isUnlabeled) {
  const { activeElement } = document;
  const elements = [...find(".verdict").children];
  elements.forEach((element, i) => element.classList.toggle("reserved", i < 2 !== isUnlabeled));
  if (activeElement.matches(".verdict > .reserved")) elements[isUnlabeled ? 0 : 2].focus();
}

function labelStatus(text, label) {
  if (text === "") return "";
  if (label === undefined) return "Wrong? Choose the digit.";
  return `Your label: ${toApiLabel(label) ?? "not a digit"}. Thank you.`;
}
