/** Numbers and units of the network in words. */

import { share } from "../recognize/result_view.js";
import { nameOf, PLAN } from "./layout.js";

/** A number with two decimals and a true minus. */
export const number = (value) => value.toFixed(2).replace("-", "−");

export const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(1)} s`;

/** A unit, its value, and what feeds it most for and against: one sentence or two. */
export function describe(network, { layers, grid }, name, unit) {
  const what = capital(nameOf(PLAN[name], unit));
  if (name === "input") return `${what}: ${grid[unit]} of 255.`;
  const { from, contributions } = network.feeds(layers, name, unit);
  const value = number(layers[name][unit]);
  const said = name === "logits" ? `${share(layers.probabilities[unit])}, logit ${value}` : value;
  return `${what}: ${said}. ${sources(PLAN[from], contributions)}`;
}

function sources(layer, contributions) {
  const [most, least] = [Math.max(...contributions), Math.min(...contributions)];
  const source = (value) => nameOf(layer, contributions.indexOf(value));
  const words = [
    most > 0 && `fed most by ${source(most)} (+${number(most)})`,
    least < 0 && `held back most by ${source(least)} (${number(least)})`,
  ];
  return `${capital(words.filter(Boolean).join("; ") || "nothing feeds it")}.`;
}

const capital = (text) => text[0].toUpperCase() + text.slice(1);
