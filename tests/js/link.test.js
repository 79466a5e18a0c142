import assert from "node:assert/strict";
import { test } from "node:test";

import { fromFragment, LINK_SIDE, toFragment } from "../../static/js/share/link.js";
import { VisitorError } from "../../static/js/visitor_error.js";

const strokes = [
  [[10, 20, 0], [30.26, 40, 9], [30, 39.7, 17]],
  [[5, 5, 350]],
];

function encode(...integers) {
  const bytes = integers.flatMap((value) => (value > 127 ? [(value % 128) + 128, value >> 7] : [value]));
  return `#d=${Buffer.from(bytes).toString("base64url")}`;
}

// Valid points, from corner to corner of the pad.
const ZIGZAG = Array.from({ length: 4500 }, (_, i) => (i % 2 ? [2047, 2047, 200] : [2048, 2048, 200]));

test("fragment returns the strokes within half a unit", () => {
  const decoded = fromFragment(toFragment(strokes, 220));
  assert.deepEqual(decoded.map((stroke) => stroke.map(([, , t]) => t)), [[0, 9, 17], [350]]);
  decoded.flat().forEach(([x, y], i) => {
    const [expectedX, expectedY] = strokes.flat()[i];
    assert.ok(Math.abs((x * 220) / LINK_SIDE - expectedX) <= 220 / LINK_SIDE / 2);
    assert.ok(Math.abs((y * 220) / LINK_SIDE - expectedY) <= 220 / LINK_SIDE / 2);
  });
});

test("fragment of a linked drawing is the same again", () => {
  const fragment = toFragment(strokes, 220);
  assert.equal(toFragment(fromFragment(fragment), LINK_SIDE), fragment);
});

test("fragment has four characters per point of a quick stroke", () => {
  const stroke = Array.from({ length: 60 }, (_, i) => [i * 3, 200 - i * 2, i * 8]);
  assert.ok(toFragment([stroke], 300).length < 60 * 4 + 20);
});

test("fragment has only characters that messengers keep", () => {
  assert.match(toFragment(strokes, 220), /^#d=[A-Za-z0-9_-]+$/);
});

test("points beyond the edge of the pad are moved onto it", () => {
  assert.deepEqual(fromFragment(toFragment([[[-5, 230, 0]]], 220)), [[[0, LINK_SIDE, 0]]]);
});

test("times never decrease", () => {
  const decoded = fromFragment(toFragment([[[0, 0, 50], [1, 1, 20]]], 220));
  assert.deepEqual(decoded[0].map(([, , t]) => t), [50, 50]);
});

test("drawings without strokes or with too many have no fragment", () => {
  const point = [[1, 1, 0]];
  assert.equal(toFragment([], 220), null);
  assert.equal(toFragment(Array(201).fill(point), 220), null);
  const jitter = Array.from({ length: 9000 }, (_, i) => [i % 2 ? 200 : 0, 100, i]);
  assert.equal(toFragment([jitter], 220), null);
});

for (const [name, fragment] of [
  ["no content", "#d="],
  ["characters outside base64", "#d=%3Cscript%3E"],
  ["a later format", encode(2, 1, 1, 0, 0, 0)],
  ["an earlier format", encode(0, 1, 1, 0, 0, 0)],
  ["no strokes", encode(1, 0)],
  ["an empty stroke", encode(1, 1, 0)],
  ["fewer points than announced", encode(1, 1, 2, 0, 0, 0)],
  ["additional bytes", encode(1, 1, 1, 0, 0, 0, 0)],
  ["too many strokes", encode(1, 201)],
  ["too many points", encode(1, 1, 4501)],
  ["a point left of the pad", encode(1, 1, 1, 1, 0, 0)],
  ["a point below the pad", encode(1, 1, 2, 0, 2048, 0, 0, 2, 0)],
  ["an endless integer", `#d=${Buffer.from([1, ...Array(2000).fill(255)]).toString("base64url")}`],
  ["an integer padded with zeros", `#d=${Buffer.from([1, 1, 1, 0, 0, ...Array(200).fill(128), 1]).toString("base64url")}`],
  ["too many characters", encode(1, 1, 4500, ...ZIGZAG.flat())],
]) {
  test(`fragment with ${name} is rejected`, () => {
    assert.throws(() => fromFragment(fragment), VisitorError);
  });
}

test("truncated and altered fragments are rejected or give points on the pad", () => {
  const fragment = toFragment(strokes, 220);
  for (let i = 3; i < fragment.length; i++) {
    for (const changed of [fragment.slice(0, i), `${fragment.slice(0, i)}z${fragment.slice(i + 1)}`]) {
      try {
        const points = fromFragment(changed).flat();
        assert.ok(points.every(([x, y]) => x >= 0 && y >= 0 && x <= LINK_SIDE && y <= LINK_SIDE));
      } catch (error) {
        assert.ok(error instanceof VisitorError, String(error));
      }
    }
  }
});
