/** The panel in which people see the network think: it runs in the page, on the model that serves. */

import { draw } from "../recognize/rasterize.js";
import { fetchNetwork } from "../recognize/lenet.js";
import { make } from "./canvas.js";
import { attachRibbon } from "./ribbon.js";
import { attachRivals } from "./occlusion.js";
import { attachSteps } from "./preprocessing_steps.js";
import { until } from "../draw/timeline.js";
import { indexOfMost } from "./influence.js";
import { attachUnfolded } from "./network_view.js";
import { share } from "../recognize/result_view.js";

// What takes longer than a frame waits until the pen has rested so long (milliseconds).
const REST = 150;
const SWITCH = "Switch steps off to see what they are good for.";
const EMPTY = "Draw a digit, and this is where you see it think.";
const HINT = "Point at a unit, or go through a layer with the arrow keys, to see what feeds it.";

/**
 * Fill an element with the panel. Rejects when the model cannot be had, after saying so there.
 * @param {HTMLElement} root
 * @param {{model: string, onMoment?: (moment: number | null, strokes: number[][][] | null) => void}} of
 *   the address of the model file; onMoment is told when another moment of the drawing is looked at,
 *   in milliseconds of ink time, and the strokes as they were then; null and null at its end.
 * @returns {Promise<{version: string, show: (shown: {strokes?: number[][][], pad?: number, grid?: Uint8Array,
 *   moment?: number | null}) => void}>} show takes the strokes of one digit and the side of their
 *   pad, both in CSS pixels, or the 784 levels of a picture; it may be called as often as one likes.
 */
export async function attachPanel(root, { model, onMoment = () => {} }) {
  const network = await open(root, model);
  return attach(root, network, onMoment);
}

async function open(root, model) {
  root.replaceChildren(make("p", { className: "quiet" }, "Fetching the network…"));
  try {
    return await fetchNetwork(model);
  } catch (error) {
    const sorry = `The network could not be fetched. ${error.message} Open this again to try again.`;
    root.replaceChildren(make("p", { className: "quiet" }, sorry));
    throw error;
  }
}

function attach(root, network, onMoment) {
  const part = (className) => make("section", { className });
  const [how, net, why, when] = ["steps", "network", "rivals", "moments"].map(part);
  const said = make("p", { className: "said", role: "status" });
  root.replaceChildren(how, net, said, why, when);

  let shown = { strokes: [], pad: 1, grid: null, moment: null };
  let [layers, levels, chosenText, rest] = [null, null, null, 0];
  const steps = attachSteps(how, schedule);
  const unfolded = attachUnfolded(net, network, say);
  const rivals = attachRivals(why, network);
  const probabilities = (grid) => network.run(grid).probabilities;
  const ribbon = attachRibbon(when, (strokes) => probabilities(steps.draw(strokes, shown.pad)), goTo);

  function goTo(moment) {
    shown.moment = moment;
    onMoment(moment, moment === null ? null : until(shown.strokes, moment));
    schedule();
  }

  let frame = 0;
  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      const start = performance.now();
      update();
      performance.measure("think", { start, end: performance.now() });
    });
  }

  function update() {
    pause();
    const strokes = visibleStrokes();
    levels = shown.grid ?? steps.show(strokes, shown.pad);
    layers = levels.some((level) => level > 0) ? network.run(levels, layers ?? undefined) : null;
    unfolded.show(layers, levels);
    compare(strokes);
    ribbon.follow(shown.strokes, shown.moment);
    if (!layers) rivals.show(null);
    rest = setTimeout(settle, REST);
  }

  /** The strokes at the moment that is looked at. */
  function visibleStrokes() {
    return shown.moment === null ? shown.strokes : until(shown.strokes, shown.moment);
  }

  function pause() {
    clearTimeout(rest);
    rivals.pause();
    ribbon.pause();
  }

  /** The pen rests: what takes longer, and what is said aloud. */
  function settle() {
    unfolded.settle();
    rivals.show(layers && levels, layers);
    const { strokes, pad } = shown;
    ribbon.show(strokes, JSON.stringify([strokes, pad, steps.chosen]));
  }

  /** What leaving steps out does to the reading. */
  function compare(strokes) {
    const now = layers ? `It reads ${reading(layers.probabilities)}` : "";
    if (!layers || steps.whole) return steps.say(`${now}${now && ". "}${SWITCH}`);
    steps.say(`${now}; with every step, ${reading(probabilities(draw(strokes)))}.`);
  }

  function say(text = chosenText) {
    chosenText = text;
    const now = layers ? (text ?? HINT) : EMPTY;
    if (said.textContent !== now) said.textContent = now;
  }

  let width = 0;
  function follow() {
    if (root.clientWidth !== width) resize();
    width = root.clientWidth;
  }

  function resize() {
    for (const one of [steps, unfolded, rivals, ribbon]) one.resize();
    schedule();
  }

  new ResizeObserver(follow).observe(root);
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", resize);
  }
  root.addEventListener("keydown", (event) => {
    // Elsewhere on the page it clears the drawing; here it leaves a unit, or a list of digits.
    if (event.key === "Escape") event.stopPropagation();
  });
  say();
  follow();

  return {
    version: network.facts.version,
    show({ strokes = [], pad = 1, grid = null, moment = null }) {
      shown = { strokes: strokes ?? [], pad, grid, moment };
      const comesBack = how.hidden && grid === null;
      how.hidden = when.hidden = grid !== null;
      // Hidden, it had no size to follow.
      if (comesBack) resize();
      else schedule();
    },
  };
}

function reading(probabilities) {
  const best = indexOfMost(probabilities);
  return `${best} (${share(probabilities[best])})`;
}
