import assert from "node:assert/strict";
import { test } from "node:test";

import { Drawing } from "../../static/js/draw/drawing.js";

test("drawings have different UUIDs of version 4 without crypto.randomUUID", (context) => {
  context.mock.method(crypto, "randomUUID", () => assert.fail("missing over plain HTTP"));
  const ids = Array.from({ length: 100 }, () => new Drawing().id);
  for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(new Set(ids).size, ids.length);
});
