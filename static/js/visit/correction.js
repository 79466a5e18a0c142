/**
 * The visitor's label for the drawing on the pad: one character per digit, "?" for a non-digit, a
 * newline between lines; undefined without a label.
 */

import { isMark } from "../recognize/result_view.js";

const find = (selector) => document.querySelector(selector);

/** Replace the character of one digit. */
export function replaceDigit(label, position, character) {
  let digit = -1;
  return label.replace(/[^\n]/g, (old) => (++digit === position ? character : old));
}

/** Return the number of digits and marks of a label. */
const countCharacters = (label) => label.replaceAll("\n", "").length;

/** Convert a label for the API: null for a drawing without digits, "" to remove the label. */
export function toApiLabel(label) {
  if (label === undefined) return "";
  return /[0-9]/.test(label) ? label : null;
}

export class Correction {
  #drawing;
  #visit;
  #outbox;
  #session;

  /** Connect the label buttons and the rows of probabilities. */
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
    for (const row of document.querySelectorAll("#probabilities [data-digit]")) {
      row.addEventListener("click", () => this.labelDigit(row.dataset.digit));
    }
    session.addEventListener("change", () => this.show());
    this.show();
  }

  /** Label the selected digit and select the next one of a number; marks are skipped. */
  labelDigit(character) {
    const entry = this.#visit.find(this.#drawing.id);
    const { prediction, selected } = this.#session;
    if (!prediction?.text || !entry?.save) return;
    const { text, digits } = prediction;
    // A label given offline may have other digits than the server found later.
    const isComplete = entry.label && countCharacters(entry.label) === digits.length;
    this.#setLabel(replaceDigit(isComplete ? entry.label : text, selected, character));
    const next = digits.map((_, i) => (selected + 1 + i) % digits.length);
    this.#session.select(next.find((i) => !isMark(digits[i], digits)));
  }

  #setLabel(label) {
    const { id } = this.#drawing;
    this.#visit.put({ id, label });
    this.#outbox.label(id, toApiLabel(label));
    this.#session.sendChanges();
    this.show();
  }

  show() {
    const { id } = this.#drawing;
    const entry = this.#visit.find(id);
    const label = entry?.label;
    const text = (entry && this.#session.prediction?.text) ?? "";
    const canLabel = Boolean(text && entry.save);
    const status = canLabel ? labelStatus(text, label) : text && "Only saved drawings can be labeled.";
    // Setting the same text again would announce it again.
    if (find("#label-status").textContent !== status) find("#label-status").textContent = status;
    for (const button of document.querySelectorAll("[data-label-action]")) {
      const isConfirm = button.dataset.labelAction === "confirm";
      button.disabled = !canLabel || (isConfirm && toApiLabel(text) === null);
    }
    swapButtons(label === undefined);
    find("#details-link").hidden = label === undefined;
    find("#details-link").href = `/drawings/${id}`;
    for (const button of document.querySelectorAll("[data-label]")) {
      button.disabled = !canLabel;
      const current = label?.replaceAll("\n", "")[this.#session.selected];
      button.setAttribute("aria-pressed", current === button.dataset.label);
    }
  }
}

/** Show either "Correct" or "Undo label" and keep the focus on the visible one. */
function swapButtons(isUnlabeled) {
  const [confirm, undo] = ["confirm", "undo"].map((action) => find(`[data-label-action=${action}]`));
  const [shown, hidden] = isUnlabeled ? [confirm, undo] : [undo, confirm];
  const hadFocus = document.activeElement === hidden;
  [shown.hidden, hidden.hidden] = [false, true];
  if (hadFocus) shown.focus();
}

function labelStatus(text, label) {
  if (label === undefined) return `Correct? If not, choose the right digit${text.length > 1 ? "s" : ""}.`;
  return `Your label: ${toApiLabel(label) ?? "not a digit"}.`;
}
