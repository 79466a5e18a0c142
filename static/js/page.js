/** The page: wires the pad, the server and the view together. */

import { Drawing } from "./drawing.js";
import { draw } from "./ink.js";
import { attachPad } from "./pad.js";
import { Reader } from "./reader.js";
import { say, setState, showAnswer, showNothing, showSeen } from "./view.js";

const drawing = new Drawing();
const keepSwitch = document.querySelector("#keep");
// UUIDs the server may hold: undone to nothing, they are taken back.
const kept = new Set();
let shownGeneration = 0;

const reader = new Reader({
  fetch: (...request) => fetch(...request),
  onReading(answer, job) {
    if (job.generation !== drawing.generation || drawing.isEmpty) return;
    showAnswer(answer);
    if (!job.penUp) setState("drawing");
    performance.measure("stroke-to-reading", { start: job.time, end: performance.now() });
  },
  onTrouble(trouble) {
    if (!trouble) return setState(drawing.isEmpty ? "empty" : "drawing");
    showNothing("offline");
    say("No answer from the server. The drawing stays here and is sent when it is back.");
  },
  onRefused(job, status) {
    if (status === 409 && job.id === drawing.id) {
      drawing.renew();
      return read({ penUp: true, time: job.time });
    }
    if (job.generation === drawing.generation) say(`The server cannot read this (${status}).`);
  },
});

function read({ penUp, time }) {
  const keep = penUp && keepSwitch.checked;
  if (keep) kept.add(drawing.id);
  reader.read({
    id: drawing.id,
    strokes: drawing.toJSON(),
    generation: drawing.generation,
    keep,
    penUp,
    time,
  });
}

function show() {
  showSeen(draw(drawing.strokes));
  setEnabled("clear", !drawing.isEmpty);
  setEnabled("undo", drawing.canUndo);
  setEnabled("redo", drawing.canRedo);
}

function setEnabled(action, enabled) {
  document.querySelector(`[data-action=${action}]`).disabled = !enabled;
}

/** Strokes were taken away or brought back, not drawn: what was read before no longer holds. */
function turned(event) {
  if (drawing.generation === shownGeneration) return;
  shownGeneration = drawing.generation;
  showNothing(drawing.isEmpty ? "empty" : "drawing");
  if (!drawing.isEmpty || kept.has(drawing.id)) read({ penUp: true, time: event.timeStamp });
}

drawing.addEventListener("change", show);
drawing.addEventListener("change", turned);

const pad = attachPad(document.querySelector("#pad"), drawing, {
  onInk(time) {
    if (document.body.dataset.state !== "offline") setState("drawing");
    read({ penUp: false, time });
  },
  onPenUp(time) {
    read({ penUp: true, time });
  },
});

const actions = {
  clear: () => drawing.clear(),
  undo: () => drawing.undo(),
  redo: () => drawing.redo(),
};
for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", actions[button.dataset.action]);
}

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  const command = event.ctrlKey || event.metaKey;
  const action =
    (command && key === "z" && (event.shiftKey ? "redo" : "undo")) ||
    (command && key === "y" && "redo") ||
    ((key === "escape" || key === "delete") && "clear");
  if (!action) return;
  event.preventDefault();
  actions[action]();
});

const think = document.querySelector("#think");
let panel = null;

/** The panel and the model are fetched when they are first asked for; after trouble, once more. */
function openPanel() {
  return import("./think.js").then(({ attachPanel }) =>
    attachPanel(think.querySelector("div"), {
      model: "/api/v1/model.onnx",
      onMoment: (moment, strokes) => pad.show(strokes),
    }),
  );
}

async function showThinking() {
  if (!think.open) return;
  panel ??= openPanel().catch(() => (panel = null));
  (await panel)?.show({ strokes: drawing.strokes, pad: pad.side });
}

think.addEventListener("toggle", showThinking);
drawing.addEventListener("change", showThinking);

addEventListener("online", () => reader.retry());

keepSwitch.checked = localStorage.getItem("keep") !== "no";
keepSwitch.addEventListener("change", () => {
  localStorage.setItem("keep", keepSwitch.checked ? "yes" : "no");
});

show();
