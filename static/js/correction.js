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
  document.querySelector("#asked").textContent = canSay ? sentence(text, said) : refusal(text);
  for (const button of document.querySelectorAll("[data-say]")) {
    button.disabled = !canSay || (button.dataset.say === "yes" && text.includes("?"));
  }
  document.querySelector("[data-say=yes]").hidden = said !== undefined;
  document.querySelector("[data-say=nothing]").hidden = said === undefined;
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
