/** What the page says: the reading, the ten bars, the 28x28 the net sees. */

const SIZE = 28;
const percent = new Intl.NumberFormat("en", {
  style: "percent",
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const find = (selector) => document.querySelector(selector);

/** A probability in words; the net is never wholly certain, whatever rounding says. */
export const share = (probability) => percent.format(Math.min(probability, 0.999));

/** Show an answer of the API and, of a number, look at one of its digits. */
export function showAnswer({ text, digits }, chosen) {
  if (digits.length === 0) return showNothing("drawing");
  showReading(text, chosen);
  find("#confidence").textContent = describe(digits[chosen]);
  showBars(digits[chosen]);
  showSeen(digits[chosen].image);
  setState(digits.every((digit) => digit.verdict === "digit") ? "read" : "unsure");
}

/** Show that nothing is drawn, or not enough to be read yet. */
export function showNothing(state = "empty") {
  find("#reading").textContent = "";
  find("#confidence").textContent = "";
  find("#spoken").textContent = "";
  showBars(null);
  showSeen(null);
  setState(state);
}

/** @param {"empty"|"drawing"|"read"|"unsure"|"offline"} state */
export function setState(state) {
  document.body.dataset.state = state;
}

/** Say in the corner of the pad how things stand with the server. */
export function showBadge(text) {
  if (find("#badge").textContent !== text) find("#badge").textContent = text;
}

/** Tell those who cannot see the page what was read; once a stroke, not while it is drawn. */
export function speak({ text, digits }) {
  find("#spoken").textContent = text && [text, ...digits.map(describe)].join(", ");
}

/** Of a number, the digit to look at first. */
export function leastSure({ digits }) {
  const confidences = digits.map((digit) => digit.confidence);
  return Math.max(confidences.indexOf(Math.min(...confidences)), 0);
}

/** One digit is text; those of a number are buttons, to look at each. */
function showReading(text, chosen) {
  const reading = find("#reading");
  if (text.length === 1) return (reading.textContent = text);
  while (reading.children.length > text.length) reading.lastChild.remove();
  if (reading.children.length === 0) reading.textContent = "";
  while (reading.children.length < text.length) reading.append(document.createElement("button"));
  [...reading.children].forEach((button, i) => {
    button.type = "button";
    button.textContent = text[i];
    button.setAttribute("aria-pressed", i === chosen);
  });
}

/** The 784 levels of an input: the server sends them as Base64. */
export function levels(image) {
  if (image instanceof Uint8Array) return image;
  return Uint8Array.from(atob(image), (character) => character.charCodeAt(0));
}

/** Show the net's input in the page's ink on the page's paper. */
export function showSeen(image) {
  const canvas = find("#seen");
  const context = canvas.getContext("2d");
  const pixels = context.createImageData(SIZE, SIZE);
  if (image) levels(image).forEach((level, i) => (pixels.data[4 * i + 3] = level));
  context.putImageData(pixels, 0, 0);
  // The levels are opacity so far; this gives them their color.
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
