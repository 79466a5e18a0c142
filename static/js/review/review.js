/** The review page: maps keys and buttons to the queue and displays its first card. */

import { CardView, inputCanvas } from "./card.js";
import { shortcut } from "./keys.js";
import { Progress } from "./progress.js";
import { LabelRejected, ReviewQueue } from "./queue.js";

const find = (selector) => document.querySelector(selector);
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1 });
const format = (text, values) => interpolate(text, values, true);
const root = find("#review");
const { remaining, isTruncated, agreed, total, nextUrl, labelUrl, labelsUrl } = root.dataset;
const cardView = new CardView(find("#drawing"), find("#number"));
const progress = new Progress(Number(remaining), isTruncated === "True", performance.now());
const queue = new ReviewQueue(
  (after, count) => post(nextUrl, { order: find("#order").value, after, count }),
  (body) => post(labelUrl, body),
);
queue.agreement = { agreed: Number(agreed), total: Number(total) };

const actions = {
  Enter: () => label(null),
  x: () => label("?"),
  " ": () => queue.skip(),
  u: () => queue.undo(),
  r: () => cardView.replay(),
};
for (let digit = 0; digit < 10; digit++) actions[digit] = () => label(String(digit));

// Speech input and accidental key presses trigger single-letter shortcuts, so they can be turned
// off (WCAG 2.1.4). The drawing page shares this setting.
find("#keys").checked = localStorage.getItem("keys") !== "no";
find("#keys").addEventListener("change", ({ target }) => {
  localStorage.setItem("keys", target.checked ? "yes" : "no");
});

let shownCard;
let shownRecent = [];
queue.addEventListener("change", show);
document.addEventListener("keydown", onKey);
root.addEventListener("click", onClick);
find("#order").addEventListener("change", () => queue.start());
// After a choice with a pointer, Space and Enter are shortcuts again.
root.addEventListener("change", ({ target }) => target.matches(":focus-visible") || target.blur());
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
// The canvases use the text color, which depends on the theme.
const redraw = () => {
  cardView.show(queue.card);
  shownRecent = [];
  showRecent();
};
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
queue.start();

function label(text) {
  progress.add(performance.now());
  queue.label(text);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !find("#keys").checked) return;
  // Enter and Space belong to the focused control.
  const isControl = event.target.closest("select, a, button, input") !== null;
  if (isControl && (event.key === "Enter" || event.key === " ")) return;
  const action = actions[shortcut(event)];
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
  showRecent();
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
  const count = unsent.length;
  const unsentText = ngettext(
    "; %(count)s label not sent yet",
    "; %(count)s labels not sent yet",
    count,
  );
  const isBehind = count > 1;
  find("#progress").textContent =
    progress.text(labeled) + (isBehind ? format(unsentText, { count }) : "");
  const share = percent.format(agreement.agreed / agreement.total);
  const agreementText = gettext("Repeat reviews: %(agreed)s of %(total)s labels agree (%(share)s).");
  find("#agreement").textContent = agreement.total
    ? format(agreementText, { ...agreement, share })
    : "";
}

function showRecent() {
  const { recent } = queue;
  if (recent.length === shownRecent.length && recent.every((one, i) => one === shownRecent[i])) return;
  shownRecent = recent;
  find("#recent").replaceChildren(...recent.map(recentItem));
}

function recentItem(entry) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.title = gettext("Undo this label");
  button.setAttribute("aria-label", format(gettext("Undo label %(newLabel)s"), entry));
  button.append(inputCanvas(entry.card.image, getComputedStyle(root).color), entry.newLabel);
  button.addEventListener("click", () => queue.undo(entry));
  item.append(button);
  return item;
}

function showPrediction(card) {
  find("#prediction").textContent = card?.text ?? "";
  find("#confirmed").textContent = card ? `: ${card.text === "?" ? card.verdict : card.text}` : "";
  // For a refused digit, Confirm does the same.
  find("[data-key=x]").hidden = card?.text === "?";
  find("#verdict").textContent = card ? verdictText(card) : "";
  find("#details").textContent = card ? detailsText(card) : "";
  document.querySelectorAll("#probabilities tr").forEach((row, digit) => {
    const probability = card?.probabilities[digit] ?? 0;
    row.querySelector("meter").value = probability;
    row.querySelector(".percent").textContent = card ? percent.format(probability) : "";
    row.classList.toggle("predicted", card?.text === String(digit));
  });
}

function verdictText({ verdict, probabilities, visitor_label: visitorLabel, text }) {
  const confidence = percent.format(Math.max(...probabilities));
  const parts = [text === "?" ? verdict : [verdict, confidence].filter(Boolean).join(", ")];
  const visitorText =
    visitorLabel === text ? gettext("visitor agrees") : gettext("visitor label %(visitorLabel)s");
  if (visitorLabel) parts.push(format(visitorText, { visitorLabel }));
  return parts.join("; ");
}

function detailsText(card) {
  const texts = [gettext("Drawn %(drawn_at)s"), gettext("model %(model)s")];
  if (card.drawing_text.length > 1) texts.unshift(gettext("Digit %(place)s of %(drawing_text)s"));
  const labeled = gettext("Labeled %(label)s");
  const labeledBy = gettext("Labeled %(label)s by %(labeled_by)s");
  if (card.label) texts.unshift(card.labeled_by ? labeledBy : labeled);
  return texts.map((text) => format(text, { ...card, place: card.position + 1 })).join(" · ");
}
