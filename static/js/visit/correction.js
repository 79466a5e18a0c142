/**
 * Right or wrong? What the visitor says a drawing is: a character a digit, "?" for one that is none;
 * undefined where nothing was said.
 */

/** What is said after the digit at a position was corrected. */
export function corrected(said, position, character) {
  return said.slice(0, position) + character + said.slice(position + 1);
}

/**
 * What is said as a label of the API: digits, null for no digit at all, "" to take back what was
 * said before. Undefined while a number has a part that is none.
 */
export function toLabel(said) {
  if (said === undefined) return "";
  if (/^\?+$/.test(said)) return null;
  return said.includes("?") ? undefined : said;
}

/** Show what may be said of the reading of a drawing, and what was. */
export function showCorrection({ id, text, said, canSay, chosen }) {
  const asked = document.querySelector("#asked");
  const question = canSay ? sentence(text, said) : refusal(text);
  // The same again would be read aloud again.
  if (asked.textContent !== question) asked.textContent = question;
  for (const button of document.querySelectorAll("[data-say]")) {
    button.disabled = !canSay || (button.dataset.say === "yes" && text.includes("?"));
  }
  const [yes, nothing] = ["yes", "nothing"].map((say) => document.querySelector(`[data-say=${say}]`));
  const [shown, hidden] = said === undefined ? [yes, nothing] : [nothing, yes];
  const hadFocus = document.activeElement === hidden;
  [shown.hidden, hidden.hidden] = [false, true];
  if (hadFocus) shown.focus();
  const follow = document.querySelector("#follow");
  follow.hidden = said === undefined;
  follow.href = `/drawings/${id}`;
  for (const button of document.querySelectorAll("[data-label]")) {
    button.disabled = !canSay;
    button.setAttribute("aria-pressed", said?.[chosen] === button.dataset.label);
  }
}

function refusal(text) {
  return text && "Only kept drawings can be corrected.";
}

function sentence(text, said) {
  if (said === undefined) return `Right? Or tap what ${text.length > 1 ? "each digit" : "it"} was.`;
  const label = toLabel(said);
  if (label === undefined) return `You say: ${said}. What is the “?”`;
  return `You say: ${label ?? "not a digit"}.`;
}
