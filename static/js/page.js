/** Connects the pad, the recognition, the visit and the controls of the page. */

import { showAccuracy } from "./accuracy.js";
import { Drawing, isInside, randomUUID, scaleStrokes, strokesIn } from "./draw/drawing.js";
import { handleKeys } from "./draw/keyboard.js";
import { handlePointers, Pad } from "./draw/pad.js";
import { onColorChange } from "./draw/paint.js";
import { handlePictures } from "./draw/picture_input.js";
import { replay, strokesUntil } from "./draw/timeline.js";
import { ExplainerLoader } from "./explain/loader.js";
import { levelsOf, repaintInput, showBadge, showDigits } from "./recognize/result_view.js";
import { Session } from "./recognize/session.js";
import { Correction } from "./visit/correction.js";
import { Outbox } from "./visit/outbox.js";
import { openStorage } from "./visit/storage.js";
import { showStrip } from "./visit/strip.js";
import { Visit } from "./visit/visit.js";
import { countVisit, invitation } from "./visit/welcome.js";
import { VisitorError } from "./visitor_error.js";

// Milliseconds between the load of the page and that of the model.
const LOAD_DELAY = 800;

const find = (selector) => document.querySelector(selector);

const localStore = openStorage(() => localStorage);
const drawing = new Drawing();
const pad = new Pad(find("#pad"), drawing);
const visit = new Visit(openStorage(() => sessionStorage));
const outbox = new Outbox(localStore);
const session = new Session({
  drawing,
  pad,
  visit,
  outbox,
  storage: localStore,
  isSaving: () => find("#save").checked,
});
const correction = new Correction({ drawing, visit, outbox, session });

// Strokes and pictures

let lastGeneration = 0;
let newestFile = null;

/** Open a picture, or the strokes of an SVG file. */
async function openFile(file) {
  newestFile = file;
  try {
    const { toPicture } = await import("./draw/picture_file.js");
    const content = await toPicture(file);
    if (newestFile === file) openContent(content);
  } catch (error) {
    // Unless a newer file was chosen while this one was read.
    if (newestFile === file) throw error;
  }
}

function openContent({ strokes, side, ...picture }) {
  if (strokes) {
    // The change predicts and saves it.
    drawing.open({ id: randomUUID(), strokes: scaleStrokes(strokes, pad.side / side) });
  } else {
    drawing.openPicture(picture);
    session.complete(performance.now());
  }
}

const listeners = {
  onDraw: (time) => session.predictStroke(time),
  onPenUp: (time) => session.complete(time),
};
handlePointers(pad, {
  ...listeners,
  // A tap on a digit of a number selects it.
  isTarget: (point) => digitAt(point) >= 0,
  onTap: (point) => session.select(digitAt(point)),
});
handleKeys(pad, listeners);
handlePictures([find("#picture"), find("#camera")], (file) => attempt(() => openFile(file)));

