/** When the net knew: ten probabilities stacked over the time of the drawing, and a way back in it. */

import { colorsOf, make, sharpen, Sheet, spread } from "./canvas.js";
import { duration, moments, settled, until } from "../draw/timeline.js";
import { indexOfMost } from "./influence.js";
import { share } from "../recognize/result_view.js";
import { seconds } from "./wording.js";

const NOTHING = "Nothing is drawn";
const COUNT = 60;
// What is less likely than this is no reading yet.
const READ = 0.5;
// A band narrower than this, in pixels, has no label.
const LABELED = 18;

/**
 * @param {HTMLElement} root
 * @param {(strokes: number[][][]) => Float64Array} read gives the probabilities of strokes
 * @param {(moment: number | null) => void} onMoment is told the ink time that was chosen, null at the
 *   end
 */
export function attachRibbon(root, read, onMoment) {
  const canvas = make("canvas", { role: "img", "aria-label": NOTHING });
  const slider = make("input", { type: "range", min: 0, max: COUNT - 1, step: 1, value: COUNT - 1 });
  slider.setAttribute("aria-label", "Moment of the drawing");
  const story = make("p");
  let [end, rows, known] = [0, [], ""];
  let stop = () => {};
  root.append(make("h2", {}, "When did it know?"), canvas, slider, story);

  slider.addEventListener("input", () => {
    const at = Number(slider.value);
    onMoment(at === COUNT - 1 ? null : (end * at) / (COUNT - 1));
    paint();
  });

  function* readings(strokes) {
    const found = [];
    for (const moment of moments(strokes, COUNT)) {
      found.push(read(until(strokes, moment)));
      yield;
    }
    return found;
  }

  function paint() {
    const colors = colorsOf(root);
    const sheet = new Sheet(canvas, canvas.clientWidth);
    if (rows.length > 0) paintBands(sheet, canvas, rows, colors);
    const x = (canvas.clientWidth * slider.value) / (COUNT - 1);
    sheet.fill(colors.ink, 1, Math.min(x, canvas.clientWidth - 1), 0, 1, canvas.clientHeight);
    slider.setAttribute("aria-valuetext", rows.length > 0 ? inWords(rows[slider.value]) : NOTHING);
  }

  function inWords(row) {
    const best = indexOfMost(row);
    return `${seconds((end * slider.value) / (COUNT - 1))} of ${seconds(end)}: ${best}, ${share(row[best])}`;
  }

  function tell(found) {
    rows = found;
    story.textContent = storyOf(rows, end);
    canvas.setAttribute("aria-label", story.textContent);
    paint();
  }

  function forget() {
    [rows, known, story.textContent] = [[], "", ""];
    canvas.setAttribute("aria-label", NOTHING);
    paint();
  }

  return {
    /** Move to a moment of a drawing, null being its end. */
    follow(strokes, moment) {
      end = duration(strokes);
      slider.disabled = end === 0;
      const before = slider.value;
      const part = moment === null || end === 0 ? 1 : moment / end;
      slider.value = Math.round(part * (COUNT - 1));
      if (strokes.length === 0 && rows.length > 0) forget();
      if (slider.value !== before) paint();
    },

    /** Read a drawing at all its moments; `key` says what the readings depend on. */
    show(strokes, key) {
      if (key === known || strokes.length === 0) return;
      stop();
      stop = spread(readings(strokes), (found) => {
        known = key;
        tell(found);
      });
    },

    /** Give way to the pen. */
    pause: () => stop(),

    resize() {
      sharpen(canvas);
      paint();
    },
  };
}

/** The bands from 0 on top to 9, the last reading's in the accent. */
function paintBands(sheet, { clientWidth, clientHeight }, rows, colors) {
  const places = rows.map((_, i) => (clientWidth * i) / (rows.length - 1));
  const last = indexOfMost(rows.at(-1));
  let above = rows.map(() => 0);
  for (let digit = 0; digit < 10; digit++) {
    const below = above.map((height, i) => height + rows[i][digit] * clientHeight);
    const [color, opacity] = digit === last ? [colors.accent, 1] : [colors.ink, digit % 2 ? 0.3 : 0.15];
    sheet.area(color, opacity, places, above, below);
    label(sheet, digit, places, above, below, digit === last ? colors.sheet : colors.ink);
    above = below;
  }
}

/** The digit in its band, in the middle of where the band is widest, if it has room there. */
function label(sheet, digit, places, above, below, color) {
  const heights = above.map((height, i) => below[i] - height);
  const wide = heights.map((height) => height > 0.9 * Math.max(...heights));
  const start = wide.indexOf(true);
  const stop = wide.indexOf(false, start);
  const middle = Math.floor((start + (stop < 0 ? wide.length : stop) - 1) / 2);
  // Not so near an edge that half of it is cut off.
  const at = Math.min(Math.max(middle, 1), places.length - 2);
  if (heights[at] < LABELED) return;
  sheet.text(String(digit), color, 14, places[at], (above[at] + below[at]) / 2, "center");
}

function storyOf(rows, end) {
  const readings = rows.map((row) => (Math.max(...row) < READ ? null : indexOfMost(row)));
  const { reading, since, changes } = settled(readings);
  const when = `${seconds((end * since) / (COUNT - 1))} of ${seconds(end)}`;
  if (reading === null) return "It never settled on a digit.";
  if (since === 0) return `It read ${reading} from the first ink on.`;
  if (changes === 0) return `It read ${reading} after ${when} and did not change its mind.`;
  const often = changes === 1 ? "once" : `${changes} times`;
  return `It changed its mind ${often}, and read ${reading} after ${when}.`;
}
