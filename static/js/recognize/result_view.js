/** The displayed prediction: text, confidence, probabilities and the 28x28 input. */

const percent = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
// A mark is lower than this fraction of the tallest digit.
const MARK_HEIGHT = 0.5;
const find = (selector) => document.querySelector(selector);

/** Format a probability; rounding never shows 100%. */
export const formatProbability = (probability) => percent.format(Math.min(probability, 0.999));

/** Show a prediction of the API and the details of one of its digits. */
export function showPrediction({ text, digits }, selected) {
  if (digits.length === 0) return showNoPrediction("drawing");
  showText(text, selected);
  find("#confidence").textContent = describeDigit(digits[selected]);
  showProbabilities(digits[selected]);
  showInput(digits[selected].image);
  setState(digits.every((digit) => digit.verdict === "digit") ? "read" : "unsure");
}

/** Show an empty prediction. */
export function showNoPrediction(state) {
  for (const id of ["#reading", "#confidence", "#announcement"]) find(id).textContent = "";
  showProbabilities(null);
  showInput(null);
  setState(state);
}

/** @param {"empty"|"drawing"|"read"|"unsure"|"offline"} state */
export function setState(state) {
  document.body.dataset.state = state;
}

/** Show a message in the corner of the pad; a changed message is announced. */
export function showBadge(text) {
  if (find("#badge").textContent !== text) find("#badge").textContent = text;
}

/** Announce a prediction to screen readers: once per stroke, not during it. */
export function announce({ text, digits }) {
  const lines = text.replaceAll("\n", ", next line ");
  find("#announcement").textContent = text && [lines, ...digits.map(describeDigit)].join(", ");
}

/** Return the index of the digit with the lowest confidence; marks need no attention. */
export function leastConfident({ digits }) {
  const confidences = digits.map((digit) => (isMark(digit, digits) ? Infinity : digit.confidence));
  return Math.max(confidences.indexOf(Math.min(...confidences)), 0);
}

/** Return whether one of the digits is a low non-digit, such as a dash or a comma. */
export function isMark({ verdict, box }, digits) {
  if (digits.length === 1 || verdict !== "not a digit") return false;
  return box[3] < MARK_HEIGHT * Math.max(...digits.map((digit) => digit.box[3]));
}

/** Show one digit as text, those of a number as buttons that select a digit. */
function showText(text, selected) {
  const output = find("#reading");
  const lengths = text.split("\n").map((line) => line.length);
  output.style.setProperty("--characters", Math.max(...lengths));
  if (text.length === 1) return (output.textContent = text);
  if (output.textContent !== text || output.children.length === 0) {
    output.replaceChildren(...[...text].map((c) => (c === "\n" ? c : createButton(c))));
  }
  [...output.children].forEach((button, i) => button.setAttribute("aria-pressed", i === selected));
}

function createButton(text) {
  const button = document.createElement("button");
  [button.type, button.textContent] = ["button", text];
  return button;
}

/** Return the 784 levels of an input; the server sends them as Base64. */
export function levelsOf(image) {
  if (image instanceof Uint8Array) return image;
  return Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
}

/** Show the model's input in the colors of the page. */
export function showInput(image) {
  const canvas = find("#seen");
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  if (image) levelsOf(image).forEach((level, i) => (pixels.data[4 * i + 3] = level));
  context.putImageData(pixels, 0, 0);
  // The levels are the opacity; source-in adds the text color.
  context.globalCompositeOperation = "source-in";
  context.fillStyle = getComputedStyle(canvas).color;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
}

function describeDigit({ verdict, confidence, probabilities }) {
  if (verdict === "not a digit") return "not a digit";
  if (verdict === "digit") return `${formatProbability(confidence)} confidence`;
  const [first, second] = rank(probabilities);
  return (
    `${first} or ${second}? ${formatProbability(probabilities[first])}` +
    ` against ${formatProbability(probabilities[second])}`
  );
}

/** Return the digits by descending probability or logit. */
export function rank(values) {
  return [...values.keys()].sort((a, b) => values[b] - values[a]);
}

function showProbabilities(digit) {
  const accented = digit ? accentedDigits(digit) : [];
  for (const row of document.querySelectorAll("#probabilities [data-digit]")) {
    const number = Number(row.dataset.digit);
    const probability = digit ? digit.probabilities[number] : 0;
    row.dataset.probability = probability;
    row.classList.toggle("accent", accented.includes(number));
    row.querySelector(".bar").style.setProperty("--probability", probability);
    row.querySelector(".number").textContent = digit ? formatProbability(probability) : "";
  }
}

/** Return the predicted digit, with its rival if unsure, or nothing for a non-digit. */
function accentedDigits({ verdict, probabilities }) {
  const count = { digit: 1, unsure: 2, "not a digit": 0 }[verdict];
  return rank(probabilities).slice(0, count);
}
