import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { LatestImage } from "../../static/js/explain/preprocessing_steps.js";

const [SEVEN, ONE] = [{ source: "7.png" }, { source: "1.png" }];
let decoding, latest;

beforeEach(() => {
  [decoding, latest] = [[], new LatestImage()];
  globalThis.Image = class {
    decode() {
      const { promise, resolve, reject } = Promise.withResolvers();
      decoding.push({ source: this.src, resolve, reject });
      return promise;
    }
  };
});

test("load decodes a picture once and returns it to the latest call only", async () => {
  const calls = [latest.load(SEVEN), latest.load(SEVEN)];
  decoding[0].resolve();
  const [earlier, image] = await Promise.all(calls);
  assert.deepEqual([earlier, image.src], [null, "7.png"]);
  assert.equal(await latest.load(SEVEN), image);
  assert.equal(decoding.length, 1);
});

test("load of another picture supersedes one that is decoded later", async () => {
  const calls = [latest.load(SEVEN), latest.load(ONE)];
  decoding[1].resolve();
  decoding[0].resolve();
  const [seven, one] = await Promise.all(calls);
  assert.deepEqual([seven, one.src], [null, "1.png"]);
});

test("load after cancel or of an invalid picture returns null", async () => {
  const canceled = latest.load(SEVEN);
  latest.cancel();
  decoding[0].resolve();
  assert.equal(await canceled, null);
  const invalid = latest.load(ONE);
  decoding[1].reject(new Error("no picture"));
  assert.equal(await invalid, null);
});
