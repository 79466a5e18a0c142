/** The accuracy of the serving model, fetched when the visitor asks for it. */

const TEST_SETS = {
  mnist_test: "Digits of MNIST",
  held_out_strokes: "Pen digits of writers outside the training",
  held_out_stroke_non_digits: "Letters and signs, not taken for digits",
};
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });
const integer = new Intl.NumberFormat("en");

/** Fill a description list with one row per test set. */
export async function showAccuracy(list) {
  const { metrics } = await fetchModelFacts();
  const rows = Object.entries(TEST_SETS).filter(([name]) => metrics[name]);
  list.replaceChildren(...rows.flatMap(([name, title]) => createRow(title, metrics[name])));
}

/** Return the facts of the serving model; without a connection, facts without metrics. */
async function fetchModelFacts() {
  try {
    return await (await fetch("/api/v1/model")).json();
  } catch {
    return { metrics: {} };
  }
}

function createRow(title, { errors, of }) {
  const [term, description] = ["dt", "dd"].map((tag) => document.createElement(tag));
  term.textContent = title;
  description.textContent = `${percent.format(1 - errors / of)} of ${integer.format(of)}`;
  return [term, description];
}
