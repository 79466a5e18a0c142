import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";
import { setImmediate as settled } from "node:timers/promises";

import { PredictionClient } from "../../static/js/recognize/client.js";
import { Outbox } from "../../static/js/visit/outbox.js";

/** Requests wait until the test answers them. */
let requests, events, outbox, client;

beforeEach(() => {
  mock.timers.reset();
  requests = [];
  events = [];
  let lastStatus = null;
  outbox = new Outbox({ setItem() {}, removeItem() {} });
  globalThis.fetch = (url, options) => {
    const { promise, resolve, reject: fail } = Promise.withResolvers();
    const respond = (status, body = null, headers = {}) =>
      resolve(new Response(body === HTML ? HTML : JSON.stringify(body), { status, headers }));
    requests.push({ url, options, respond, fail });
    return promise;
  };
  client = new PredictionClient({
    outbox,
    onPrediction: (prediction, job) => events.push(["prediction", prediction, job.name]),
    // Records changes of the status only.
    onStatus: (status) => status !== lastStatus && events.push(["status", (lastStatus = status)]),
    onRejected: (job, status) => events.push(["rejected", job.name, status]),
  });
});

const HTML = "<!doctype html>";
const body = { strokes: [[[1, 2, 0]]] };
const job = (name, { save = false, id = "a" } = {}) => ({ name, id, save, body: { ...body } });
const sent = () => requests.map(({ url, options }) => `${options.method} ${url}`);

test("one request is in flight, and the newest job is next", async () => {
  for (const name of ["one", "two", "three", "four"]) client.predict(job(name));
  assert.equal(requests.length, 1);
  requests[0].respond(200, "first");
  await settled();
  assert.equal(requests.length, 2);
  requests[1].respond(200, "last");
  await settled();
  assert.deepEqual(events, [["prediction", "first", "one"], ["prediction", "last", "four"]]);
});

for (const [failure, status, respond] of [
  ["no network", "offline", (request) => request.fail(new TypeError("network"))],
  ["a timeout", "offline", (request) => request.fail(new DOMException("", "TimeoutError"))],
  ["a timeout in WebKit", "offline", (request) => request.fail(new DOMException("", "AbortError"))],
  ["a failing server", "busy", (request) => request.respond(503)],
  ["too many requests", "busy", (request) => request.respond(429)],
]) {
  test(`${failure}: reports the status and retries with growing delays`, async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    client.predict(job("saved", { save: true }));
    respond(requests[0]);
    await settled();
    assert.deepEqual(events, [["status", status]]);
    assert.equal(outbox.size, 1);
    mock.timers.tick(1000);
    respond(requests[1]);
    await settled();
    mock.timers.tick(1999);
    assert.equal(requests.length, 2);
    mock.timers.tick(1);
    requests[2].respond(200, "seven");
    await settled();
    assert.deepEqual(events.slice(-2), [["status", null], ["prediction", "seven", "saved"]]);
    // After a failed save, the retry only predicts, and the outbox saves.
    requests[3]?.respond(201, "seven");
    await settled();
    assert.equal(outbox.size, 0);
  });
}

test("a newer drawing waits for the scheduled retry", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  client.predict(job("one"));
  requests[0].fail(new TypeError("network"));
  await settled();
  client.predict(job("two"));
  assert.equal(requests.length, 1);
  client.retry();
  requests[1].respond(200, "two");
  await settled();
  assert.deepEqual(events.at(-1), ["prediction", "two", "two"]);
  mock.timers.tick(60_000);
  assert.equal(requests.length, 2);
});

test("a label follows its drawing, and a deletion replaces both", async () => {
  client.predict(job("in flight"));
  client.predict(job("saved", { save: true, id: "a" }));
  outbox.label("a", "7");
  outbox.label("b", null);
  outbox.label("c", "");
  outbox.save("d", body);
  outbox.delete("d");
  for (let i = 0; outbox.size > 0; i++) {
    requests[i].respond(200, {});
    await settled();
  }
  assert.deepEqual(sent().slice(1), [
    "PUT /api/v1/drawings/a?images=true",
    "PUT /api/v1/drawings/a/label",
    "PUT /api/v1/drawings/b/label",
    "DELETE /api/v1/drawings/c/label",
    "DELETE /api/v1/drawings/d",
  ]);
  assert.deepEqual(JSON.parse(requests[2].options.body), { text: "7" });
  assert.deepEqual(JSON.parse(requests[3].options.body), { text: null });
});

test("a picture is sent as a form", async () => {
  client.predict({ id: "a", body: { picture: "data:image/png;base64,AAEC" }, save: false });
  const file = requests[0].options.body.get("image");
  assert.equal(file.type, "image/png");
  assert.deepEqual(new Uint8Array(await file.arrayBuffer()), new Uint8Array([0, 1, 2]));
});

test("a late response is reported as slow until it arrives", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  client.predict(job("one"));
  mock.timers.tick(2000);
  assert.deepEqual(events, [["status", "slow"]]);
  requests[0].respond(200, "seven");
  await settled();
  assert.deepEqual(events.slice(1), [["status", null], ["prediction", "seven", "one"]]);
});

test("a drawing that cannot be saved is predicted first and saved later", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  client.predict(job("seven", { save: true }));
  requests[0].respond(503, {});
  await settled();
  mock.timers.tick(1000);
  await settled();
  requests[1].respond(200, "seven");
  await settled();
  assert.deepEqual(sent().map((request) => request.split("?")[0]), [
    "PUT /api/v1/drawings/a",
    "POST /api/v1/predict",
    "PUT /api/v1/drawings/a",
  ]);
  assert.deepEqual(events.slice(0, 3), [
    ["status", "busy"],
    ["status", null],
    ["prediction", "seven", "seven"],
  ]);
});

test("a drawing deleted during its request is not sent again", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  client.predict(job("one", { save: true }));
  outbox.delete("a");
  requests[0].fail(new TypeError("network"));
  await settled();
  mock.timers.tick(1000);
  await settled();
  assert.deepEqual(sent().at(-1), "DELETE /api/v1/drawings/a");
});

test("a drawing that is not to be saved any more is predicted after a failed request", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  client.predict(job("one", { save: true }));
  outbox.discardSaves();
  requests[0].fail(new TypeError("network"));
  await settled();
  mock.timers.tick(1000);
  requests[1].respond(200, "seven");
  await settled();
  assert.equal(sent().at(-1), "POST /api/v1/predict?images=true");
  assert.deepEqual(events.at(-1), ["prediction", "seven", "one"]);
});

test("the retry waits as long as Retry-After demands", async () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  client.predict(job("one"));
  requests[0].respond(429, {}, { "Retry-After": "30" });
  await settled();
  mock.timers.tick(29_000);
  await settled();
  assert.equal(requests.length, 1);
  mock.timers.tick(1_000);
  await settled();
  assert.equal(requests.length, 2);
});

for (const [status, event] of [
  [403, ["rejected", "one", 403]],
  [500, ["status", "busy"]],
  [200, ["status", "offline"]],
]) {
  test(`an HTML page with status ${status} is reported as ${event.join(" ")}`, async () => {
    client.predict(job("one"));
    requests[0].respond(status, HTML);
    await settled();
    assert.deepEqual(events.at(-1), event);
  });
}
