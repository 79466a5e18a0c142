/** Which units had the most to say: of one unit, and of the answer all the way back. */

import { LAYERS } from "./layout.js";

// Of the answer's way back: units followed in a layer, and feeds followed from each.
const [UNITS, FEEDS] = [5, 3];

export const indexOfMost = (values) => values.indexOf(Math.max(...values));

/** Where the largest values above zero are, largest first. */
export function strongest(values, count) {
  const positive = [...values.keys()].filter((i) => values[i] > 0);
  return positive.sort((a, b) => values[b] - values[a]).slice(0, count);
}

/**
 * The strongest feeds of the strongest feeds of the answer, back to the input.
 * @returns {{from: [string, number], to: [string, number], weight: number}[]} edges between units as
 *   [layer, unit], the strongest of each layer with weight 1
 */
export function trace(network, layers) {
  let units = [indexOfMost(layers.probabilities)];
  return LAYERS.slice(1).reverse().flatMap((name) => {
    const edges = units.flatMap((unit) => feedsOf(network, layers, name, unit));
    edges.sort((a, b) => b.strength - a.strength);
    units = [...new Set(edges.map(({ from }) => from[1]))].slice(0, UNITS);
    return edges.map(({ from, to, strength }) => ({ from, to, weight: strength / edges[0].strength }));
  });
}

function feedsOf(network, layers, name, unit) {
  const { from, contributions } = network.feeds(layers, name, unit);
  return strongest(contributions, FEEDS).map((source) => ({
    from: [from, source],
    to: [name, unit],
    strength: contributions[source],
  }));
}
