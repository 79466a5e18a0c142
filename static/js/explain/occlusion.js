/** Comparison of two digits: the drawing, colored by the effect of occluding each pixel. */

import { logitDifference } from "../recognize/lenet.js";
import { SIZE } from "../recognize/rasterize.js";
import { rank } from "../recognize/result_view.js";
import { colorsOf, createElement, Painter, runInFrames, setResolution } from "./canvas.js";
import { paintGrid } from "./preprocessing_steps.js";

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));
// Shown while nothing is drawn: a pair that is often confused.
const DEFAULT_PAIR = [3, 8];

/**
 * @param {HTMLElement} root
 * @param {() => import("../recognize/lenet.js").LeNet} getNetwork
 */
export function attachOcclusion(root, getNetwork) {
  const [first, second] = ["First digit", "Second digit"].map(createSelect);
  const canvas = createElement("canvas", { role: "img" });
  const legend = createElement("p");
  // The pair selected by the visitor; null shows the two most probable digits.
  let selectedPair = null;
  let cancel = () => {};
  let [grid, logits, changes] = [null, null, null];
  root.append(createElement("h2", {}, "Why ", first, " and not ", second, "?"), canvas, legend);

  function createSelect(label) {
    const select = createElement("select", { "aria-label": label });
    select.append(...DIGITS.map((digit) => createElement("option", { value: digit }, digit)));
    select.addEventListener("change", () => onSelect(select));
    return select;
  }

  /** Keep the two digits different by changing the other one. */
  function onSelect(select) {
    const other = select === first ? second : first;
    if (other.value === select.value) other.value = DIGITS.find((digit) => digit !== select.value);
    selectedPair = pair();
    paint();
  }

  function pair() {
    return [Number(first.value), Number(second.value)];
  }

  function paint() {
    const [colors, painter] = [colorsOf(root), new Painter(canvas, SIZE)];
    if (!grid) return showLegend([]);
    paintGrid(painter, grid, colors.ink, changes ? 0.3 : 1);
    if (!changes) return;
    const [a, b] = pair();
    const differences = logitDifference(changes, a, b);
    paintDifferences(painter, differences, colors);
    showLegend(describe(differences, a, b, logits[a] - logits[b]));
  }

  function showLegend(lines) {
    legend.replaceChildren(...lines);
    canvas.setAttribute("aria-label", legend.textContent || "Nothing drawn");
  }

  return {
    /** Show a grid now and its occlusion later; null shows an empty canvas. */
    show(newGrid, layers) {
      cancel();
      if (newGrid && grid && newGrid.every((level, i) => level === grid[i])) return;
      [grid, logits, changes] = [newGrid?.slice(), layers?.logits.slice(), null];
      if (!grid) selectedPair = null;
      [first.value, second.value] = selectedPair ?? (logits ? rank(logits).slice(0, 2) : DEFAULT_PAIR);
      if (!grid) return paint();
      cancel = runInFrames(getNetwork().occlusion(grid), (result) => {
        changes = result;
        paint();
      });
    },

    /** Compute again in the next `show`: the model has changed. Keeps the selected digits. */
    discard() {
      cancel();
      grid = null;
    },

    /** Stop computing while the visitor draws. */
    pause() {
      cancel();
      if (!changes) grid = null;
    },

    resize() {
      setResolution(canvas);
      paint();
    },
  };
}

/** Paint where occlusion weakens the first digit (accent) and where it strengthens it (negative). */
function paintDifferences(painter, differences, colors) {
  const largest = Math.max(...differences.map(Math.abs)) || 1;
  differences.forEach((difference, i) => {
    const color = difference < 0 ? colors.accent : colors.negative;
    const opacity = 0.9 * (Math.abs(difference) / largest);
    painter.fill(color, opacity, i % SIZE, Math.floor(i / SIZE));
  });
}

function describe(differences, a, b, lead) {
  const [smallest, largest] = [lead + Math.min(...differences), lead + Math.max(...differences)];
  const line = (...content) => createElement("span", {}, ...content);
  const swatch = (sign) => createElement("span", { className: `swatch ${sign}` });
  return [
    line(`${describeLead(a, b, lead)} (in logits).`),
    line(swatch("positive"), ` supports ${a}: without it, ${describeLead(a, b, smallest)}.`),
    line(swatch("negative"), ` supports ${b}: without it, ${describeLead(a, b, largest)}.`),
  ];
}

function describeLead(a, b, lead) {
  return `${lead < 0 ? b : a} leads by ${Math.abs(lead).toFixed(1)}`;
}
