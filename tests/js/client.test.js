import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

import { Outbox } from "../../static/js/visit/outbox.js";
import { Reader } from "../../static/js/recognize/client.js";

/** A server whose answers the test gives one by one. */
let requests, heard, outbox, reader;

beforeEach(() => {
  mock.timers.reset();
  requests = [];
  heard = [];
  // What is said again and again is heard once.
  let last = null;
  outbox = new Outbox({ setItem() {}, removeItem() {} });
  reader = new Reader({
    outbox,
    fetch: (url, options) =>
      new Promise((resolve, reject) => {
        const answer = (status, body, headers = {}) =>
          resolve({ ok: status < 300, status, headers: new Headers(headers), json: async () => body });
        requests.push({ url, options, answer, fail: () => reject(new TypeError("network")) });
      }),
    onReading: (answer, job) => heard.push(["reading", answer, job.name]),
    onTrouble: (trouble) => trouble !== last && heard.push(["trouble", (last = trouble)]),
    onRefused: (job, status) => heard.push(["refused", job.name, status]),
  });
});

const body = { strokes: [[[1, 2, 0]]] };
const job = (name, { keep = false, id = "a" } = {}) => ({ name, id, keep, body: { ...body } });
const asked = () => requests.map(({ url, options }) => `${options.method} ${url}`);

test("asks for a reading and hands on the answer with its job", async () => {
  reader.read(job("one"));
  assert.deepEqual(asked(), ["POST /api/v1/predict?images=true"]);
  assert.deepEqual(JSON.parse(requests[0].options.body), body);
  requests[0].answer(200, "seven");
  await settled();
  assert.deepEqual(heard, [["reading", "seven", "one"]]);
});

test("keeps a drawing under its id", () => {
  reader.read(job("one", { keep: true, id: "some-uuid" }));
  assert.deepEqual(asked(), ["PUT /api/v1/drawings/some-uuid?images=true"]);
});

test("has one request in flight, and the newest drawing goes next", async () => {
  for (const name of ["one", "two", "three", "four"]) reader.read(job(name));
  assert.equal(requests.length, 1);
  requests[0].answer(200, "first");
  await settled();
  assert.equal(requests.length, 2);
  requests[1].answer(200, "last");
  await settled();
  assert.deepEqual(heard, [["reading", "first", "one"], ["reading", "last", "four"]]);
});

test("sends every drawing that is to be kept, however many follow it", async () => {
  reader.read(job("busy"));
  reader.read(job("kept", { keep: true, id: "a" }));
  reader.read(job("next sheet", { id: "b" }));
  for (let i = 0; i < 3; i++) {
    requests[i].answer(200, i);
    await settled();
  }
  assert.deepEqual(asked(), [
    "POST /api/v1/predict?images=true",
    "POST /api/v1/predict?images=true",
    "PUT /api/v1/drawings/a?images=true",
  ]);
  assert.equal(outbox.size, 0);
});

test("of one drawing only the last state is kept", async () => {
  reader.read(job("busy"));
  reader.read(job("one stroke", { keep: true }));
  reader.read(job("two strokes", { keep: true }));
  requests[0].answer(200);
  await settled();
  requests[1].answer(200, "both");
  await settled();
  assert.equal(requests.length, 2);
  assert.deepEqual(heard.at(-1), ["reading", "both", "two strokes"]);
});

for (const [what, kind, trouble] of [
  ["no network", "offline", (request) => request.fail()],
  ["a failing server", "busy", (request) => request.answer(503)],
  ["too many requests", "busy", (request) => request.answer(429)],
]) {
  test(`${what}: says so, waits and tries again until it is answered`, async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    reader.read(job("kept", { keep: true }));
    trouble(requests[0]);
    await settled();
    assert.deepEqual(heard, [["trouble", kind]]);
    assert.equal(outbox.size, 1);
    mock.timers.tick(1000);
    trouble(requests[1]);
    await settled();
    mock.timers.tick(1999);
    assert.equal(requests.length, 2);
    mock.timers.tick(1);
    requests[2].answer(200, "at last");
    await settled();
    assert.deepEqual(heard.slice(-2), [["trouble", null], ["reading", "at last", "kept"]]);
    // Where it could not be kept it was only read meanwhile.
    requests[3]?.answer(201, "kept");
    await settled();
    assert.equal(outbox.size, 0);
  });
}

