import assert from "node:assert/strict";
import { test } from "node:test";
// Resolves after all promises that can settle without a timer.
import { setImmediate as settled } from "node:timers/promises";

import "./gettext.js";
import { LabelRejected, ReviewQueue } from "../../static/js/review/queue.js";

const LEASE_SECONDS = 180;
const AGREEMENT = { agreed: 0, total: 0 };
const card = (digit, more = {}) => ({
  digit, cursor: [digit / 100, digit], text: String(digit % 10), label: "", repeat: null, ...more,
});
const repeatCard = () => card(99, { repeat: 8, cursor: [0.9, 99] });

/** A server with `count` digits that returns five per request and records every label. */
function server(count, { answer = () => AGREEMENT, repeats = [] } = {}) {
  const labels = [];
  const cursors = [];
  const fetchCards = async (cursor) => {
    cursors.push(cursor);
    const first = cursor ? cursor[1] + 1 : 0;
    const cards = [];
    for (let n = first; n < Math.min(first + 5, count); n++) cards.push(card(n));
    if (cards.length) cards.push(...repeats.splice(0));
    return { cards, lease_seconds: LEASE_SECONDS };
  };
  const sendLabel = async (body) => {
    labels.push(body);
    return answer(body);
  };
  return { fetchCards, sendLabel, labels, cursors };
}

async function start(site, now) {
  const queue = new ReviewQueue(site.fetchCards, site.sendLabel, now);
  await queue.start();
  return queue;
}

test("skip: shows every card once, then the queue is done", async () => {
  const queue = await start(server(23));
  const digits = [];
  while (!queue.isDone) {
    if (queue.card) digits.push(queue.card.digit);
    queue.skip();
    await settled();
  }
  assert.deepEqual(digits, [...Array(23).keys()]);
});

test("recent: has the last five labels, and undo restores any of them", async () => {
  const site = server(12);
  const queue = await start(site);
  for (const label of ["1", "2", "3", "4", "5", "6"]) {
    queue.label(label);
    await settled();
  }
  queue.skip();
  assert.deepEqual(queue.recent.map(({ newLabel }) => newLabel), ["6", "5", "4", "3", "2"]);
  const entry = queue.recent[2];
  queue.undo(entry);
  queue.undo(entry);
  await settled();
  assert.equal(queue.card.digit, 3);
  assert.equal(queue.labeled, 5);
  assert.deepEqual(site.labels.slice(6), [{ digit: 3, label: "", previous_label: "4" }]);
  assert.deepEqual(queue.recent.map(({ newLabel }) => newLabel), ["6", "5", "3", "2", "1"]);
});

test("label: a conflict shows a notice and the card again with its current label", async () => {
  const answer = ({ previous_label: previous }) => {
    if (previous === "") throw new LabelRejected({ status: 409, label: "4", labeled_by: "ana" });
    return AGREEMENT;
  };
  const site = server(3, { answer });
  const queue = await start(site);
  queue.label("7");
  await settled();
  assert.equal(queue.notice, "Conflict: you chose 7, ana chose 4. The digit is shown again.");
  assert.equal(queue.labeled, 0);
  assert.equal(queue.canUndo, false);
  queue.skip();
  assert.deepEqual([queue.card.digit, queue.card.label, queue.card.labeled_by], [0, "4", "ana"]);
  queue.label("7");
  await settled();
  assert.deepEqual(site.labels, [
    { digit: 0, label: "7", previous_label: "" },
    { digit: 0, label: "7", previous_label: "4" },
  ]);
});

for (const [status, notice] of [
  [404, "A drawing was deleted; its label is not stored."],
  [422, "The server rejected a label."],
]) {
  test(`label: a rejected repeat review (${status}) shows a notice and is not counted`, async () => {
    const answer = () => {
      throw new LabelRejected({ status });
    };
    const queue = await start(server(1, { answer, repeats: [repeatCard()] }));
    queue.skip();
    queue.label("1");
    await settled();
    assert.equal(queue.labeled, 0);
    assert.equal(queue.notice, notice);
  });
}

for (const [isOwn, notice] of [
  [true, ""],
  [false, "Conflict: you chose 1, ana chose 2."],
]) {
  test(`undo: a conflict with an undone label shows a notice unless it is own: ${isOwn}`, async () => {
    const answer = ({ label }) => {
      if (label === "1") {
        throw new LabelRejected({ status: 409, label: "2", labeled_by: "ana", is_own: isOwn });
      }
      return AGREEMENT;
    };
    const queue = await start(server(3, { answer }));
    queue.label("1");
    queue.undo();
    queue.label("2");
    await settled();
    assert.equal(queue.notice, notice);
    assert.equal(queue.labeled, 1);
  });
}

test("label: a repeat review is sent with its id and does not move the cursor", async () => {
  const site = server(10, { repeats: [repeatCard()] });
  const queue = await start(site);
  while (queue.card.digit !== 99) {
    queue.skip();
    await settled();
  }
  queue.label("1");
  queue.undo();
  queue.label("2");
  await settled();
  assert.deepEqual(site.labels, [
    { digit: 99, repeat: 8, label: "1" },
    { digit: 99, repeat: 8, label: "" },
    { digit: 99, repeat: 8, label: "2" },
  ]);
  assert.equal(queue.labeled, 0);
  assert.ok(site.cursors.every((cursor) => cursor === null || cursor[1] < 10));
});

test("label: cards with an expired lease are fetched again", async () => {
  let time = 0;
  const site = server(12);
  const queue = await start(site, () => time);
  queue.label("1");
  await settled();
  const before = site.cursors.length;
  time = 1000 * LEASE_SECONDS + 1;
  queue.label("1");
  await settled();
  assert.deepEqual(site.cursors[before], [0.01, 1]);
  assert.equal(queue.card.digit, 2);
});

test("label: offline, labels are kept and sent again until stored", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let isOnline = false;
  const answer = () => {
    if (!isOnline) throw new TypeError("Failed to fetch");
    return AGREEMENT;
  };
  const site = server(6, { answer });
  const queue = await start(site);
  queue.label("1");
  queue.label("2");
  await settled();
  assert.equal(queue.isFailing, true);
  assert.deepEqual(queue.unsent.map(({ digit }) => digit), [0, 1]);
  assert.match(queue.notice, /Unsent labels are kept/);
  isOnline = true;
  context.mock.timers.tick(2000);
  await settled();
  assert.deepEqual(queue.unsent, []);
  assert.equal(queue.isFailing, false);
  assert.deepEqual(site.labels.slice(-2).map(({ digit }) => digit), [0, 1]);
});
