/** What the page says: the reading, the ten bars, the 28x28 the net sees. */

import { SIZE } from "./ink.js";

const percent = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const find = (selector) => document.querySelector(selector);

/** A probability in words; the net is never wholly certain, whatever rounding says. */
const share = (probability) => percent.format(Math.min(probability, 0.999));

/** Show an answer of the API. */
export function showAnswer({ text, digits }) {
  if (digits.length === 0) return showNothing();
  const sure = digits.every((digit) => digit.verdict === "digit");
  find("#reading").textContent = text;
  find("#confidence").textContent = digits.map(describe).join(", ");
  showBars(leastSure(digits));
  setState(sure ? "read" : "unsure");
}

/** Show that nothing is drawn, or not enough to be read yet. */
export function showNothing(state = "empty") {
  find("#reading").textContent = "";
  find("#confidence").textContent = "";
  showBars(null);
  setState(state);
}

/** @param {"empty"|"drawing"|"read"|"unsure"|"offline"} state */
export function setState(state) {
  document.body.dataset.state = state;
}

export function say(text) {
  find("#confidence").textContent = text;
}

/** Show the 784 levels of the net's input, in the page's ink on the page's paper. */
export function showSeen(levels) {
  const canvas = find("#seen");
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIZE, SIZE);
  levels.forEach((level, i) => (image.data[4 * i + 3] = level));
  context.putImageData(image, 0, 0);
  // The levels are opacity so far; this gives them their colour.
  context.globalCompositeOperation = "source-in";
  context.fillStyle = getComputedStyle(canvas).color;
  context.fillRect(0, 0, SIZE, SIZE);
  context.globalCompositeOperation = "source-over";
}

function describe({ verdict, confidence, probabilities }) {
  if (verdict === "not a digit") return "not a digit";
  if (verdict === "digit") return `${share(confidence)} sure`;
  const [first, second] = rank(probabilities);
  return (
    `${first} or ${second}? ${share(probabilities[first])}` +
    ` against ${share(probabilities[second])}`
  );
}

/** Of a number, the digit to look at. */
function leastSure(digits) {
  return digits.reduce((least, digit) => (digit.confidence < least.confidence ? digit : least));
}

/** The digits, likeliest first. */
function rank(probabilities) {
  return [...probabilities.keys()].sort((a, b) => probabilities[b] - probabilities[a]);
}

function showBars(digit) {
  const accented = digit ? accents(digit) : [];
  for (const row of document.querySelectorAll("#probabilities [data-digit]")) {
    const number = Number(row.dataset.digit);
    const probability = digit ? digit.probabilities[number] : 0;
    row.dataset.probability = probability;
    row.classList.toggle("accent", accented.includes(number));
    row.querySelector(".bar").style.setProperty("--share", probability);
    row.querySelector(".number").textContent = digit ? share(probability) : "";
  }
}

/** The winner; both rivals when unsure; none when it is no digit. */
function accents({ verdict, probabilities }) {
  const count = { digit: 1, unsure: 2, "not a digit": 0 }[verdict];
  return rank(probabilities).slice(0, count);
}
