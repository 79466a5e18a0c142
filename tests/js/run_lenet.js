/** Run the LeNet of the page: node run_lenet.js MODEL < JSON list of lists of 784 levels. */

import { readFileSync } from "node:fs";

import { LeNet } from "../../static/js/recognize/lenet.js";

const network = new LeNet(readFileSync(process.argv[2]));
const names = ["probabilities", "logits", "maps1", "maps2", "dense1", "dense2"];
const results = JSON.parse(readFileSync(0)).map((grid) => {
  const layers = network.run(Uint8Array.from(grid));
  return Object.fromEntries(names.map((name) => [name, [...layers[name]]]));
});
console.log(JSON.stringify(results));
