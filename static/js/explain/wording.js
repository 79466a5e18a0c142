/** Numbers and units of the network as text. */

import { formatProbability } from "../recognize/result_view.js";
import { LAYOUT, unitName } from "./layout.js";

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
