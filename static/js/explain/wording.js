/** Layers, units and numbers of the network as text. */

import { formatProbability } from "../recognize/result_view.js";
import { LAYOUT, unitName } from "./unit_positions.js";

/** Plain name and explanation of each layer. */
export const LAYER_TEXTS = {
  input: {
    title: "Pixels",
    about: "The digit, scaled to 20 pixels and centered by its mass in 28 × 28 pixels.",
  },
  maps1: {
    title: "Small patterns",
    about:
      "Each of the 6 maps slides its own kernel over the pixels. A unit keeps the largest of four " +
      "neighboring sums; a sum below 0 becomes 0.",
  },
  maps2: {
    title: "Larger patterns",
    about:
      "Each of the 16 maps combines the 6 maps on its left with one kernel for each. " +
      "A unit depends on 16 × 16 pixels.",
  },
  dense1: {
    title: "Features",
    about: "Each unit adds up all 256 units of the 16 maps, each with its own weight.",
  },
  dense2: { title: "Summary", about: "Each unit adds up the 120 features, each with its own weight." },
  logits: {
    title: "Digits",
    about: "Each digit adds up the summary with its own weights. The sums (logits) become probabilities.",
  },
};

export const OVERVIEW = "Each square is a unit: a number computed from the layer on its left.";

/** Format a number with two decimals and a minus sign. */
export const formatNumber = (value) => value.toFixed(2).replace("-", "−");

export const formatSeconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

/** Describe a unit, its value and its largest contributions. */
export function describeUnit(network, { layers, grid }, name, unit) {
  const title = capitalize(unitName(LAYOUT[name], unit));
  if (name === "input") return `${title}: ${grid[unit]} of 255.`;
  const { from, contributions } = network.contributions(layers, name, unit);
  const value = formatNumber(layers[name][unit]);
  const probability = name === "logits" ? `${formatProbability(layers.probabilities[unit])}, logit ` : "";
  return `${title}: ${probability}${value}. ${describeContributions(LAYOUT[from], contributions)}`;
}

function describeContributions(layer, contributions) {
  const [largest, smallest] = [Math.max(...contributions), Math.min(...contributions)];
  const source = (value) => unitName(layer, contributions.indexOf(value));
  const parts = [];
  if (largest > 0) parts.push(`${source(largest)} (+${formatNumber(largest)})`);
  if (smallest < 0) parts.push(`${source(smallest)} (${formatNumber(smallest)})`);
  return parts.length ? `Strongest contributions: ${parts.join("; ")}.` : "No contributions.";
}

const capitalize = (text) => text[0].toUpperCase() + text.slice(1);