drawing.addEventListener("change", ({ timeStamp }) => {
  visit.setCurrent(drawing.id);
  if (pad.replayed) showMoment(null);
  updateActions();
  if (drawing.generation !== lastGeneration) {
    lastGeneration = drawing.generation;
    showVisit();
    session.revise(timeStamp);
  }
  explainer.refresh();
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

/** Return the index of the digit of a number with a box around a point, or -1. */
function digitAt(point) {
  const digits = session.prediction?.digits ?? [];
  if (digits.length < 2 || drawing.picture) return -1;
  return digits.findIndex((digit) => isInside(session.boxOf(digit), point));
}

find("#reading").addEventListener("click", ({ target }) => {
  const index = [...find("#reading").children].indexOf(target);
  if (index >= 0) session.select(index);
});

// Network and ribbon

// The strokes of the opening while it plays, or null.
let openingStrokes = null;

const explainer = new ExplainerLoader(
  { layers: find("#layers"), unit: find("#unit"), ribbon: find("#ribbon"), details: find("#network") },
  {
    session,
    getInput() {
      const [{ picture }, { prediction, selected }, { side }] = [drawing, session, pad];
      const strokes = openingStrokes ?? drawing.strokes;
      const digits = prediction?.digits ?? [];
      const { image = "", box } = digits[selected] ?? {};
      const grid = picture && levelsOf(image);
      const parts = digits.length > 0 ? digits.map(strokesOf) : [strokes];
      return { strokes, parts, digits, selected, side, grid, picture, box, isPreview: openingStrokes !== null };
    },
    onMoment: showMoment,
    onPast: showDigits,
  },
);

function strokesOf(digit) {
  const box = session.boxOf(digit);
  if (!box) return drawing.strokes;
  if (session.prediction.digits.length > 1) return strokesIn(box, drawing.strokes);
  // Underlines and outlines are outside; a stroke in progress exceeds the box.
  return drawing.strokes.filter((stroke) => stroke.some((point) => isInside(box, point)));
}

/** Show the drawing as it was at a moment of its drawing time; null shows the present. */
function showMoment(moment) {
  pad.replayed = moment === null ? null : strokesUntil(drawing.strokes, moment);
  pad.repaint();
  explainer.showMoment(moment);
  if (moment === null) session.select();
}

session.addEventListener("change", () => explainer.refresh());

/** Load the model and the explainer: after the page, or when the visitor is about to draw. */
async function loadModel() {
  if (!navigator.connection?.saveData) await explainer.load();
}
addEventListener("load", () => setTimeout(beginVisit, LOAD_DELAY));
addEventListener("online", loadModel);

// Opening and invitation

const earlierVisits = countVisit(localStore);
find("#invitation").textContent = invitation(earlierVisits);
let hasInput = false;
pad.canvas.addEventListener("pointerenter", onFirstInput, { once: true });
addEventListener("keydown", onFirstInput, { once: true });

function onFirstInput() {
  hasInput = true;
  loadModel();
}

/** Load the parts that may be used after the connection is lost; on the first visit, play the opening. */
async function beginVisit() {
  if (navigator.connection?.saveData) return;
  await Promise.allSettled([
    loadModel(),
    import("./draw/picture_file.js"),
    import("./share/share.js"),
  ]);
  if (earlierVisits > 0 || hasInput || !drawing.isEmpty) return;
  const { playOpening } = await import("./opening.js");
  if (!hasInput && drawing.isEmpty) playOpening(drawing, pad, showOpening);
}

/** Show strokes that are not the visitor's; null ends the opening. */
function showOpening(strokes) {
  openingStrokes = pad.replayed = strokes;
  pad.repaint();
  find("#hint").textContent = strokes ? "" : "Your turn";
  if (strokes) explainer.refresh();
  else session.select();
}

// Drawings of this visit

function replayDrawing() {
  const { strokes } = drawing;
  replay(strokes, (moment) => {
    const isUnchanged = drawing.strokes === strokes;
    if (isUnchanged) showMoment(moment);
    return isUnchanged;
  });
}

function openDrawing(entry) {
  if (!entry || entry.id === drawing.id) return;
  const strokes = scaleStrokes(entry.strokes, pad.side / entry.side);
  visit.put({ id: entry.id, strokes, side: pad.side });
  drawing.open({ ...entry, strokes });
}

function deleteDrawings(ids) {
  for (const id of ids) if (visit.find(id)?.sent) outbox.delete(id);
  for (const id of ids) session.memory?.forget(id);
  visit.delete(ids);
  drawing.delete(ids);
  correction.show();
  session.sendChanges();
}

async function downloadDrawing(format) {
  const entry = visit.find(drawing.id);
  const { download, fileName, toFile } = await import("./draw/export.js");
  download(await toFile(entry, format), `${fileName(entry.text)}.${format}`);
}

/** Share the drawing with a function of share.js. */
async function share(method) {
  const sharing = await import("./share/share.js");
  const message = await sharing[method](visit.find(drawing.id), session);
  if (message) showBadge(message);
}

function showVisit() {
  showStrip(find("#strip"), visit.drawings, drawing.id, openDrawing);
  updateActions();
}

visit.addEventListener("change", showVisit);
onColorChange(() => {
  showVisit();
  repaintInput(session.prediction?.digits[session.selected]?.image ?? null);
});

// Buttons and keys

/** Run an action; show a message if it fails, for example because a module cannot be fetched. */
async function attempt(action) {
  // Replaces the message of an earlier action.
  session.showStatus();
  try {
    await action();
  } catch (error) {
    const isForVisitor = error instanceof VisitorError;
    showBadge(isForVisitor ? error.message : "This did not work. Check the connection and reload the page.");
    if (!isForVisitor) throw error;
  }
}

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
  "forget-hand": () => {
    session.memory.reset();
    correction.show();
  },
  "delete-all": () => deleteDrawings(visit.drawings.map(({ id }) => id)),
};
for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", () => {
    // Before the action: a disabled button closes no menu.
    for (const menu of document.querySelectorAll(":popover-open")) menu.hidePopover();
    attempt(actions[button.dataset.action]);
  });
}

