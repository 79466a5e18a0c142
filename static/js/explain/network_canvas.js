/** The network as a picture: each layer on a canvas of its own, what runs between them on another. */

import { field } from "../recognize/lenet.js";
import { colorsOf, sharpen, Sheet } from "./canvas.js";
import { extent, LAYERS, PLAN, tileAt, unitAt } from "./layout.js";
import { indexOfMost, strongest, trace } from "./influence.js";
import { share } from "../recognize/result_view.js";

// How many of the strongest feeds of a unit are drawn as lines.
const LINKS = 12;
// Figures stay legible, in CSS pixels, however narrow the drawing is.
const SMALLEST = 11;
// What marks a unit stands off it by so much, in CSS pixels.
const OFF = 2;

export class Picture {
  #canvases;
  #links;
  #network;
  #places = {};

  /**
   * @param {Record<string, HTMLCanvasElement>} canvases by the names of their layers
   * @param {HTMLCanvasElement} links covers all of them
   */
  constructor(network, canvases, links) {
    this.#network = network;
    this.#canvases = canvases;
    this.#links = links;
  }

  /** Follow the size of the page. Asked for rarely, for it makes the browser lay out. */
  resize() {
    for (const name of LAYERS) {
      sharpen(this.#canvases[name]);
      const { offsetLeft: left, offsetTop: top, clientWidth } = this.#canvases[name];
      this.#places[name] = { left, top, scale: clientWidth / extent(PLAN[name]).width };
    }
    sharpen(this.#links);
  }

  /** CSS pixels a unit of a layer. */
  scaleOf(name) {
    return this.#places[name].scale;
  }

  /**
   * Paint what a network computed, or with no layers its empty frame.
   * @param {{layers: object | null, grid: Uint8Array | null, chosen: [string, number] | null}} shown
   */
  paint({ layers, grid, chosen }) {
    const colors = colorsOf(this.#links);
    const unit = layers && chosen;
    const feeds = unit && unit[0] !== "input" ? this.#network.feeds(layers, ...unit) : null;
    // The answers are filled with their figures.
    const values = layers && { ...layers, input: grid, logits: null };
    for (const name of LAYERS) {
      this.#paintLayer(name, colors, values?.[name], feeds?.from === name && feeds.contributions);
    }
    this.#paintFigures(colors, layers?.probabilities);
    const sheet = new Sheet(this.#links, this.#links.width / devicePixelRatio);
    if (feeds) this.#linkFeeds(sheet, colors, unit, feeds);
    else if (layers && !unit) this.#linkTrace(sheet, colors, layers);
    if (unit) this.#mark(sheet, colors, unit, field(layers, ...unit));
  }

  #paintLayer(name, colors, values, contributions) {
    const layer = PLAN[name];
    const { width, height } = extent(layer);
    const sheet = new Sheet(this.#canvases[name], width, height);
    for (let tile = 0; tile < layer.tiles; tile++) {
      const { x, y } = tileAt(layer, tile);
      sheet.frame(colors.line, x, y, layer.side);
    }
    if (!values) return;
    const ink = () => colors.ink;
    fillUnits(sheet, layer, values, contributions ? 0.25 : 1, ink);
    const side = (value) => (value > 0 ? colors.accent : colors.against);
    if (contributions) fillUnits(sheet, layer, contributions, 1, side);
  }

  /** The ten answers in figures, the likeliest in the accent. */
  #paintFigures(colors, probabilities) {
    const { width, height } = extent(PLAN.logits);
    const sheet = new Sheet(this.#canvases.logits, width, height, { keep: true });
    const size = Math.max(0.7, SMALLEST / this.scaleOf("logits"));
    const best = probabilities ? indexOfMost(probabilities) : -1;
    for (let digit = 0; digit < 10; digit++) {
      const { y } = unitAt(PLAN.logits, digit);
      const strong = digit === best ? colors.accent : colors.ink;
      sheet.text(String(digit), strong, size, 1.4, y + 0.5);
      if (!probabilities) continue;
      sheet.fill(strong, probabilities[digit], 0, y);
      const quiet = digit === best ? colors.accent : colors.quiet;
      sheet.text(share(probabilities[digit]), quiet, size, width, y + 0.5, "right");
    }
  }

  #linkFeeds(sheet, colors, unit, { from, contributions }) {
    const strengths = contributions.map(Math.abs);
    const sources = strongest(strengths, LINKS);
    for (const source of sources) {
      const color = contributions[source] > 0 ? colors.accent : colors.against;
      const opacity = strengths[source] / strengths[sources[0]];
      sheet.link(color, opacity, this.#middleOf(from, source), this.#middleOf(...unit));
    }
  }

  #linkTrace(sheet, colors, layers) {
    for (const { from, to, weight } of trace(this.#network, layers)) {
      sheet.link(colors.ink, 0.35 * weight, this.#middleOf(...from), this.#middleOf(...to));
    }
  }

  /** Outline a unit, and in the input what it looks at. */
  #mark(sheet, colors, [name, unit], { x, y, side }) {
    this.#outline(sheet, colors, name, unitAt(PLAN[name], unit), 1);
    if (name !== "input" && side < PLAN.input.side) this.#outline(sheet, colors, "input", { x, y }, side);
  }

  #outline(sheet, colors, name, { x, y }, side) {
    const { left, top, scale } = this.#places[name];
    sheet.mark(colors, left + x * scale - OFF, top + y * scale - OFF, side * scale + 2 * OFF);
  }

  /** The middle of a unit, in CSS pixels from the corner of the picture. */
  #middleOf(name, unit) {
    const { x, y } = unitAt(PLAN[name], unit);
    const { left, top, scale } = this.#places[name];
    return [left + (x + 0.5) * scale, top + (y + 0.5) * scale];
  }
}

/** Fill units by their share of the strongest. */
function fillUnits(sheet, layer, values, opacity, colorOf) {
  const most = Math.max(...values.map(Math.abs)) || 1;
  values.forEach((value, unit) => {
    if (value === 0) return;
    const { x, y } = unitAt(layer, unit);
    sheet.fill(colorOf(value), (opacity * Math.abs(value)) / most, x, y);
  });
}
