/** The review deck: keys and buttons in, the card on top out. */

import { Card } from "./card.js";
import { Deck, Refused } from "./queue.js";

const find = (selector) => document.querySelector(selector);
const percent = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const place = find("#deck");
const left = Number(place.dataset.left);
const drawing = new Card(find("#drawing"));
const deck = new Deck(
  (after, count) => post(place.dataset.next, { order: find("#order").value, after, count }),
  (body) => post(place.dataset.label, body),
);
deck.agreement = { same: Number(place.dataset.same), of: Number(place.dataset.of) };

const actions = {
  Enter: () => deck.label(null),
  x: () => deck.label("?"),
  " ": () => deck.skip(),
  u: () => deck.undo(),
  r: () => drawing.replay(),
};
for (let digit = 0; digit < 10; digit++) actions[digit] = () => deck.label(String(digit));

// Who speaks to the computer, or strikes keys by accident, can do without single letters, here and on
// the page alike.
find("#keys").checked = localStorage.getItem("keys") !== "no";
find("#keys").addEventListener("change", ({ target }) => {
  localStorage.setItem("keys", target.checked ? "yes" : "no");
  if (!target.matches(":focus-visible")) target.blur();
});

let shown;
deck.addEventListener("change", show);
document.addEventListener("keydown", onKey);
place.addEventListener("click", onClick);
find("#order").addEventListener("change", ({ target }) => {
  if (!target.matches(":focus-visible")) target.blur();
  deck.start();
});
// Whoever leaves loses nothing: what is not sent yet goes in one request, which outlives the page.
// Should the page live on, it sends the same once more, which changes nothing.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden" || deck.waiting === 0) return;
  post(place.dataset.labels, { labels: deck.unsent }, { keepalive: true }).catch(() => {});
});
// Where that would not arrive either, leaving is asked about.
addEventListener("beforeunload", (event) => {
  if (deck.isFailing && deck.waiting > 0) event.preventDefault();
});
// Light or dark: the ink has the color of the text.
new MutationObserver(() => drawing.show(deck.card)).observe(document.documentElement, {
  attributeFilter: ["data-theme"],
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => drawing.show(deck.card));
deck.start();

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !find("#keys").checked) return;
  // What has the focus keeps the keys that work it.
  const isWorked = event.target.closest("select, a, button, input") !== null;
  if (isWorked && (event.key === "Enter" || event.key === " ")) return;
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.repeat) return;
  event.preventDefault();
  action();
}

function onClick(event) {
  const button = event.target.closest("[data-key]");
  if (!button) return;
  actions[button.dataset.key]();
  // Clicked with a pointer, it must not take the next space or Enter for itself.
  if (event.detail > 0) button.blur();
}

async function post(address, body, options) {
  let response = await send(address, body, options);
  // Whoever signed in again, here or in another tab, has another token.
  if (response.status === 403 && (await renewToken())) response = await send(address, body, options);
  if (response.type === "opaqueredirect" || response.status === 403) {
    throw Object.assign(new Error("signed out"), { signedOut: true });
  }
  if ([404, 409, 422].includes(response.status)) {
    throw new Refused({ status: response.status, ...(await response.json()) });
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.status === 204 ? null : response.json();
}

function send(address, body, options) {
  return fetch(address, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": find("[name=csrfmiddlewaretoken]").value,
    },
    body: JSON.stringify(body),
    redirect: "manual", // to the page that signs in
    ...options,
  });
}

/** Take the token from the page as it would be today; returns whether it has one. */
async function renewToken() {
  const response = await fetch(location.href, { redirect: "manual" });
  if (!response.ok) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const token = page.querySelector("[name=csrfmiddlewaretoken]");
  if (token) find("[name=csrfmiddlewaretoken]").value = token.value;
  return token !== null;
}

function show() {
  const { card } = deck;
  place.dataset.state = card ? "card" : deck.isDone ? "done" : "loading";
  find("#done").hidden = !deck.isDone;
  find("#notice").textContent = deck.notice;
  find("#progress").textContent =
    `${deck.labeled} labeled, ${Math.max(left - deck.labeled, 0)} to go.` +
    (deck.waiting > 1 ? ` ${deck.waiting} on their way.` : "");
  const { same, of } = deck.agreement;
  find("#agreement").textContent = of
    ? `Of ${of} shown to you again you said the same of ${same} (${percent.format(same / of)}).`
    : "";
  for (const button of document.querySelectorAll("[data-key]")) {
    button.disabled = button.dataset.key === "u" ? !deck.canUndo : !card;
  }
  if (card === shown) return;
  shown = card;
  drawing.show(card);
  showReading(card);
}

function showReading(card) {
  find("#reading").textContent = card?.text ?? "";
  find("#agreed").textContent = card ? `: ${card.text}` : "";
  find("#verdict").textContent = card ? describe(card) : "";
  find("#about").textContent = card ? tellAbout(card) : "";
  document.querySelectorAll("#probabilities tr").forEach((row, digit) => {
    const probability = card?.probabilities[digit] ?? 0;
    row.querySelector("meter").value = probability;
    row.querySelector(".share").textContent = card ? percent.format(probability) : "";
    row.classList.toggle("likeliest", card?.text === String(digit));
  });
}

function describe({ verdict, probabilities }) {
  const sure = percent.format(Math.max(...probabilities));
  return verdict === "not a digit" ? verdict : `${verdict}, ${sure}`;
}

function tellAbout({ visitor, label, by, drawn, model }) {
  const parts = [new Date(drawn).toLocaleString(), `model ${model}`];
  if (visitor) parts.unshift(`The visitor says ${visitor}`);
  if (label) parts.unshift(`Labeled ${label}${by ? ` by ${by}` : ""}`);
  return parts.join(" · ");
}
