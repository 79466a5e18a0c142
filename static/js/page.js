/** The page: wires the pad, the server and the view together. */

import { corrected, showCorrection, toLabel } from "./visit/correction.js";
import { Drawing, scale } from "./draw/drawing.js";
import { save, toFile } from "./draw/export.js";
import { Glance } from "./recognize/local_prediction.js";
import { takeKeys } from "./draw/keyboard.js";
import { Outbox } from "./visit/outbox.js";
import { Pad, takePointers } from "./draw/pad.js";
import { takePictures } from "./draw/picture_input.js";
import { Reader } from "./recognize/client.js";
import { replay } from "./draw/replay.js";
import { showStrip } from "./visit/strip.js";
import { Thinking } from "./explain/loader.js";
import { leastSure, levels, setState, showAnswer, showBadge, showNothing, showSeen, speak } from "./recognize/result_view.js";
import { Visit } from "./visit/visit.js";

const find = (selector) => document.querySelector(selector);

const drawing = new Drawing();
const pad = new Pad(find("#pad"), drawing);
const visit = new Visit(storage("sessionStorage"));
const outbox = new Outbox(storage("localStorage"));
const reader = new Reader({ fetch: (...request) => fetch(...request), outbox, onReading, onTrouble, onRefused });

const MODEL = "/api/v1/model.onnx";
const glance = new Glance(async () => (await import("./recognize/digit_model.js")).fetchNet(MODEL));

/** The answer on the page, and which of its digits is looked at. */
let answer = null;
let chosen = 0;
let trouble = null;
let shownGeneration = 0;

/** What the browser stores; nothing where it does not let us. */
function storage(name) {
  try {
    return window[name];
  } catch {
    return { getItem: () => null, setItem() {}, removeItem() {} };
  }
}

// Reading

function read({ keep, penUp, time }) {
  const { id, generation, picture } = drawing;
  const strokes = drawing.toJSON();
  const body = picture ? { picture: picture.source } : { strokes };
  const isRead = (!penUp || isOffline()) && look(strokes, time);
  if (isOffline() && !isRead) showNoAnswer("offline");
  if (isRead && penUp && answer) speak(answer);
  // More strokes may be more digits, which the server tells apart.
  if (isRead && !penUp && strokes.length === 1) return;
  reader.read({ id, body, generation, side: pad.side, keep, penUp, time });
}

/** Whether nobody answers, or says that it cannot now. */
const isOffline = () => trouble === "offline" || trouble === "busy";

/** Read in the page what is sure to be one digit; returns whether it was, now or a moment ago. */
function look(strokes, time) {
  const read = glance.read(drawing, strokes, time);
  if (read === undefined) return true;
  if (!read) return false;
  show(read, 0);
  if (time !== undefined) measure("stroke-to-reading", time);
  setState(isOffline() ? "offline" : "drawing");
  return true;
}

/** Measure how long it is since the pointer event of that time. */
function measure(what, time) {
  performance.measure(what, { start: time, end: performance.now() });
}

/** A stroke, or a picture, is whole: file it, and have it kept unless the visitor says no. */
function finish(time) {
  if (drawing.isEmpty) return;
  const keep = find("#keep").checked;
  const { id, strokes, picture } = drawing;
  const sent = keep || visit.find(id)?.sent;
  visit.file({ id, strokes, picture, side: pad.side, keep, sent, said: undefined });
  read({ keep, penUp: true, time });
  showTrouble();
}

function onReading(read, job) {
  if (job.penUp !== false && visit.find(job.id)) visit.file({ id: job.id, text: read.text });
  // By the way, for readings go first.
  if (job.penUp && !navigator.connection?.saveData) reader.aside(() => glance.follow(read.model));
  if (job.generation !== drawing.generation || drawing.isEmpty) return;
  measure("stroke-to-answer", job.time);
  const news = glance.heed(read, job);
  if (news === "old") return;
  // Whoever looks at one digit of a number goes on looking at it.
  show({ ...read, side: job.side }, read.text === answer?.text ? chosen : leastSure(read));
  if (drawing.picture && !read.text) showBadge("No ink was found in the picture.");
  if (job.penUp) speak(read);
  else setState("drawing");
  if (news === "new") measure("stroke-to-reading", job.time);
}

function onTrouble(kind, job) {
  if (!kind && !trouble) return;
  trouble = kind;
  if (isOffline()) showOffline(job);
  else if (document.body.dataset.state === "offline") showOnline();
  showTrouble();
}

/** What was answered holds, if it is not the drawing on the pad that nobody answers. */
function showOffline({ id, body, generation }) {
  const isUnread = body && generation === drawing.generation && !look(drawing.toJSON());
  if (!isUnread) return setState("offline");
  showNoAnswer("offline");
  // What was read of less ink says nothing of this.
  if (visit.find(id)) visit.file({ id, text: undefined });
}

function showOnline() {
  if (answer) show(answer, chosen);
  else setState(drawing.isEmpty ? "empty" : "drawing");
}

