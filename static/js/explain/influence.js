/** Units with the largest contributions: to one unit, and to the prediction through all layers. */

import { LAYERS } from "./unit_positions.js";

// Limits of the traced paths: units per layer and contributions per unit.
const [MAX_UNITS, MAX_CONTRIBUTIONS] = [5, 3];

export const argmax = (values) => values.indexOf(Math.max(...values));

/** Return the indices of the largest positive values in descending order. */
export function strongest(values, count) {
  const best = [];
  // Faster than sorting: called for every unit of the traced paths in each frame.
  for (let i = 0; i < values.length; i++) {
    if (values[i] <= 0 || (best.length === count && values[i] <= values[best[count - 1]])) continue;
    const place = best.findIndex((other) => values[other] < values[i]);
    best.splice(place < 0 ? best.length : place, 0, i);
    best.length = Math.min(best.length, count);
  }
  return best;
}

/**
 * Follow the strongest contributions from the predicted digit back to the input.
 * @returns {{from: [string, number], to: [string, number], weight: number}[]} edges between units
 *   [layer, index]; the strongest edge of each layer has weight 1
 */
export function tracePrediction(network, layers) {
  let units = [argmax(layers.probabilities)];
  return LAYERS.slice(1).reverse().flatMap((name) => {
    const edges = units.flatMap((unit) => incomingEdges(network, layers, name, unit));
    edges.sort((a, b) => b.strength - a.strength);
    units = [...new Set(edges.map(({ from }) => from[1]))].slice(0, MAX_UNITS);
    return edges.map(({ from, to, strength }) => ({ from, to, weight: strength / edges[0].strength }));
  });
}

function incomingEdges(network, layers, name, unit) {
  const { from, contributions } = network.contributions(layers, name, unit);
  return strongest(contributions, MAX_CONTRIBUTIONS).map((source) => ({
    from: [from, source],
    to: [name, unit],
    strength: contributions[source],
  }));
}
