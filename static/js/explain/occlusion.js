/** Why this digit and not that: the drawing, colored by what hiding each place would change. */

import { SIZE } from "../recognize/rasterize.js";
import { difference } from "../recognize/lenet.js";
import { colorsOf, make, sharpen, Sheet, spread } from "./canvas.js";
import { inkGrid } from "./preprocessing_steps.js";

const DIGITS = Array.from({ length: 10 }, (_, digit) => String(digit));

/**
 * @param {HTMLElement} root
 * @param {import("../recognize/lenet.js").Network} network
 */
export function attachRivals(root, network) {
  const [first, second] = ["The digit", "The other digit"].map(chooser);
  const canvas = make("canvas", { role: "img" });
  const legend = make("p");
  // The pair that somebody chose; without one, the likeliest two are shown.
  let pair = null;
  let stop = () => {};
  let [grid, logits, changes] = [null, null, null];
  root.append(make("h2", {}, "Why ", first, " and not ", second, "?"), canvas, legend);

  function chooser(label) {
    const select = make("select", { "aria-label": label });
    select.append(...DIGITS.map((digit) => make("option", { value: digit }, digit)));
    select.addEventListener("change", () => choose(select));
    return select;
  }

  /** A digit against itself says nothing: the other of the two gives way. */
  function choose(select) {
    const other = select === first ? second : first;
    if (other.value === select.value) other.value = DIGITS.find((digit) => digit !== select.value);
    pair = [first, second].map(({ value }) => Number(value));
    paint();
  }

  function paint() {
    const [colors, sheet] = [colorsOf(root), new Sheet(canvas, SIZE)];
    if (!grid) return write([]);
    inkGrid(sheet, grid, colors.ink, changes ? 0.3 : 1);
    if (!changes) return;
    const [a, b] = [first, second].map(({ value }) => Number(value));
    const map = difference(changes, a, b);
    color(sheet, map, colors);
    write(inWords(map, a, b, logits[a] - logits[b]));
  }

  function write(lines) {
    legend.replaceChildren(...lines);
    canvas.setAttribute("aria-label", legend.textContent || "Nothing is drawn");
  }

  return {
    /** Show a grid and its layers, with the map to come; with null, that nothing is drawn. */
    show(newGrid, layers) {
      stop();
      if (newGrid && grid && newGrid.every((level, i) => level === grid[i])) return;
      [grid, logits, changes] = [newGrid?.slice(), layers?.logits.slice(), null];
      if (!grid) pair = null;
      const [a, b] = pair ?? likeliest(logits ?? []);
      [first.value, second.value] = [String(a), String(b)];
      if (!grid) return paint();
      stop = spread(network.occlusion(grid), (found) => {
        changes = found;
        paint();
      });
    },

    /** Give way to the pen: whatever is not done is done later. */
    pause() {
      stop();
      if (!changes) grid = null;
    },

    resize() {
      sharpen(canvas);
      paint();
    },
  };
}

/** In the accent where hiding the ink weakens the first digit, in the other color where it helps. */
function color(sheet, map, colors) {
  const most = Math.max(...map.map(Math.abs)) || 1;
  map.forEach((change, i) => {
    const ink = change < 0 ? colors.accent : colors.against;
    sheet.fill(ink, 0.9 * (Math.abs(change) / most), i % SIZE, Math.floor(i / SIZE));
  });
}

function likeliest(logits) {
  const ranked = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
  return ranked.length ? ranked : [3, 8];
}

function inWords(map, a, b, lead) {
  const [worst, best] = [lead + Math.min(...map), lead + Math.max(...map)];
  const swatch = (side) => make("span", { className: `swatch ${side}` });
  return [
    make("span", {}, `${standing(a, b, lead)} (in logits).`),
    make("span", {}, swatch("for"), ` speaks for ${a}: with paper over it, ${standing(a, b, worst)}.`),
    make("span", {}, swatch("against"), ` speaks for ${b}: with paper over it, ${standing(a, b, best)}.`),
  ];
}

/** Who leads and by how much, in logits. */
function standing(a, b, lead) {
  return `${lead < 0 ? b : a} leads by ${Math.abs(lead).toFixed(1)}`;
}
