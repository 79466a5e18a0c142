/** Prediction over time: ten stacked probabilities over the drawing time, with a slider. */

import { duration, moments, settled, strokesUntil } from "../draw/timeline.js";
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
const MIN_LABEL_HEIGHT = 18;

/**
 * @param {HTMLElement} root
 * @param {(strokes: number[][][]) => Float64Array} predict returns the probabilities of strokes
 * @param {(moment: number | null) => void} onMoment receives the selected drawing time, null at the end
 */
export function attachRibbon(root, predict, onMoment) {
  const canvas = createElement("canvas", { role: "img", "aria-label": EMPTY });
  const slider = createElement("input", { type: "range", min: 0, max: LAST, step: 1, value: LAST });
  slider.setAttribute("aria-label", "Drawing time");
  const summary = createElement("p");
  // One row of probabilities per moment, and the key of the drawing they belong to.
  let [end, rows, rowsKey] = [0, [], ""];
  let cancel = () => {};
  root.append(createElement("h2", {}, "Prediction over time"), canvas, slider, summary);

  slider.addEventListener("input", () => {
    const index = Number(slider.value);
    onMoment(index === LAST ? null : (end * index) / LAST);
    paint();
  });

  function* predictMoments(strokes) {
    const result = [];
    for (const moment of moments(strokes, MOMENT_COUNT)) {
      result.push(predict(strokesUntil(strokes, moment)));
      yield;
    }
    return result;
  }

  function paint() {
    const colors = colorsOf(root);
    const painter = new Painter(canvas, canvas.clientWidth);
    if (rows.length > 0) paintBands(painter, canvas, rows, colors);
    const x = (canvas.clientWidth * slider.value) / LAST;
    painter.fill(colors.ink, 1, Math.min(x, canvas.clientWidth - 1), 0, 1, canvas.clientHeight);
    slider.setAttribute("aria-valuetext", rows.length > 0 ? describeMoment(rows[slider.value]) : EMPTY);
  }

  function describeMoment(row) {
    const digit = argmax(row);
    const time = formatSeconds((end * slider.value) / LAST);
    return `${time} of ${formatSeconds(end)}: ${digit}, ${formatProbability(row[digit])}`;
  }

  function setRows(newRows, key) {
    [rows, rowsKey] = [newRows, key];
    summary.textContent = rows.length > 0 ? summarize(rows, end) : "";
    canvas.setAttribute("aria-label", summary.textContent || EMPTY);
    paint();
  }

  return {
    /** Move the slider to a moment of a drawing, null for the end. */
    follow(strokes, moment) {
      end = duration(strokes);
      slider.disabled = end === 0;
      const before = slider.value;
      const fraction = moment === null || end === 0 ? 1 : moment / end;
      slider.value = Math.round(fraction * LAST);
      if (strokes.length === 0 && rows.length > 0) setRows([], "");
      if (slider.value !== before) paint();
    },

    /** Predict a drawing at all moments; `key` identifies everything the predictions depend on. */
    show(strokes, key) {
      if (key === rowsKey || strokes.length === 0) return;
      cancel();
      cancel = runInFrames(predictMoments(strokes), (result) => setRows(result, key));
    },

    /** Stop computing while the visitor draws. */
    pause: () => cancel(),

    resize() {
      setResolution(canvas);
      paint();
    },
  };
}

/** Paint the bands from 0 at the top to 9; the final prediction has the accent color. */
function paintBands(painter, { clientWidth, clientHeight }, rows, colors) {
  const xs = rows.map((_, i) => (clientWidth * i) / (rows.length - 1));
  const predicted = argmax(rows.at(-1));
  let upper = rows.map(() => 0);
  for (let digit = 0; digit < 10; digit++) {
    const lower = upper.map((y, i) => y + rows[i][digit] * clientHeight);
    const isPredicted = digit === predicted;
    const [color, opacity] = isPredicted ? [colors.accent, 1] : [colors.ink, digit % 2 ? 0.3 : 0.15];
    painter.area(color, opacity, xs, upper, lower);
    paintLabel(painter, digit, xs, upper, lower, isPredicted ? colors.surface : colors.ink);
    upper = lower;
  }
}

/** Label a band in the middle of its highest part, if there is room. */
function paintLabel(painter, digit, xs, upper, lower, color) {
  const heights = upper.map((y, i) => lower[i] - y);
  const threshold = 0.9 * Math.max(...heights);
  const start = heights.findIndex((height) => height > threshold);
  if (start < 0) return;
  const length = heights.slice(start).findIndex((height) => height <= threshold);
  const stop = length < 0 ? heights.length : start + length;
  // At the edges the label would be cut off.
  const index = Math.min(Math.max(Math.floor((start + stop - 1) / 2), 1), xs.length - 2);
  if (heights[index] < MIN_LABEL_HEIGHT) return;
  painter.text(String(digit), color, 14, xs[index], (upper[index] + lower[index]) / 2, "center");
}

function summarize(rows, end) {
  const predictions = rows.map((row) => (Math.max(...row) < MIN_PROBABILITY ? null : argmax(row)));
  const { prediction, since, changes } = settled(predictions);
  const time = `${formatSeconds((end * since) / LAST)} of ${formatSeconds(end)}`;
  if (prediction === null) return "The prediction never settled.";
  if (since === 0) return `The prediction was ${prediction} from the start.`;
  if (changes === 0) return `The prediction was ${prediction} from ${time} and did not change.`;
  const times = changes === 1 ? "once" : `${changes} times`;
  return `The prediction changed ${times} and was ${prediction} from ${time}.`;
}
