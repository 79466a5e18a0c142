/** The network panel: shows in the page how the serving model predicts the selected digit. */

import { strokesUntil } from "../draw/timeline.js";
import { fetchLeNet } from "../recognize/lenet.js";
import { rasterize } from "../recognize/rasterize.js";
import { formatProbability } from "../recognize/result_view.js";
import { createElement } from "./canvas.js";
import { argmax } from "./influence.js";
import { attachNetwork } from "./network_view.js";
import { attachOcclusion } from "./occlusion.js";
import { attachPreprocessing } from "./preprocessing_steps.js";
import { attachRibbon } from "./ribbon.js";

// Milliseconds without changes before slow computations and announcements start.
const REST_DELAY = 150;
const STEPS_HINT = "Switch steps off to see their effect.";
const EMPTY = "Draw a digit to see its way through the network.";
const UNIT_HINT = "Point at a unit, or move through a layer with the arrow keys, to see its contributions.";

/**
 * Fill an element with the panel. Rejects if the model cannot be fetched, after showing the error.
 * @param {HTMLElement} root
 * @param {{modelUrl: string, onMoment: (strokes: number[][][] | null) => void}} options onMoment
 *   receives the strokes at the moment selected on the slider, null at the end
 * @returns {Promise<{version: string, show: (input: {strokes?: number[][][], side?: number,
 *   grid?: Uint8Array, moment?: number | null}) => void}>} show takes the strokes of one digit and
 *   the side of their pad in CSS pixels, or the 784 levels of a picture; cheap to call often
 */
export async function attachPanel(root, { modelUrl, onMoment }) {
  root.replaceChildren(createElement("p", { className: "quiet" }, "Loading the network…"));
  try {
    return createPanel(root, await fetchLeNet(modelUrl), onMoment);
  } catch (error) {
    const message = `The network could not be loaded. ${error.message} Close and open this panel to retry.`;
    root.replaceChildren(createElement("p", { className: "quiet" }, message));
    throw error;
  }
}

function createPanel(root, network, onMoment) {
  const [stepsRoot, layersRoot, occlusionRoot, ribbonRoot] = ["steps", "layers", "occlusion", "ribbon"].map(
    (className) => createElement("section", { className }),
  );
  const description = createElement("p", { className: "description", role: "status" });
  root.replaceChildren(stepsRoot, layersRoot, description, occlusionRoot, ribbonRoot);

  let input = { strokes: [], side: 1, grid: null, moment: null };
  let [layers, levels, unitText, restTimer] = [null, null, null, 0];
  const predict = (grid) => network.run(grid).probabilities;
  const steps = attachPreprocessing(stepsRoot, schedule);
  const networkView = attachNetwork(layersRoot, network, describe);
  const occlusion = attachOcclusion(occlusionRoot, network);
  const ribbon = attachRibbon(
    ribbonRoot,
    (strokes) => predict(steps.rasterize(strokes, input.side)),
    (moment) => {
      input.moment = moment;
      onMoment(moment === null ? null : visibleStrokes());
      schedule();
    },
  );

  let frame = 0;
  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      update();
    });
  }

  function update() {
    clearTimeout(restTimer);
    occlusion.pause();
    ribbon.pause();
    const strokes = visibleStrokes();
    levels = input.grid ?? steps.show(strokes, input.side);
    layers = levels.some((level) => level > 0) ? network.run(levels, layers ?? undefined) : null;
    networkView.show(layers, levels);
    compareSteps(strokes);
    ribbon.follow(input.strokes, input.moment);
    if (!layers) occlusion.show(null);
    restTimer = setTimeout(onRest, REST_DELAY);
  }

  function visibleStrokes() {
    return input.moment === null ? input.strokes : strokesUntil(input.strokes, input.moment);
  }

  function onRest() {
    networkView.update();
    occlusion.show(layers && levels, layers);
    const { strokes, side } = input;
    ribbon.show(strokes, JSON.stringify([strokes, side, steps.selected]));
  }

  /** Compare the prediction with the one that all steps give. */
  function compareSteps(strokes) {
    const current = layers ? `Prediction: ${describePrediction(layers.probabilities)}` : "";
    if (!layers || steps.isComplete) return steps.describe(`${current}${current && ". "}${STEPS_HINT}`);
    const complete = describePrediction(predict(rasterize(strokes)));
    steps.describe(`${current}; with all steps: ${complete}.`);
  }

  function describe(text = unitText) {
    unitText = text;
    const shown = layers ? (text ?? UNIT_HINT) : EMPTY;
    if (description.textContent !== shown) description.textContent = shown;
  }

  let width = 0;
  function onResize() {
    if (root.clientWidth !== width) resize();
    width = root.clientWidth;
  }

  function resize() {
    for (const part of [steps, networkView, occlusion, ribbon]) part.resize();
    schedule();
  }

  new ResizeObserver(onResize).observe(root);
  for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
    matchMedia(query).addEventListener("change", resize);
  }
  root.addEventListener("keydown", (event) => {
    // On the page, Escape clears the drawing; here it leaves a unit or a list of digits.
    if (event.key === "Escape") event.stopPropagation();
  });
  describe();
  onResize();

  return {
    version: network.version,
    show({ strokes = [], side = 1, grid = null, moment = null }) {
      input = { strokes, side, grid, moment };
      const isShownAgain = stepsRoot.hidden && grid === null;
      stepsRoot.hidden = ribbonRoot.hidden = grid !== null;
      // Hidden canvases have no size.
      if (isShownAgain) resize();
      else schedule();
    },
  };
}

function describePrediction(probabilities) {
  const digit = argmax(probabilities);
  return `${digit} (${formatProbability(probabilities[digit])})`;
}