test("during trouble, a newer drawing waits its turn instead of being sent at once", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  reader.read(job("one"));
  requests[0].fail();
  await settled();
  reader.read(job("two"));
  assert.equal(requests.length, 1);
  reader.retry();
  requests[1].answer(200, "two");
  await settled();
  assert.deepEqual(heard.at(-1), ["reading", "two", "two"]);
  mock.timers.tick(60_000);
  assert.equal(requests.length, 2);
});

test("what the server will never take is given up and told", async () => {
  reader.read(job("reviewed", { keep: true }));
  requests[0].answer(409);
  await settled();
  assert.deepEqual(heard, [["refused", "reviewed", 409]]);
  assert.equal(outbox.size, 0);
});

test("a label follows its drawing, and what is forgotten goes alone", async () => {
  reader.read(job("busy"));
  reader.read(job("kept", { keep: true, id: "a" }));
  outbox.label("a", "7");
  outbox.label("b", null);
  outbox.label("c", "");
  outbox.keep("d", body);
  outbox.forget("d");
  for (let i = 0; outbox.size > 0; i++) {
    requests[i].answer(200, {});
    await settled();
  }
  assert.deepEqual(asked().slice(1), [
    "PUT /api/v1/drawings/a?images=true",
    "PUT /api/v1/drawings/a/label",
    "PUT /api/v1/drawings/b/label",
    "DELETE /api/v1/drawings/c/label",
    "DELETE /api/v1/drawings/d",
  ]);
  assert.deepEqual(JSON.parse(requests[2].options.body), { text: "7" });
  assert.deepEqual(JSON.parse(requests[3].options.body), { text: null });
});

test("a picture travels as a form", async () => {
  reader.read({ id: "a", body: { picture: "data:image/png;base64,AAEC" }, keep: false });
  const file = requests[0].options.body.get("image");
  assert.equal(file.type, "image/png");
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), new Uint8Array([0, 1, 2]));
});

test("a slow server is called slow until it answers", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  reader.read(job("one"));
  mock.timers.tick(2000);
  assert.deepEqual(heard, [["trouble", "slow"]]);
  requests[0].answer(200, "seven");
  await settled();
  assert.deepEqual(heard.slice(1), [["trouble", null], ["reading", "seven", "one"]]);
});

test("what else asks the server does so when nothing waits, and what comes meanwhile waits", async () => {
  let done;
  const errand = mock.fn(() => new Promise((resolve) => (done = resolve)));
  reader.read(job("one"));
  reader.read(job("two"));
  reader.aside(errand);
  requests[0].answer(200);
  await settled();
  assert.equal(errand.mock.callCount(), 0);
  requests[1].answer(200);
  await settled();
  assert.equal(errand.mock.callCount(), 1);
  reader.read(job("three"));
  assert.equal(requests.length, 2);
  done();
  await settled();
  assert.equal(requests.length, 3);
  requests[2].answer(200);
  await settled();
  assert.equal(errand.mock.callCount(), 1);
});

test("a server that is given up by an older browser is asked again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  reader.fetch = async () => {
    asked += 1;
    throw new DOMException("aborted", "AbortError");
  };
  reader.read(job("one"));
  await settled();
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual([asked, heard], [2, [["trouble", "offline"]]]);
});

test("what cannot be kept now is read all the same, and kept later", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  reader.read(job("seven", { keep: true }));
  requests[0].answer(503, {});
  await settled();
  mock.timers.tick(1000);
  await settled();
  requests[1].answer(200, "seven");
  await settled();
  assert.deepEqual(asked().map((one) => one.split("?")[0]), [
    "PUT /api/v1/drawings/a",
    "POST /api/v1/predict",
    "PUT /api/v1/drawings/a",
  ]);
  assert.deepEqual(heard.slice(0, 3), [
    ["trouble", "busy"],
    ["trouble", null],
    ["reading", "seven", "seven"],
  ]);
});

test("what was forgotten while it was sent is not sent again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  reader.read(job("one", { keep: true }));
  outbox.forget("a");
  requests[0].fail();
  await settled();
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual(asked().at(-1), "DELETE /api/v1/drawings/a");
});

test("a server that asks for time gets it", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  reader.read(job("one"));
  const { answer } = requests[0];
  answer(429, {}, { "Retry-After": "30" });
  await settled();
  mock.timers.tick(29_000);
  await settled();
  assert.equal(requests.length, 1);
  mock.timers.tick(1_000);
  await settled();
  assert.equal(requests.length, 2);
});
