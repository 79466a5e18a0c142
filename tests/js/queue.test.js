import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";

import { Deck, Refused } from "../../static/js/review/queue.js";

const SECONDS = 180;
const card = (digit, more = {}) => ({
  digit, at: [digit / 100, digit], text: String(digit % 10), label: "", look: null, ...more,
});

/** A server with so many digits, that gives five at once and remembers what it is sent. */
function server(count, { answer = () => ({ same: 0, of: 0 }), extra = [] } = {}) {
  const sent = [];
  const asked = [];
  const next = async (after) => {
    asked.push(after);
    const first = after ? after[1] + 1 : 0;
    const cards = [];
    for (let n = first; n < Math.min(first + 5, count); n++) cards.push(card(n));
    if (cards.length) cards.push(...extra.splice(0));
    return { cards, seconds: SECONDS };
  };
  const send = async (body) => {
    sent.push(body);
    return answer(body);
  };
  return { next, send, sent, asked };
}

async function begin(site, now) {
  const deck = new Deck(site.next, site.send, now);
  await deck.start();
  return deck;
}

test("labels go on to the next card and are sent in order", async () => {
  const site = server(12);
  const deck = await begin(site);
  for (const label of ["3", null, "?"]) {
    deck.label(label);
    await wait(1);
  }
  assert.equal(deck.card.digit, 3);
  assert.equal(deck.labeled, 3);
  assert.deepEqual(site.sent, [
    { digit: 0, label: "3", seen: "" },
    { digit: 1, label: "1", seen: "" },
    { digit: 2, label: "?", seen: "" },
  ]);
});

test("all cards come once, and then it is done", async () => {
  const deck = await begin(server(23));
  const seen = [];
  while (!deck.isDone) {
    if (deck.card) seen.push(deck.card.digit);
    deck.skip();
    await wait(0);
  }
  assert.deepEqual(seen, [...Array(23).keys()]);
});

test("undo goes back as far as the session goes", async () => {
  const site = server(40);
  const deck = await begin(site);
  for (let n = 0; n < 30; n++) {
    if (n % 3) deck.label("5");
    else deck.skip();
    await wait(0);
  }
  for (let n = 29; n >= 0; n--) {
    deck.undo();
    assert.equal(deck.card.digit, n);
    assert.equal(deck.card.label, "");
  }
  assert.equal(deck.canUndo, false);
  assert.equal(deck.labeled, 0);
  await wait(5);
  assert.equal(site.sent.length, 40);
  assert.deepEqual(site.sent.at(-1), { digit: 1, label: "", seen: "5" });
});

test("a conflict is said, and the card is shown once more as it is now", async () => {
  const answer = ({ seen }) => {
    if (seen === "") throw new Refused({ status: 409, label: "4", by: "ana" });
    return { same: 0, of: 0 };
  };
  const site = server(3, { answer });
  const deck = await begin(site);
  deck.label("7");
  await wait(5);
  assert.match(deck.notice, /ana has labeled 4 what you call 7/);
  assert.equal(deck.labeled, 0);
  assert.equal(deck.canUndo, false);
  deck.skip();
  assert.deepEqual([deck.card.digit, deck.card.label, deck.card.by], [0, "4", "ana"]);
  deck.label("7");
  await wait(5);
  assert.deepEqual(site.sent, [
    { digit: 0, label: "7", seen: "" },
    { digit: 0, label: "7", seen: "4" },
  ]);
});

test("what was refused is told for what it is, and counted for what it was", async () => {
  const answer = () => {
    throw new Refused({ status: 422 });
  };
  const site = server(1, { answer, extra: [card(99, { look: 8, at: [0.9, 99] })] });
  const deck = await begin(site);
  deck.skip();
  deck.label("1");
  await wait(5);
  assert.equal(deck.labeled, 0);
  assert.match(deck.notice, /does not take/);
});

for (const [own, notice] of [
  [true, ""],
  [false, "ana has labeled 2 what you call 1."],
]) {
  test(`of what was taken back already, only another's label is told: ${own}`, async () => {
    const answer = ({ label }) => {
      if (label === "1") throw new Refused({ status: 409, label: "2", by: "ana", own });
      return { same: 0, of: 0 };
    };
    const deck = await begin(server(3, { answer }));
    deck.label("1");
    deck.undo();
    deck.label("2");
    await wait(5);
    assert.equal(deck.notice, notice);
    assert.equal(deck.labeled, 1);
  });
}

test("what is shown again is answered as such, and is no place to go on from", async () => {
  const site = server(10, { extra: [card(99, { look: 8, at: [0.9, 99] })] });
  const deck = await begin(site);
  while (deck.card.digit !== 99) {
    deck.skip();
    await wait(0);
  }
  deck.label("1");
  deck.undo();
  deck.label("2");
  await wait(5);
  assert.deepEqual(site.sent, [
    { digit: 99, look: 8, label: "1" },
    { digit: 99, look: 8, label: "" },
    { digit: 99, look: 8, label: "2" },
  ]);
  assert.equal(deck.labeled, 0);
  assert.ok(site.asked.every((after) => after === null || after[1] < 10));
});

test("cards that were lent too long ago are asked for again", async () => {
  let time = 0;
  const site = server(12);
  const deck = await begin(site, () => time);
  deck.label("1");
  await wait(1);
  time = 1000 * SECONDS + 1;
  deck.label("1");
  await wait(1);
  assert.deepEqual(site.asked.at(-1) && site.asked.find((after, n) => n > 1 && after[1] === 1), [0.01, 1]);
  assert.equal(deck.card.digit, 2);
});

test("offline, nothing is lost: it is sent until it arrives", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  let online = false;
  const answer = () => {
    if (!online) throw new TypeError("Failed to fetch");
    return { same: 0, of: 0 };
  };
  const site = server(6, { answer });
  const deck = await begin(site);
  deck.label("1");
  deck.label("2");
  for (let n = 0; n < 20; n++) await Promise.resolve();
  assert.equal(deck.waiting, 2);
  assert.equal(deck.isFailing, true);
  assert.deepEqual(deck.unsent.map(({ digit }) => digit), [0, 1]);
  assert.match(deck.notice, /nothing is lost/);
  online = true;
  for (let n = 0; n < 3; n++) {
    context.mock.timers.tick(2000);
    for (let m = 0; m < 20; m++) await Promise.resolve();
  }
  assert.equal(deck.waiting, 0);
  assert.equal(deck.isFailing, false);
  assert.deepEqual(site.sent.slice(-2).map(({ digit }) => digit), [0, 1]);
});
