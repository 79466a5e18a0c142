/** The review page: maps keys and buttons to the queue and displays its first card. */

import { CardView } from "./card.js";
import { LabelRejected, ReviewQueue } from "./queue.js";

const find = (selector) => document.querySelector(selector);
const percent = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const root = find("#review");
const { remaining, agreed, total, nextUrl, labelUrl, labelsUrl } = root.dataset;
const cardView = new CardView(find("#drawing"));
const queue = new ReviewQueue(
  (after, count) => post(nextUrl, { order: find("#order").value, after, count }),
  (body) => post(labelUrl, body),
);
queue.agreement = { agreed: Number(agreed), total: Number(total) };

const actions = {
  Enter: () => queue.label(null),
  x: () => queue.label("?"),
  " ": () => queue.skip(),
  u: () => queue.undo(),
  r: () => cardView.replay(),
};
for (let digit = 0; digit < 10; digit++) actions[digit] = () => queue.label(String(digit));

// Speech input and accidental key presses trigger single-letter shortcuts, so they can be turned
// off (WCAG 2.1.4). The drawing page shares this setting.
find("#keys").checked = localStorage.getItem("keys") !== "no";
find("#keys").addEventListener("change", ({ target }) => {
  localStorage.setItem("keys", target.checked ? "yes" : "no");
  if (!target.matches(":focus-visible")) target.blur();
});

let shownCard;
queue.addEventListener("change", show);
document.addEventListener("keydown", onKey);
root.addEventListener("click", onClick);
find("#order").addEventListener("change", ({ target }) => {
  if (!target.matches(":focus-visible")) target.blur();
  queue.start();
});
// Send unsent labels in one request that outlives the page. If the page stays open, the queue sends
// them again, which changes nothing.
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState !== "hidden" || queue.unsent.length === 0) return;
  post(labelsUrl, { labels: queue.unsent }, { keepalive: true }).catch(() => {});
});
// Offline, that request fails too.
addEventListener("beforeunload", (event) => {
  if (queue.isFailing && queue.unsent.length > 0) event.preventDefault();
});
// The canvas uses the text color, which depends on the theme.
const redraw = () => cardView.show(queue.card);
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
queue.start();

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || !find("#keys").checked) return;
  // Enter and Space belong to the focused control.
  const isControl = event.target.closest("select, a, button, input") !== null;
  if (isControl && (event.key === "Enter" || event.key === " ")) return;
  const action = actions[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action || event.repeat) return;
  event.preventDefault();
  action();
}

function onClick(event) {
  const button = event.target.closest("[data-key]");
  if (!button) return;
  actions[button.dataset.key]();
  // After a click with a pointer, Space and Enter are shortcuts again.
  if (event.detail > 0) button.blur();
}

async function post(url, body, options) {
  let response = await send(url, body, options);
  // Signing in again, here or in another tab, changes the CSRF token.
  if (response.status === 403 && (await renewToken())) response = await send(url, body, options);
  if (response.type === "opaqueredirect" || response.status === 403) {
    throw Object.assign(new Error("signed out"), { isSignedOut: true });
  }
  if ([404, 409, 422].includes(response.status)) {
    throw new LabelRejected({ ...(await response.json()), status: response.status });
  }
  if (!response.ok) throw new Error(`HTTP ${response.status}`);
  return response.status === 204 ? null : response.json();
}

function send(url, body, options) {
  return fetch(url, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      "X-CSRFToken": find("[name=csrfmiddlewaretoken]").value,
    },
    body: JSON.stringify(body),
    redirect: "manual", // a redirect leads to the sign-in page
    ...options,
  });
}

/** Copy the CSRF token from a fresh copy of this page; return whether it has one. */
async function renewToken() {
  const response = await fetch(location.href, { redirect: "manual" });
  if (!response.ok) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const token = page.querySelector("[name=csrfmiddlewaretoken]");
  if (token) find("[name=csrfmiddlewaretoken]").value = token.value;
  return token !== null;
}

function show() {
  const { card } = queue;
  root.dataset.state = card ? "card" : queue.isDone ? "done" : "loading";
  find("#done").hidden = !queue.isDone;
  find("#notice").textContent = queue.notice;
  showProgress();
  for (const button of document.querySelectorAll("[data-key]")) {
    button.disabled = button.dataset.key === "u" ? !queue.canUndo : !card;
  }
  if (card === shownCard) return;
  shownCard = card;
  cardView.show(card);
  showPrediction(card);
}

function showProgress() {
  const { labeled, unsent, agreement } = queue;
  find("#progress").textContent =
    `${labeled} labeled, ${Math.max(remaining - labeled, 0)} remaining.` +
    (unsent.length > 1 ? ` ${unsent.length} labels not sent yet.` : "");
  find("#agreement").textContent = agreement.total
    ? `Repeat reviews: ${agreement.agreed} of ${agreement.total} labels agree` +
      ` (${percent.format(agreement.agreed / agreement.total)}).`
    : "";
}

function showPrediction(card) {
  find("#prediction").textContent = card?.text ?? "";
  find("#confirmed").textContent = card ? `: ${card.text}` : "";
  find("#verdict").textContent = card ? verdictText(card) : "";
  find("#details").textContent = card ? detailsText(card) : "";
  document.querySelectorAll("#probabilities tr").forEach((row, digit) => {
    const probability = card?.probabilities[digit] ?? 0;
    row.querySelector("meter").value = probability;
    row.querySelector(".percent").textContent = card ? percent.format(probability) : "";
    row.classList.toggle("predicted", card?.text === String(digit));
  });
}

function verdictText({ verdict, probabilities }) {
  const confidence = percent.format(Math.max(...probabilities));
  return verdict === "not a digit" ? verdict : `${verdict}, ${confidence}`;
}

function detailsText({ visitor_label: visitorLabel, label, labeled_by: labeledBy, drawn_at: drawnAt, model }) {
  const parts = [`Drawn ${drawnAt}`, `model ${model}`];
  if (visitorLabel) parts.unshift(`Visitor label ${visitorLabel}`);
  if (label) parts.unshift(`Labeled ${label}${labeledBy ? ` by ${labeledBy}` : ""}`);
  return parts.join(" · ");
}
