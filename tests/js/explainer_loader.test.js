import assert from "node:assert/strict";
import { registerHooks } from "node:module";
import { beforeEach, test } from "node:test";

import { ExplainerLoader } from "../../static/js/explain/loader.js";

// The panel needs a document.
const PANEL = "data:text/javascript,export const attachExplainer = (...all) => globalThis.attach(...all);";
registerHooks({
  resolve: (name, context, next) =>
    name === "./panel.js" ? { url: PANEL, shortCircuit: true } : next(name, context),
});

let session, loader, attached;

beforeEach(() => {
  attached = [];
  globalThis.attach = () => {
    const explainer = { refresh() {} };
    attached.push(explainer);
    return explainer;
  };
  session = { loadModel: async () => {} };
  const elements = { details: { addEventListener() {}, querySelector: () => ({}) }, unit: {} };
  loader = new ExplainerLoader(elements, { session });
});

test("load attaches one explainer for several calls", async () => {
  await Promise.all([loader.load(), loader.load(), loader.refresh()]);
  assert.equal(attached.length, 1);
});

test("load after an error attaches the explainer", async () => {
  session.loadModel = async () => {
    throw new Error("The server answered with status 503.");
  };
  assert.equal(await loader.load(), null);
  session.loadModel = async () => {};
  assert.equal(await loader.load(), attached[0]);
});