function showTrouble() {
  const waiting = outbox.size > 0 ? ` Waiting to be sent: ${outbox.size}.` : "";
  const badges = {
    offline: `No connection.${waiting}`,
    busy: `The server is busy.${waiting}`,
    slow: "The server is slow.",
  };
  showBadge(badges[trouble] ?? "");
}

function onRefused(job, status, detail) {
  const isHere = job.id === drawing.id;
  if (status === 409 && isHere) {
    drawing.renew();
    finish(job.time);
  } else if (status === 409 && job.body && visit.find(job.id)) {
    // It was reviewed as it was before: the rest of its ink is a drawing of its own.
    const id = crypto.randomUUID();
    visit.file({ ...visit.find(job.id), id });
    visit.forget([job.id]);
    outbox.keep(id, job.body);
  } else if (isHere) {
    showBadge(`The server refuses it: ${detail ?? status}`);
  }
}

function show(read, digit) {
  [answer, chosen] = [read, digit];
  showAnswer(answer, chosen);
  pad.frame(answer.digits.map(boxOf).filter(Boolean), chosen);
  showSaid();
  showThinking();
}

/** The box of a digit on the pad, which may have changed its size; of a picture, in its own pixels. */
function boxOf({ box }) {
  return drawing.picture ? box : box?.map((length) => (length * pad.side) / answer.side);
}

function showNoAnswer(state) {
  [answer, chosen] = [null, 0];
  showNothing(state);
  pad.frame([], 0);
  showSaid();
}

// Ink

let isInking = false;
/** A picture that came while a stroke was drawn. */
let laidNext = null;

function lay(picture) {
  laidNext = null;
  drawing.lay(picture);
  finish(performance.now());
}

const heard = {
  onInk(time) {
    isInking = true;
    // Undone while the pen was down, or a picture was laid over it.
    if (drawing.isEmpty || drawing.picture) return;
    showTrouble();
    if (document.body.dataset.state !== "offline") setState("drawing");
    read({ keep: false, penUp: false, time });
  },
  onPenUp(time) {
    isInking = false;
    finish(time);
    if (laidNext) lay(laidNext);
  },
};
takePointers(pad, heard);
takeKeys(pad, heard);
takePictures({
  input: find("#picture"),
  target: find(".paper"),
  onPicture(picture) {
    if (isInking) laidNext = picture;
    else lay(picture);
  },
  onRefused: () => showBadge("This is no picture that your browser can open."),
});

/** Strokes were taken away or brought back, not drawn: what was read before no longer holds. */
function turned({ timeStamp }) {
  pad.replayed = null;
  if (drawing.generation === shownGeneration) return;
  shownGeneration = drawing.generation;
  showTrouble();
  showVisit();
  showNoAnswer(drawing.isEmpty ? "empty" : "drawing");
  const filed = visit.find(drawing.id);
  if (drawing.isEmpty && filed) takeBack(filed, timeStamp);
  else if (filed && isSameInk(filed.strokes, drawing.strokes)) read({ keep: false, penUp: true, time: timeStamp });
  else if (!drawing.isEmpty && !drawing.picture) finish(timeStamp);
}

/** Whatever size the pad had meanwhile, each point was drawn at its time. */
function isSameInk(one, other) {
  const [times, others] = [one, other].map((strokes) => strokes.map((stroke) => stroke.map(([, , t]) => t)));
  return JSON.stringify(times) === JSON.stringify(others);
}

/** All of a drawing was undone. */
function takeBack({ id, sent }, time) {
  visit.forget([id]);
  if (sent) read({ keep: true, penUp: true, time });
}

function showDrawing() {
  const isFiled = !drawing.isEmpty && visit.find(drawing.id) !== undefined;
  for (const [action, possible] of Object.entries({
    clear: !drawing.isEmpty,
    undo: drawing.canUndo,
    redo: drawing.canRedo,
    replay: drawing.strokes.length > 0,
    png: isFiled,
    svg: isFiled && !drawing.picture,
    json: isFiled && !drawing.picture,
    forget: !drawing.isEmpty,
    "forget-all": visit.drawings.length > 0,
  })) {
    find(`[data-action=${action}]`).disabled = !possible;
  }
}

drawing.addEventListener("change", showDrawing);
drawing.addEventListener("change", turned);

// Right or wrong?

function showSaid() {
  const filed = visit.find(drawing.id);
  const text = (filed && answer?.text) ?? "";
  showCorrection({ id: drawing.id, text, said: filed?.said, canSay: Boolean(text && filed?.keep), chosen });
}

function say(said) {
  const label = toLabel(said);
  visit.file({ id: drawing.id, said });
  // What cannot be said to the server must not leave there what was said before.
  outbox.label(drawing.id, label === undefined ? "" : label);
  reader.send();
  if (trouble) showTrouble();
  showSaid();
}

/** Of a number, the next digit is looked at then. */
function correct(character) {
  const filed = visit.find(drawing.id);
  if (!answer?.text || !filed?.keep) return;
  say(corrected(filed.said ?? answer.text, chosen, character));
  show(answer, (chosen + 1) % answer.digits.length);
}