function actionOf(event) {
  if (event.target.matches("select, [type=range]")) return undefined;
  const key = event.key.toLowerCase();
  const isCommand = event.ctrlKey || event.metaKey;
  if (isCommand && key === "z") return event.shiftKey ? actions.redo : actions.undo;
  if (isCommand && key === "y") return actions.redo;
  if (isCommand || event.altKey) return undefined;
  if (key === "escape") return correction.isTyping ? () => correction.cancel() : actions.clear;
  if (key === "delete") return actions.clear;
  if (key === "?" && !correction.isTyping) return () => find("#shortcuts").togglePopover();
  return labelActionOf(event, key);
}

function labelActionOf(event, key) {
  if (!find("#digit-keys").checked) return undefined;
  if (key === "backspace") return () => correction.deleteDigit();
  // On a control, Enter has its own meaning unless a label is being typed.
  const isConfirm = correction.isTyping || event.target.matches("body, #pad");
  if (key === "enter" && isConfirm) return () => correction.confirm();
  // As in the review; "?" itself shows the shortcuts unless a label is being typed.
  const character = key === "x" ? "?" : key;
  if (!/^[0-9?]$/.test(character)) return undefined;
  // A held key must not label all digits of a number.
  return () => event.repeat || correction.typeDigit(character, event.timeStamp);
}

document.addEventListener("keydown", (event) => {
  // An open menu closes with Escape and keeps the other keys.
  if (document.querySelector(":popover-open")) return;
  const action = actionOf(event);
  if (!action) return;
  event.preventDefault();
  action();
});

find("#accuracy").addEventListener("beforetoggle", ({ newState }) => {
  if (newState === "open") showAccuracy(find("#accuracy dl"));
});

// Saved preferences, under the keys that visitors' browsers already hold

for (const [id, key] of [["save", "keep"], ["digit-keys", "keys"]]) {
  const checkbox = find(`#${id}`);
  checkbox.checked = localStore.getItem(key) !== "no";
  checkbox.addEventListener("change", () => localStore.setItem(key, checkbox.checked ? "yes" : "no"));
}
find("#save").addEventListener("change", ({ target, timeStamp }) => {
  // The drawing on the pad follows the choice at once, so that it can be labeled.
  if (target.checked && visit.find(drawing.id)?.save === false) session.complete(timeStamp);
  if (target.checked) return;
  outbox.discardSaves();
  session.showStatus();
});

// Waiting changes

addEventListener("storage", (event) => {
  outbox.onStorage(event);
  session.memory?.onStorage(event);
  correction.show();
});
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
  const { hash } = location;
  // The prefix of link.js.
  if (!hash.startsWith("#d=")) return;
  hasInput = true;
  const { fromFragment, LINK_SIDE } = await import("./share/link.js");
  const entry = { id: randomUUID(), strokes: fromFragment(hash), side: LINK_SIDE, save: false };
  visit.put(entry);
  openDrawing(entry);
  replayDrawing();
  // A reload would open it again.
  history.replaceState(null, "", location.pathname);
}
addEventListener("hashchange", () => attempt(openLink));
attempt(openLink);

// Installation and offline start

const { serviceWorker } = document.body.dataset;
if (serviceWorker && navigator.serviceWorker && !navigator.connection?.saveData) {
  // Its files must not delay those of the first visit. Some private windows forbid workers.
  addEventListener("load", () => navigator.serviceWorker.register(serviceWorker).catch(() => {}));
}

showVisit();
// A reload, or Back from another page, keeps the drawing on the pad.
openDrawing(visit.find(visit.current));
