import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

import { Reader } from "../../static/js/reader.js";

/** A server whose answers the test gives one by one. */
let requests, heard, reader;

beforeEach(() => {
  mock.timers.reset();
  requests = [];
  heard = [];
  reader = new Reader({
    fetch: (url, options) =>
      new Promise((resolve, reject) => {
        const answer = (status, body) =>
          resolve({ ok: status < 300, status, json: async () => body });
        requests.push({ url, options, answer, fail: () => reject(new TypeError("network")) });
      }),
    onReading: (answer, job) => heard.push(["reading", answer, job.name]),
    onTrouble: (trouble) => heard.push(["trouble", trouble]),
    onRefused: (job, status) => heard.push(["refused", job.name, status]),
  });
});

const job = (name, { keep = false, id = "a" } = {}) => ({ name, id, keep, strokes: [[[1, 2, 0]]] });

test("asks for a reading and hands on the answer with its job", async () => {
  reader.read(job("one"));
  assert.equal(requests[0].url, "/api/v1/predict");
  assert.equal(requests[0].options.method, "POST");
  assert.deepEqual(JSON.parse(requests[0].options.body), { strokes: [[[1, 2, 0]]] });
  requests[0].answer(200, "seven");
  await settled();
  assert.deepEqual(heard, [["reading", "seven", "one"]]);
});

test("keeps a drawing under its id", () => {
  reader.read(job("one", { keep: true, id: "some-uuid" }));
  assert.equal(requests[0].url, "/api/v1/drawings/some-uuid");
  assert.equal(requests[0].options.method, "PUT");
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
  assert.deepEqual(requests.map((r) => r.url), [
    "/api/v1/predict",
    "/api/v1/predict",
    "/api/v1/drawings/a",
  ]);
  assert.equal(reader.waiting, 0);
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

for (const [what, trouble] of [
  ["no network", (request) => request.fail()],
  ["a failing server", (request) => request.answer(503)],
  ["too many requests", (request) => request.answer(429)],
]) {
  test(`${what}: says so, waits and tries again until it is answered`, async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    reader.read(job("kept", { keep: true }));
    trouble(requests[0]);
    await settled();
    assert.deepEqual(heard, [["trouble", true]]);
    assert.equal(reader.waiting, 1);
    mock.timers.tick(1000);
    trouble(requests[1]);
    await settled();
    mock.timers.tick(1999);
    assert.equal(requests.length, 2);
    mock.timers.tick(1);
    requests[2].answer(201, "at last");
    await settled();
    assert.deepEqual(heard.slice(-2), [["trouble", false], ["reading", "at last", "kept"]]);
    assert.equal(reader.waiting, 0);
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
  assert.equal(reader.waiting, 0);
});
