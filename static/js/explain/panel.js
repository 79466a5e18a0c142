/** The explainer: shows in the page how its model predicts the selected digit, and when. */

import { onColorChange } from "../draw/paint.js";
import { duration } from "../draw/timeline.js";
import { rasterize } from "../recognize/rasterize.js";
import { formatProbability } from "../recognize/result_view.js";
import { createElement } from "./canvas.js";
import { argmax } from "./influence.js";
import { attachLegend } from "./legend.js";
import { newestPart, partsUntil, predictPart, predictParts } from "./moments.js";
import { attachNetwork } from "./network_view.js";
import { attachOcclusion } from "./occlusion.js";
import { attachPreprocessing } from "./preprocessing_steps.js";
import { attachRibbon } from "./ribbon.js";

// Milliseconds without changes before slow computations and announcements start.
const REST_DELAY = 150;
const STEPS_HINT = "Switch steps off to see their effect.";
const PICTURE_HINT = "The server separates the ink from the paper.";
const EMPTY = "Draw a digit to see its way through the network.";
const UNIT_HINT = "Point at a unit, or use the arrow keys, to see its contributions.";

/**
 * Fill elements with the explainer: the strip of layers, the line that describes a unit, the ribbon, and
 * the panel with its div. The session has loaded a model, and replaces it after a promotion.
 *
 * getInput() returns all strokes, those of each digit (parts), the predicted digits, the index of the
 * selected one and the side of the pad; of a picture its 784 levels (grid), itself and the box of the
 * digit in it; and whether the strokes are not the drawing's own (isPreview). onMoment(moment) receives the
 * drawing time that the visitor selects on the ribbon, null for the present;
 * onPast(prediction, selected) the prediction at that moment.
 */
export function attachExplainer(elements, { session, getInput, onMoment, onPast }) {
  let { recognizer } = session;
  const getNetwork = () => recognizer.network;
  const { details, layers: layersRoot, unit, ribbon: ribbonRoot } = elements;
  const root = details.querySelector("div");
  const [legendRoot, stepsRoot, occlusionRoot] = ["legend", "steps", "occlusion"].map((className) =>
    createElement("section", { className }),
  );
  root.replaceChildren(legendRoot, stepsRoot, occlusionRoot);

  let [layers, levels, unitText, restTimer, moment] = [null, null, null, 0, null];
  const steps = attachPreprocessing(stepsRoot, schedule);
  const legend = attachLegend(legendRoot, getNetwork);
  const networkView = attachNetwork(layersRoot, getNetwork, onSelect);
  const occlusion = attachOcclusion(occlusionRoot, getNetwork);
  const ribbon = attachRibbon(ribbonRoot, onMoment);

  let frame = 0;
  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      followPromotion();
      update(getInput());
    });
  }

  function followPromotion() {
    if (!session.recognizer || session.recognizer === recognizer) return;
    recognizer = session.recognizer;
    occlusion.discard();
  }

  /** Stop slow computations, and cancel the timer that starts them. */
  function pause() {
    clearTimeout(restTimer);
    occlusion.pause();
    ribbon.pause();
  }

  function update(input) {
    pause();
    const parts = moment === null ? input.parts : partsUntil(input.parts, input.strokes, moment);
    const isPast = moment !== null || input.isPreview;
    const newest = newestPart(parts);
    const strokes = parts[isPast ? newest : input.selected] ?? [];
    showLayers(strokes, input);
    ribbon.follow(duration(input.strokes), moment);
    if (moment === null && layers && newest >= 0 && !input.grid) {
      const isShown = newest === input.selected && recognizer.memory.size === 0;
      ribbon.record(isShown ? [...layers.probabilities] : recognizer.predictDigit(parts[newest]).probabilities);
    }
    if (isPast && layers) {
      const past = predictParts(recognizer, parts, input.digits);
      onPast(past.prediction, past.selected);
    }
    restTimer = setTimeout(onRest, REST_DELAY, input, strokes);
  }

  function showLayers(strokes, { grid, side, picture, box }) {
    const isOpen = details.open;
    ribbonRoot.inert = Boolean(grid);
    levels = grid ?? (isOpen ? steps.show(strokes, side) : rasterize(strokes));
    layers = levels.some((level) => level > 0) ? recognizer.network.run(levels, layers ?? undefined) : null;
    networkView.show(layers, levels);
    describe();
    stepsRoot.classList.toggle("reserved", Boolean(grid) && !box);
    if (isOpen && grid && box) steps.showPicture(picture, box, levels);
    if (isOpen) describeSteps(strokes, grid);
    if (!layers) occlusion.show(null);
  }

  function onRest({ strokes, parts, digits, side, isPreview }) {
    networkView.update();
    if (details.open) occlusion.show(layers && levels, layers);
    if (moment !== null || isPreview || strokes.length === 0) return;
    const predictMoment = (time) => {
      const then = partsUntil(parts, strokes, time);
      const part = newestPart(then);
      return { part, ...predictPart(recognizer, then[part], part, digits) };
    };
    const verdicts = digits.map(({ verdict }) => verdict);
    ribbon.show(predictMoment, JSON.stringify([recognizer.version, recognizer.memory.revision, parts, verdicts, side]));
  }

  /** Compare the prediction with the one that all steps give. */
  function describeSteps(strokes, grid) {
    const current = layers ? `Prediction: ${describePrediction(layers.probabilities)}` : "";
    if (grid) return steps.describe(`${current}${current && ". "}${PICTURE_HINT}`);
    if (!layers || steps.isComplete) return steps.describe(`${current}${current && ". "}${STEPS_HINT}`);
    steps.describe(`${current}; with all steps: ${describePrediction(recognizer.network.run(rasterize(strokes)).probabilities)}.`);
  }

  function onSelect(selected, text) {
    describe(text);
    if (details.open) legend.show(selected);
  }

  function describe(text = unitText) {
    unitText = text;
    const shown = layers ? (text ?? UNIT_HINT) : EMPTY;
    if (unit.textContent !== shown) unit.textContent = shown;
  }

  function resize() {
    for (const part of [legend, steps, networkView, occlusion, ribbon]) part.resize();
    schedule();
  }

  const observer = new ResizeObserver(resize);
  for (const element of [root, layersRoot, ribbonRoot]) observer.observe(element);
  onColorChange(resize);
  for (const element of [root, layersRoot]) element.addEventListener("keydown", keepEscape);
  describe();
  resize();

  return {
    refresh: schedule,
    showMoment(newMoment) {
      moment = newMoment;
      schedule();
    },
  };
}

/** On the page, Escape clears the drawing; here it leaves a unit or a list of digits. */
function keepEscape(event) {
  if (event.key === "Escape") event.stopPropagation();
}

function describePrediction(probabilities) {
  const digit = argmax([...probabilities]);
  return `${digit} (${formatProbability(probabilities[digit])})`;
}
