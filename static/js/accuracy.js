/** The accuracy of the serving model, fetched when the visitor asks for it. */

const TEST_SETS = {
  mnist_test: "Digits of MNIST",
  held_out_strokes: "Pen digits of writers outside the training",
  held_out_stroke_non_digits: "Letters and signs, not taken for digits",
};
const FAILURE = ["The figures could not be loaded.", "Close and open this dialog to retry."];
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });
const integer = new Intl.NumberFormat("en");

/** Fill a description list with one row per test set, or with one that states the failure. */
export async function showAccuracy(list) {
  const facts = await fetch("/api/v1/model").then((response) => response.json()).catch(() => null);
  const rows = facts?.metrics ? rowsOf(facts.metrics) : [FAILURE];
  list.replaceChildren(...rows.flatMap(([title, text]) => [createElement("dt", title), createElement("dd", text)]));
}

function rowsOf(metrics) {
  return Object.entries(TEST_SETS).filter(([name]) => metrics[name]).map(([name, title]) => {
    const { errors, of } = metrics[name];
    return [title, `${percent.format(1 - errors / of)} of ${integer.format(of)}`];
  });
}

const createElement = (tag, textContent) => Object.assign(document.createElement(tag), { textContent });
