/** The ribbon: ten stacked probabilities over the drawing time, with a slider that rewinds the page. */

import { moments, settled } from "../draw/timeline.js";
import { formatProbability } from "../recognize/result_view.js";
import { colorsOf, createElement, Painter, runInFrames, setResolution } from "./canvas.js";
import { argmax } from "./influence.js";
import { formatSeconds } from "./wording.js";

const EMPTY = "Nothing drawn";
const MOMENT_COUNT = 60;
const LAST = MOMENT_COUNT - 1;
// A digit below this probability is not counted as a prediction.
const MIN_PROBABILITY = 0.5;
// CSS pixels.
const MIN_LABEL_HEIGHT = 16;
const MIN_LABEL_WIDTH = 10;

/**
 * @param {HTMLElement} root
 * @param {(moment: number | null) => void} onMoment receives the selected drawing time in milliseconds,
 *   null for the present
 */
export function attachRibbon(root, onMoment) {
  const canvas = createElement("canvas", { role: "img", "aria-label": EMPTY });
  const slider = createElement("input", { type: "range", min: 0, max: LAST, step: 1, value: LAST });
  slider.setAttribute("aria-label", "Drawing time");
  slider.title = "Drag to rewind the drawing";
  const summary = createElement("p", { className: "quiet small ellipsis" });
  // Samples { moment, probabilities } in the order of their moments, and the key of the drawing to
  // which complete samples belong.
  let [end, samples, key] = [0, [], ""];
  let cancel = () => {};
  root.replaceChildren(canvas, slider, summary);

  slider.addEventListener("input", () => {
    const index = Number(slider.value);
    onMoment(index === LAST ? null : (end * index) / LAST);
  });
  for (const type of ["pointerup", "pointercancel", "blur"]) {
    slider.addEventListener(type, () => Number(slider.value) < LAST && onMoment(null));
  }

  function* predictMoments(predictMoment) {
    const result = [];
    for (const moment of moments(end, MOMENT_COUNT)) {
      result.push({ moment, ...predictMoment(moment) });
      yield;
    }
    return result;
  }

  function paint() {
    const colors = colorsOf(root);
    const painter = new Painter(canvas, canvas.clientWidth);
    if (samples.length > 1) paintBands(painter, canvas.clientWidth, canvas.clientHeight, samples, colors);
    slider.setAttribute("aria-valuetext", samples.length > 0 ? describeMoment() : EMPTY);
  }

  function describeMoment() {
    const now = (end * slider.value) / LAST;
    const sample = samples.findLast(({ moment }) => moment <= now + 1) ?? samples[0];
    return `${formatSeconds(now)} of ${formatSeconds(end)}: ${describeSample(sample)}`;
  }

  function setSamples(newSamples, newKey, text) {
    [samples, key] = [newSamples, newKey];
    if (summary.textContent !== text) summary.textContent = text;
    canvas.setAttribute("aria-label", text || EMPTY);
    paint();
  }

  return {
    /** Move the slider to a moment of a drawing of this duration, null for the present. */
    follow(duration, moment) {
      end = duration;
      slider.disabled = end === 0;
      const before = slider.value;
      slider.value = moment === null || end === 0 ? LAST : Math.round((moment / end) * LAST);
      if (end === 0 && samples.length > 0) setSamples([], "", "");
      if (slider.value !== before) paint();
    },

    /** Append the probabilities of a drawing in progress. */
    record(probabilities) {
      if (end === 0) return;
      const last = samples.at(-1)?.moment ?? 0;
      // A complete ribbon is never replaced by a live one.
      if (last === end) return;
      const before = last < end ? samples : [];
      setSamples([...before, { moment: end, probabilities }], "", "");
    },

    /**
     * Predict a drawing at all moments.
     * @param {(moment: number) => {part: number, digit: number|null, probabilities: number[]}}
     *   predictMoment returns the index and the prediction of the digit that was being drawn
     * @param newKey identifies everything the predictions depend on
     */
    show(predictMoment, newKey) {
      if (newKey === key || end === 0) return;
      cancel();
      cancel = runInFrames(predictMoments(predictMoment), (result) => {
        setSamples(result, newKey, summarize(result, end));
      });
    },

    /** Stop computing while the visitor draws. */
    pause: () => cancel(),

    resize() {
      setResolution(canvas);
      paint();
    },
  };
}

/** Return the predicted digit of a sample; null for a non-digit or a low probability. */
export function digitOf({ digit, probabilities }) {
  return Math.max(...probabilities) < MIN_PROBABILITY ? null : digit;
}

/** Paint the bands from 0 at the top to 9; the newest prediction has the accent color. */
export function paintBands(painter, width, height, samples, colors) {
  const end = samples.at(-1).moment;
  // The first sample of a live ribbon may be late.
  const xs = samples.map(({ moment }, i) => (i === 0 ? 0 : (width * moment) / end));
  const predicted = argmax(samples.at(-1).probabilities);
  let upper = xs.map(() => 0);
  for (let digit = 0; digit < 10; digit++) {
    const lower = upper.map((y, i) => y + samples[i].probabilities[digit] * height);
    const isPredicted = digit === predicted;
    const [color, opacity] = isPredicted ? [colors.accent, 1] : [colors.ink, digit % 2 ? 0.24 : 0.12];
    painter.area(color, opacity, xs, upper, lower);
    paintLabel(painter, digit, xs, upper, lower, isPredicted ? colors.surface : colors.ink);
    upper = lower;
  }
}

/** Label a band in the middle of its highest part, if there is room. */
function paintLabel(painter, digit, xs, upper, lower, color) {
  const heights = upper.map((y, i) => lower[i] - y);
  const threshold = 0.9 * Math.max(...heights);
  if (threshold < MIN_LABEL_HEIGHT) return;
  const start = heights.findIndex((height) => height > threshold);
  const length = heights.slice(start).findIndex((height) => height <= threshold);
  const stop = length < 0 ? heights.length - 1 : start + length - 1;
  if (xs[stop] - xs[start] < MIN_LABEL_WIDTH) return;
  const middle = (start + stop) >> 1;
  const [x, y] = [(xs[start] + xs[stop]) / 2, (upper[middle] + lower[middle]) / 2];
  painter.text(String(digit), color, 14, x, y, "center");
}

/** Describe the prediction at a moment; samples of a drawing in progress have no digit. */
export function describeSample({ digit, probabilities }) {
  if (digit === null) return "not a digit";
  const predicted = argmax(probabilities);
  return `${predicted}, ${formatProbability(probabilities[predicted])}`;
}

/** Describe when the prediction of the digit drawn last stopped changing. */
export function summarize(samples, end) {
  // The last one may be a mark.
  const { part } = samples.findLast(({ digit }) => digit !== null) ?? samples.at(-1);
  const own = samples.filter((sample) => sample.part === part);
  const isNumber = own.length < samples.length;
  const subject = isNumber ? `Digit ${part + 1} looks like` : "Prediction";
  const { prediction, since, changes } = settled(own.map(digitOf));
  if (prediction === null) return "The prediction never settled.";
  if (since === 0) return `${subject} ${prediction} from the start.`;
  const time = `${formatSeconds(own[since].moment)} of ${formatSeconds(end)}`;
  const times = { 0: "without changes", 1: "after 1 change" }[changes] ?? `after ${changes} changes`;
  return `${subject} ${prediction} from ${time}${isNumber ? "" : `, ${times}`}.`;
}
