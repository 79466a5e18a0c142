import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { loadImage } from "../../static/js/draw/paint.js";
import { attachPreprocessing } from "../../static/js/explain/preprocessing_steps.js";

let decoding;
const pictureOf = (source) => ({ source, width: 2, height: 2 });

beforeEach(() => {
  decoding = [];
  globalThis.Image = class {
    decode() {
      const { promise, resolve, reject } = Promise.withResolvers();
      decoding.push({ resolve, reject });
      return promise;
    }
  };
});

test("a picture is decoded once", async () => {
  const picture = pictureOf("7.png");
  const calls = [loadImage(picture), loadImage(picture)];
  decoding[0].resolve();
  const [image, same] = await Promise.all(calls);
  assert.equal(image.src, "7.png");
  assert.equal(same, image);
  assert.equal(decoding.length, 1);
});

test("loadImage returns null for an invalid picture, and tries again", async () => {
  const picture = pictureOf("invalid");
  const failing = loadImage(picture);
  decoding[0].reject(new Error("invalid"));
  assert.equal(await failing, null);
  const retried = loadImage(picture);
  decoding[1].resolve();
  assert.equal((await retried).src, "invalid");
});

/** Replace the DOM by elements that record the images painted on them. */
function fakeDocument(painted) {
  const context = new Proxy(
    { drawImage: (image) => painted.push(image.src) },
    { get: (target, name) => target[name] ?? (() => {}) },
  );
  const createElement = () => ({
    children: [],
    get firstChild() {
      return this.children[0];
    },
    get lastChild() {
      return this.children.at(-1);
    },
    append(...children) {
      this.children.push(...children);
    },
    setAttribute() {},
    addEventListener() {},
    getContext: () => context,
    ...{ width: 28, height: 28, clientWidth: 28, clientHeight: 28 },
  });
  globalThis.document = { createElement };
  globalThis.devicePixelRatio = 1;
  globalThis.getComputedStyle = () => ({ getPropertyValue: () => "black" });
  return createElement();
}

test("the steps show the later of two pictures only, and no invalid one", async () => {
  const painted = [];
  const steps = attachPreprocessing(fakeDocument(painted), () => {});
  const show = (source) => steps.showPicture(pictureOf(source), [0, 0, 1, 1], new Uint8Array(784));
  const shown = ["7.png", "1.png"].map(show);
  decoding[1].resolve();
  decoding[0].resolve();
  await Promise.all(shown);
  assert.deepEqual(painted, ["1.png", "1.png"]);
  const invalid = show("invalid");
  decoding[2].reject(new Error("invalid"));
  await invalid;
  assert.equal(painted.length, 2);
});
