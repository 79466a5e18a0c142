/** Connects the pad, the recognition, the visit and the controls of the page. */

import { Drawing, isInside, randomUUID, scaleStrokes, strokesIn } from "./draw/drawing.js";
import { download, fileName, toFile } from "./draw/export.js";
import { handleKeys } from "./draw/keyboard.js";
import { handlePointers, Pad } from "./draw/pad.js";
import { handlePictures } from "./draw/picture_input.js";
import { replay } from "./draw/replay.js";
import { ExplainerLoader } from "./explain/loader.js";
import { levelsOf, showBadge, showInput } from "./recognize/result_view.js";
import { MODEL_URL, Session } from "./recognize/session.js";
import { Correction } from "./visit/correction.js";
import { Outbox } from "./visit/outbox.js";
import { showStrip } from "./visit/strip.js";
import { Visit } from "./visit/visit.js";

const find = (selector) => document.querySelector(selector);

const drawing = new Drawing();
const pad = new Pad(find("#pad"), drawing);
const visit = new Visit(storage("sessionStorage"));
const outbox = new Outbox(storage("localStorage"));
const session = new Session({ drawing, pad, visit, outbox, isSaving: () => find("#save").checked });
const correction = new Correction({ drawing, visit, outbox, session });

/** Return a browser storage, or a substitute where the browser forbids it. */
function storage(name) {
  try {
    return window[name];
  } catch {
    return { getItem: () => null, setItem() {}, removeItem() {} };
  }
}

// Strokes and pictures

let isPenDown = false;
/** A picture that arrived during a stroke. */
let pendingPicture = null;
let lastGeneration = 0;

function openPicture(picture) {
  pendingPicture = null;
  drawing.openPicture(picture);
  session.complete(performance.now());
}

const listeners = {
  onDraw(time) {
    isPenDown = true;
    session.predictStroke(time);
  },
  onPenUp(time) {
    isPenDown = false;
    session.complete(time);
    if (pendingPicture) openPicture(pendingPicture);
  },
};
handlePointers(pad, listeners);
handleKeys(pad, listeners);
handlePictures({
  input: find("#picture"),
  target: find(".pad"),
  onPicture(picture) {
    if (isPenDown) pendingPicture = picture;
    else openPicture(picture);
  },
  onInvalid: () => showBadge("Your browser cannot open this file as a picture."),
});

drawing.addEventListener("change", ({ timeStamp }) => {
  pad.replayed = null;
  updateActions();
  if (drawing.generation !== lastGeneration) {
    lastGeneration = drawing.generation;
    showVisit();
    session.revise(timeStamp);
  }
  showLayers();
});

function updateActions() {
  const isInVisit = !drawing.isEmpty && visit.find(drawing.id) !== undefined;
  for (const [action, isEnabled] of Object.entries({
    clear: !drawing.isEmpty,
    undo: drawing.canUndo,
    redo: drawing.canRedo,
    replay: drawing.strokes.length > 0,
    png: isInVisit,
    svg: isInVisit && !drawing.picture,
    json: isInVisit && !drawing.picture,
    share: isInVisit && !drawing.picture,
    card: isInVisit && !drawing.picture,
    delete: !drawing.isEmpty,
    "delete-all": visit.drawings.length > 0,
  })) {
    find(`[data-action=${action}]`).disabled = !isEnabled;
  }
}

// Digits of a number

find("#reading").addEventListener("click", ({ target }) => {
  const index = [...find("#reading").children].indexOf(target);
  if (index >= 0) session.select(index);
});

// Network panel

const explainer = new ExplainerLoader(find("#network"), {
  modelUrl: MODEL_URL,
  onMoment: showStrokes,
  getInput(moment) {
    const digit = session.prediction?.digits[session.selected];
    const input = drawing.picture
      ? { grid: digit ? levelsOf(digit.image) : new Uint8Array(784) }
      : { strokes: strokesOf(digit), side: pad.side, moment };
    return { ...input, version: session.prediction?.model };
  },
});

function showLayers(moment = null) {
  if (moment === null && pad.replayed) showStrokes(null);
  explainer.show(moment);
}

/** Return the strokes of a digit, selected by its box. */
function strokesOf(digit) {
  const box = digit && session.boxOf(digit);
  if (!box) return drawing.strokes;
  if (session.prediction.digits.length > 1) return strokesIn(box, drawing.strokes);
  // Underlines and outlines are outside; a stroke in progress exceeds the box.
  return drawing.strokes.filter((stroke) => stroke.some((point) => isInside(box, point)));
}

/** Show other strokes on the pad; null shows the drawing. */
function showStrokes(strokes) {
  pad.replayed = strokes;
  pad.repaint();
}

session.addEventListener("change", () => showLayers());

// Drawings of this visit

