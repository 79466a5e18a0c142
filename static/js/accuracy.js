/** The accuracy of the serving model, fetched when the visitor asks for it. */

import { createElement } from "./explain/canvas.js";

const TEST_SETS = {
  mnist_test: "Digits of MNIST",
  held_out_strokes: "Pen digits of writers outside the training",
  held_out_stroke_non_digits: "Letters and signs, not taken for digits",
};
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });
const integer = new Intl.NumberFormat("en");

/** Fill a description list with one row per test set. */
export async function showAccuracy(list) {
  // Without a connection, or from a failing server, the list is empty.
  const facts = await fetch("/api/v1/model").then((response) => response.json()).catch(() => null);
  const metrics = facts?.metrics ?? {};
  const rows = Object.entries(TEST_SETS).filter(([name]) => metrics[name]);
  list.replaceChildren(...rows.flatMap(([name, title]) => createRow(title, metrics[name])));
}

function createRow(title, { errors, of }) {
  const accuracy = `${percent.format(1 - errors / of)} of ${integer.format(of)}`;
  return [createElement("dt", {}, title), createElement("dd", {}, accuracy)];
}
