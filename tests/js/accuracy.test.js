import assert from "node:assert/strict";
import { test } from "node:test";

import { showAccuracy } from "../../static/js/accuracy.js";

const FAILURE = ["The figures could not be loaded.", "Close and open this dialog to retry."];

for (const [name, answer] of [
  ["no connection", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["an HTML error page", async () => new Response("<h1>Bad Gateway</h1>", { status: 502 })],
  ["an error without metrics", async () => Response.json({ detail: "busy" }, { status: 503 })],
  ["a model without metrics", async () => Response.json({ version: "1" })],
]) {
  test(`${name} shows a message`, async (context) => {
    context.mock.method(globalThis, "fetch", answer);
    globalThis.document = { createElement: () => ({}) };
    let rows;
    await showAccuracy({ replaceChildren: (...children) => (rows = children) });
    assert.deepEqual(rows.map(({ textContent }) => textContent), FAILURE);
  });
}