const sayings = { yes: () => say(answer.text), "no digit": () => correct("?"), nothing: () => say(undefined) };
for (const button of document.querySelectorAll("[data-say]")) {
  button.addEventListener("click", sayings[button.dataset.say]);
}
for (const row of document.querySelectorAll("#probabilities [data-digit]")) {
  row.addEventListener("click", () => correct(row.dataset.digit));
}
find("#reading").addEventListener("click", ({ target }) => {
  const digit = [...find("#reading").children].indexOf(target);
  if (digit >= 0) show(answer, digit);
});

// The network, unfolded

const thinking = new Thinking(find("#think"), {
  model: MODEL,
  onMoment: (moment, strokes) => showMoment(strokes),
  digit(moment) {
    const digit = answer?.digits[chosen];
    const shown = drawing.picture
      ? { grid: digit ? levels(digit.image) : new Uint8Array(784) }
      : { strokes: looked(digit), pad: pad.side, moment };
    return { ...shown, version: answer?.model };
  },
});

function showThinking(moment = null) {
  if (moment === null && pad.replayed) showMoment(null);
  thinking.show(moment);
}

/** The strokes of a digit: of a number, those within its box. */
function looked(digit) {
  if (!digit || answer.digits.length === 1) return drawing.strokes;
  const [left, top, width, height] = boxOf(digit);
  // Points travel as tenths of a pixel.
  const within = ([x, y]) =>
    x > left - 0.1 && x < left + width + 0.1 && y > top - 0.1 && y < top + height + 0.1;
  return drawing.strokes.filter((stroke) => stroke.every(within));
}

/** Show the strokes of a moment on the pad; null: all of them. */
function showMoment(strokes) {
  pad.replayed = strokes;
  pad.repaint();
}

drawing.addEventListener("change", () => showThinking());

// This visit

function playAgain() {
  const { strokes } = drawing;
  replay(strokes, (shown, moment) => {
    const goesOn = drawing.strokes === strokes;
    if (goesOn) showMoment(shown);
    if (goesOn) showThinking(moment);
    return goesOn;
  });
}

function open(filed) {
  if (filed.id === drawing.id) return;
  const strokes = scale(filed.strokes, pad.side / filed.side);
  visit.file({ id: filed.id, strokes, side: pad.side });
  drawing.open({ ...filed, strokes });
}

function forget(ids) {
  for (const id of ids) {
    if (visit.find(id)?.sent) outbox.forget(id);
  }
  visit.forget(ids);
  drawing.forget(ids);
  reader.send();
}

async function download(kind) {
  const filed = visit.find(drawing.id);
  save(await toFile(filed, kind), `${filed.text || "drawing"}.${kind}`);
}

function showVisit() {
  showStrip(find("#strip"), visit.drawings, drawing.id, open);
  showDrawing();
}

visit.addEventListener("change", showVisit);
// Ink has the color of the text.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  showVisit();
  showSeen(answer?.digits[chosen]?.image ?? null);
});

// Buttons and keys

const actions = {
  clear: () => drawing.clear(),
  undo: () => drawing.undo(),
  redo: () => drawing.redo(),
  replay: playAgain,
  png: () => download("png"),
  svg: () => download("svg"),
  json: () => download("json"),
  forget: () => forget([drawing.id]),
  "forget-all": () => forget(visit.drawings.map(({ id }) => id)),
};
for (const button of document.querySelectorAll("[data-action]")) {
  button.addEventListener("click", actions[button.dataset.action]);
}

/** What a key means: an action, or a digit that says what the drawing is. */
function keyed(event) {
  if (event.target.matches("select, [type=range]")) return undefined;
  const key = event.key.toLowerCase();
  const command = event.ctrlKey || event.metaKey;
  if (command && key === "z") return event.shiftKey ? actions.redo : actions.undo;
  if (command && key === "y") return actions.redo;
  if (command || event.altKey) return undefined;
  if (key === "escape" || key === "delete") return actions.clear;
  const isDigit = /^[0-9]$/.test(key) && find("#keys").checked;
  // Held down, it would say the same of each digit of a number.
  return isDigit ? () => event.repeat || correct(key) : undefined;
}

document.addEventListener("keydown", (event) => {
  const act = keyed(event);
  if (!act) return;
  event.preventDefault();
  act();
});

// The server, and what the visitor wants kept

addEventListener("storage", (event) => outbox.heed(event));
addEventListener("online", () => reader.retry());
// One page at a time sends what pages before it could not.
navigator.locks.request("outbox", () => {
  outbox.load();
  reader.send();
  return new Promise(() => {});
});

// What the visitor has switched off stays so. Who speaks to the computer can do without the keys.
for (const choice of ["keep", "keys"]) {
  find(`#${choice}`).checked = storage("localStorage").getItem(choice) !== "no";
  find(`#${choice}`).addEventListener("change", ({ target }) => {
    if (choice === "keep" && !target.checked) {
      // What waits to be kept waits no more.
      outbox.withdraw();
      showTrouble();
    }
    try {
      storage("localStorage").setItem(choice, target.checked ? "yes" : "no");
    } catch {
      // Forbidden, or full: it holds for this page.
    }
  });
}

showVisit();
showSaid();