function replayDrawing() {
  const { strokes } = drawing;
  replay(strokes, (shown, moment) => {
    const isUnchanged = drawing.strokes === strokes;
    if (isUnchanged) {
      showStrokes(shown);
      showLayers(moment);
    }
    return isUnchanged;
  });
}

function openDrawing(entry) {
  if (entry.id === drawing.id) return;
  const strokes = scaleStrokes(entry.strokes, pad.side / entry.side);
  visit.put({ id: entry.id, strokes, side: pad.side });
  drawing.open({ ...entry, strokes });
}

function deleteDrawings(ids) {
  for (const id of ids) if (visit.find(id)?.sent) outbox.delete(id);
  visit.delete(ids);
  drawing.delete(ids);
  session.sendChanges();
}

async function downloadDrawing(format) {
  const entry = visit.find(drawing.id);
  download(await toFile(entry, format), `${fileName(entry.text)}.${format}`);
}

/** Share the drawing with a function of share.js. */
async function share(method) {
  const sharing = await import("./share/share.js");
  showBadge(await sharing[method](visit.find(drawing.id)));
}

function showVisit() {
  showStrip(find("#strip"), visit.drawings, drawing.id, openDrawing);
  updateActions();
}

visit.addEventListener("change", showVisit);
// Canvases are painted in the text color.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  showVisit();
  showInput(session.prediction?.digits[session.selected]?.image ?? null);
});

// Buttons and keys

const actions = {
  clear: () => drawing.clear(),
  undo: () => drawing.undo(),
  redo: () => drawing.redo(),
  replay: replayDrawing,
  png: () => downloadDrawing("png"),
  svg: () => downloadDrawing("svg"),
  json: () => downloadDrawing("json"),
  share: () => share("shareLink"),
  card: () => share("shareCard"),
  delete: () => deleteDrawings([drawing.id]),
  "delete-all": () => deleteDrawings(visit.drawings.map(({ id }) => id)),
};
for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", actions[button.dataset.action]);
}

/** Return the action of a key, or undefined. */
function actionOf(event) {
  if (event.target.matches("select, [type=range]")) return undefined;
  const key = event.key.toLowerCase();
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && key === "z") return event.shiftKey ? actions.redo : actions.undo;
  if (isCommand && key === "y") return actions.redo;
  if (isCommand || event.altKey) return undefined;
  if (key === "escape" || key === "delete") return actions.clear;
  const isDigit = /^[0-9]$/.test(key) && find("#digit-keys").checked;
  // A held key must not label all digits of a number.
  return isDigit ? () => event.repeat || correction.labelDigit(key) : undefined;
}

document.addEventListener("keydown", (event) => {
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  action();
});

// Saved preferences, under the keys that visitors' browsers already hold

for (const [id, key] of [["save", "keep"], ["digit-keys", "keys"]]) {
  const checkbox = find(`#${id}`);
  checkbox.checked = storage("localStorage").getItem(key) !== "no";
  checkbox.addEventListener("change", () => {
    try {
      storage("localStorage").setItem(key, checkbox.checked ? "yes" : "no");
    } catch {
      // Full or forbidden storage: the choice holds for this page only.
    }
  });
}
find("#save").addEventListener("change", ({ target }) => {
  if (target.checked) return;
  outbox.discardSaves();
  session.showStatus();
});

// Waiting changes

addEventListener("storage", (event) => outbox.onStorage(event));
addEventListener("online", () => session.retry());
function sendEarlierChanges() {
  outbox.load();
  session.sendChanges();
  return new Promise(() => {});
}
// Only one page at a time sends the changes of earlier pages; over plain HTTP there are no locks.
if (navigator.locks) navigator.locks.request("outbox", sendEarlierChanges);
else sendEarlierChanges();

// Shared links

/** Open and replay the drawing in the address; it is not saved. */
async function openLink() {
  if (!location.hash) return;
  const { fromFragment, LINK_SIDE } = await import("./share/link.js");
  try {
    const strokes = fromFragment(location.hash);
    if (!strokes) return;
    const entry = { id: randomUUID(), strokes, side: LINK_SIDE, save: false };
    visit.put(entry);
    openDrawing(entry);
    replayDrawing();
    // A reload would open it again.
    history.replaceState(null, "", location.pathname);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    showBadge(`${error.message} Ask the sender to copy it again.`);
  }
}
addEventListener("hashchange", openLink);
openLink();

// Installation and offline start

const { serviceWorker } = document.body.dataset;
if (serviceWorker && navigator.serviceWorker && !navigator.connection?.saveData) {
  // Its files must not delay those of the first visit. Some private windows forbid workers.
  addEventListener("load", () => navigator.serviceWorker.register(serviceWorker).catch(() => {}));
}

showVisit();
