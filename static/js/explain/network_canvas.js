/** The figure of the network: one canvas per layer and one for the lines between layers. */

import { receptiveField } from "../recognize/lenet.js";
import { formatProbability } from "../recognize/result_view.js";
import { colorsOf, Painter, setResolution } from "./canvas.js";
import { argmax, strongest, tracePrediction } from "./influence.js";
import { extent, LAYERS, LAYOUT, mapPosition, unitPosition } from "./unit_positions.js";

// Contributions of the selected unit that are painted as lines.
const MAX_LINES = 12;
// CSS pixels.
const MIN_FONT_SIZE = 11;
const HIGHLIGHT_MARGIN = 2;

export class NetworkCanvas {
  #canvases;
  #lines;
  #positions = {};

  /**
   * @param {Record<string, HTMLCanvasElement>} canvases by layer
   * @param {HTMLCanvasElement} lines covers all layers
   */
  constructor(canvases, lines) {
    [this.#canvases, this.#lines] = [canvases, lines];
  }

  /** Measure the canvases; called rarely, because it forces a layout. */
  resize() {
    for (const name of LAYERS) {
      setResolution(this.#canvases[name]);
      const { offsetLeft: left, offsetTop: top, clientWidth } = this.#canvases[name];
      this.#positions[name] = { left, top, scale: clientWidth / extent(LAYOUT[name]).width };
    }
    setResolution(this.#lines);
  }

  /** Return the CSS pixels per unit of a layer. */
  scaleOf(name) {
    return this.#positions[name].scale;
  }

  /**
   * Paint the layers, or their empty frames.
   * @param {import("../recognize/lenet.js").LeNet} network
   * @param {object | null} layers
   * @param {[string, number] | null} selected
   */
  paint(network, layers, selected) {
    const colors = colorsOf(this.#lines);
    const unit = layers && selected;
    const incoming = unit && unit[0] !== "input" ? network.contributions(layers, ...unit) : null;
    // The page itself shows the input; the logits are shown as probabilities.
    const values = layers && { ...layers, input: null, logits: null };
    for (const name of LAYERS) {
      const contributions = incoming?.from === name ? incoming.contributions : null;
      this.#paintLayer(name, colors, values?.[name], contributions);
    }
    this.#canvases.input.parentElement.classList.toggle("dimmed", incoming?.from === "input");
    this.#paintProbabilities(colors, layers?.probabilities);
    const painter = new Painter(this.#lines, this.#lines.width / devicePixelRatio);
    if (incoming) this.#paintContributions(painter, colors, unit, incoming);
    else if (layers && !unit) this.#paintTrace(painter, colors, tracePrediction(network, layers));
    if (unit) this.#highlight(painter, colors, unit, receptiveField(layers, ...unit));
  }

  #paintLayer(name, colors, values, contributions) {
    const layer = LAYOUT[name];
    const { width, height } = extent(layer);
    const painter = new Painter(this.#canvases[name], width, height);
    for (let map = 0; map < layer.maps; map++) {
      const { x, y } = mapPosition(layer, map);
      painter.frame(colors.line, x, y, layer.side);
    }
    if (values) fillUnits(painter, layer, values, contributions ? 0.25 : 1, () => colors.ink);
    const signColor = (value) => (value > 0 ? colors.accent : colors.negative);
    if (contributions) fillUnits(painter, layer, contributions, 1, signColor);
  }

  #paintProbabilities(colors, probabilities) {
    const { width, height } = extent(LAYOUT.logits);
    const painter = new Painter(this.#canvases.logits, width, height, { clear: false });
    const size = Math.max(0.7, MIN_FONT_SIZE / this.scaleOf("logits"));
    const hasRoom = size < 1.25;
    const predicted = probabilities ? argmax(probabilities) : -1;
    for (let digit = 0; digit < LAYOUT.logits.maps; digit++) {
      const { y } = unitPosition(LAYOUT.logits, digit);
      const color = digit === predicted ? colors.accent : colors.ink;
      if (probabilities) painter.fill(color, probabilities[digit], 0, y);
      if (!hasRoom) continue;
      painter.text(String(digit), color, size, 1.4, y + 0.5);
      if (!probabilities) continue;
      const textColor = digit === predicted ? colors.accent : colors.quiet;
      painter.text(formatProbability(probabilities[digit]), textColor, size, width, y + 0.5, "right");
    }
  }

  #paintContributions(painter, colors, unit, { from, contributions }) {
    const strengths = contributions.map(Math.abs);
    const sources = strongest(strengths, MAX_LINES);
    for (const source of sources) {
      const color = contributions[source] > 0 ? colors.accent : colors.negative;
      const opacity = strengths[source] / strengths[sources[0]];
      painter.curve(color, opacity, this.#centerOf(from, source), this.#centerOf(...unit));
    }
  }

  #paintTrace(painter, colors, edges) {
    for (const { from, to, weight } of edges) {
      painter.curve(colors.ink, 0.35 * weight, this.#centerOf(...from), this.#centerOf(...to));
    }
  }

  /** Highlight a unit and its receptive field. */
  #highlight(painter, colors, [name, unit], field) {
    this.#highlightSquare(painter, colors, name, unitPosition(LAYOUT[name], unit), 1);
    const isPart = name !== "input" && field.side < LAYOUT.input.side;
    if (isPart) this.#highlightSquare(painter, colors, "input", field, field.side);
  }

  #highlightSquare(painter, colors, name, { x, y }, side) {
    const { left, top, scale } = this.#positions[name];
    const corner = [left + x * scale - HIGHLIGHT_MARGIN, top + y * scale - HIGHLIGHT_MARGIN];
    const size = side * scale + 2 * HIGHLIGHT_MARGIN;
    // Visible on light and dark units.
    painter.frame(colors.surface, ...corner, size, size, 3);
    painter.frame(colors.ink, ...corner, size, size, 2);
  }

  /** Return the center of a unit in CSS pixels. */
  #centerOf(name, unit) {
    const { x, y } = unitPosition(LAYOUT[name], unit);
    const { left, top, scale } = this.#positions[name];
    return [left + (x + 0.5) * scale, top + (y + 0.5) * scale];
  }
}

/** Fill units with an opacity proportional to their absolute value. */
function fillUnits(painter, layer, values, opacity, colorOf) {
  const largest = Math.max(...values.map(Math.abs)) || 1;
  values.forEach((value, unit) => {
    if (value === 0) return;
    const { x, y } = unitPosition(layer, unit);
    painter.fill(colorOf(value), (opacity * Math.abs(value)) / largest, x, y);
  });
}
