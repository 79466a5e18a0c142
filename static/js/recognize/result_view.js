/** The displayed prediction: text, confidence, probabilities and the 28x28 input. */

const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1 });
// A mark is lower than this fraction of the tallest digit.
const MARK_HEIGHT = 0.5;
// Lower probabilities are shown on hover and focus only.
const MIN_SHOWN = 0.005;
const find = (selector) => document.querySelector(selector);

/** Format a probability; rounding never shows 100%. */
export const formatProbability = (probability) => percent.format(Math.min(probability, 0.999));

/** Show a prediction of the API, the details of one of its digits, and the state of the page. */
export function showPrediction(prediction, selected) {
  const { digits } = prediction;
  if (digits.length === 0) return showNoPrediction("drawing");
  showDigits(prediction, selected);
  setState(digits.every((digit) => digit.verdict === "digit") ? "read" : "unsure");
}

/** Show a prediction without changing the state of the page: of an earlier moment, for example. */
export function showDigits({ text, digits }, selected) {
  showText(text, digits, selected);
  find("#confidence").textContent = describeSelected(digits, selected);
  showProbabilities(digits[selected]);
  showInput(digits[selected].image);
}

export function showNoPrediction(state) {
  for (const id of ["#reading", "#confidence", "#announcement"]) find(id).textContent = "";
  delete find("#reading").dataset.rival;
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
function showText(text, digits, selected) {
  const output = find("#reading");
  const rivals = digits.filter((digit) => rivalOf(digit) !== null).length;
  // A rival takes the width of two more characters.
  output.parentElement.style.setProperty("--characters", text.length + 2 * rivals);
  if (digits.length === 1) {
    output.textContent = text;
    return showVerdict(output, digits[0]);
  }
  // Buttons of another size or at another place are new ones: moved ones would count as a layout shift.
  const hasSamePlace = ({ dataset }, i) => "rival" in dataset === (rivalOf(digits[i]) !== null);
  const buttons = [...output.children];
  if (output.textContent !== text || buttons.length === 0 || !buttons.every(hasSamePlace)) {
    output.replaceChildren(...[...text].map((c) => (c === "\n" ? c : createButton(c))));
    showVerdict(output, { verdict: "digit" });
  }
  [...output.children].forEach((button, i) => {
    showVerdict(button, digits[i]);
    button.setAttribute("aria-pressed", i === selected);
  });
}

/**
 * Mark non-digits and digits changed by the visitor's corrections, and show the rival of an unsure
 * digit: as an attribute, because it is no text.
 */
function showVerdict(element, { verdict, probabilities, isAdapted = false }) {
  element.dataset.verdict = verdict;
  element.toggleAttribute("data-adapted", isAdapted);
  const rival = rivalOf({ verdict, probabilities });
  if (rival === null) delete element.dataset.rival;
  else element.dataset.rival = rival;
}

/** Return the rival of an unsure digit, or null if the digit is unsure only because it touches another. */
function rivalOf({ verdict, probabilities }) {
  if (verdict !== "unsure") return null;
  const [, rival] = rank(probabilities);
  return probabilities[rival] > MIN_SHOWN ? rival : null;
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

// Reading a computed style updates the styles of the whole page, which is slow for every pointer event.
let inputColor = "";

/** Show the model's input in the text color; null shows an empty one. */
export function showInput(image) {
  const canvas = find("#seen");
  const { width, height } = canvas;
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(width, height);
  if (image) levelsOf(image).forEach((level, i) => (pixels.data[4 * i + 3] = level));
  context.putImageData(pixels, 0, 0);
  inputColor ||= getComputedStyle(canvas).color;
  // The levels are the opacity; source-in adds the color.
  context.globalCompositeOperation = "source-in";
  context.fillStyle = inputColor;
  context.fillRect(0, 0, width, height);
  context.globalCompositeOperation = "source-over";
}

/** Show the model's input after the colors of the page changed. */
export function repaintInput(image) {
  inputColor = "";
  showInput(image);
}

export function describeSelected(digits, selected) {
  const description = describeDigit(digits[selected]);
  if (digits.length === 1) return description;
  // Short enough for a phone; the bars show the probabilities.
  return `Digit ${selected + 1}: ${description.split(/ confidence| from you| another| \d\d/)[0]}`;
}

function describeDigit({ verdict, confidence, probabilities, isAdapted }) {
  if (verdict === "not a digit") return "not a digit";
  if (isAdapted) return "learned from you";
  if (verdict === "digit") return `${formatProbability(confidence)} confidence`;
  const first = rank(probabilities)[0];
  const second = rivalOf({ verdict, probabilities });
  if (second === null) return `touching another digit, ${formatProbability(confidence)} confidence`;
  return (
    `${first} or ${second}? ${formatProbability(probabilities[first])}` +
    ` to ${formatProbability(probabilities[second])}`
  );
}

/** Return the digits by descending probability or logit. */
export function rank(values) {
  return [...values.keys()].sort((a, b) => values[b] - values[a]);
}

function showProbabilities(digit) {
  const accented = digit ? accentedDigits(digit) : [];
  for (const button of document.querySelectorAll("#probabilities [data-digit]")) {
    const number = Number(button.dataset.digit);
    const probability = digit ? digit.probabilities[number] : 0;
    button.dataset.probability = probability;
    button.classList.toggle("accent", accented.includes(number));
    button.classList.toggle("visible", probability > MIN_SHOWN);
    button.querySelector(".bar").style.setProperty("--probability", probability);
    button.querySelector(".number").textContent = digit ? formatProbability(probability) : "";
  }
}

/** Return the predicted digit, with its rival if unsure, or nothing for a non-digit. */
function accentedDigits({ verdict, probabilities }) {
  if (verdict === "not a digit") return [];
  return rank(probabilities).slice(0, rivalOf({ verdict, probabilities }) === null ? 1 : 2);
}
