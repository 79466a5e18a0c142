/** A pad beside the predictions of the candidate and of the serving model. */

import { Drawing } from "../draw/drawing.js";
import { Pad, handlePointers } from "../draw/pad.js";

const find = (selector) => document.querySelector(selector);
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1 });
const drawing = new Drawing();
const pad = new Pad(find("#pad"), drawing);
let latest = 0;

handlePointers(pad, { onDraw: () => {}, onPenUp: predict });
find("#clear").addEventListener("click", () => {
  drawing.clear();
  latest += 1; // a prediction in progress is stale
  for (const output of document.querySelectorAll("output")) output.textContent = "";
  find("#problem").textContent = "";
});

async function predict() {
  const request = (latest += 1);
  const strokes = drawing.strokes.map((stroke) => stroke.map((point) => point.slice(0, 3)));
  try {
    const response = await fetch(location.href, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        "X-CSRFToken": find("[name=csrfmiddlewaretoken]").value,
      },
      body: JSON.stringify({ strokes }),
    });
    const body = await response.json();
    if (request === latest) show(body, response.ok);
  } catch {
    if (request === latest) show({ detail: find("#problem").dataset.unreachable }, false);
  }
}

function show(body, isOk) {
  find("#problem").textContent = isOk ? "" : body.detail;
  for (const name of ["serving", "candidate"]) {
    find(`#${name}`).textContent = isOk ? text(body[name]) : "";
  }
}

function text(digits) {
  return digits
    .map(({ text, verdict, confidence }) => {
      const parts = text === "?" ? [verdict] : [verdict, percent.format(confidence)];
      return `${text}  ${parts.filter(Boolean).join(", ")}`;
    })
    .join("\n");
}
