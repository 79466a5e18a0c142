import assert from "node:assert/strict";
import { test } from "node:test";

import { showAccuracy } from "../../static/js/accuracy.js";

for (const [name, answer] of [
  ["no connection", () => Promise.reject(new TypeError("Failed to fetch"))],
  ["an HTML error page", async () => new Response("<h1>Bad Gateway</h1>", { status: 502 })],
  ["an error without metrics", async () => Response.json({ detail: "busy" }, { status: 503 })],
]) {
  test(`${name} shows a message`, async (context) => {
    context.mock.method(globalThis, "fetch", answer);
    globalThis.document = { createElement: () => ({ append(text) { this.text = text; } }) };
    let rows;
    await showAccuracy({ replaceChildren: (...children) => (rows = children) });
    assert.deepEqual(rows.map(({ text }) => text), ["The server did not answer.", "Reopen this later."]);
  });
}
