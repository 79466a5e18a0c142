/**
 * The network as a drawing that reads from left to right, and what feeds each of its units. Every
 * layer is one control: the pointer or the arrow keys go through its units.
 */

import { field } from "./network.js";
import { coloursOf, make, sharpen, Sheet } from "./paint.js";
import { extent, LAYERS, nameOf, neighbour, PLAN, tileAt, unitAt, unitNear } from "./plan.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
// How many of the strongest feeds are drawn as lines.
const LINKS = 12;
// Of the answer's own way back through the layers: units a layer, and lines to each.
const [TRACED, BRANCHES] = [5, 3];
// Figures stay legible, in CSS pixels, however narrow the drawing is.
const SMALLEST = 11;
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1 });

/** A probability in words; the net is never wholly certain, whatever rounding says. */
export const share = (probability) => percent.format(Math.min(probability, 0.999));
export const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

/**
 * @param {HTMLElement} root
 * @param {import("./network.js").Network} network
 * @param {(text: string | null) => void} onChoose is told what there is to say of the chosen unit
 */
export function attachUnfolded(root, network, onChoose) {
  const canvases = Object.fromEntries(LAYERS.map((name) => [name, layerCanvas(name)]));
  const links = make("canvas", { className: "links", ariaHidden: "true" });
  const cursors = Object.fromEntries(LAYERS.map((name) => [name, 0]));
  let [pointed, focused] = [null, null];
  let [layers, grid] = [null, null];
  let [places, width] = [null, 1];
  const [input, maps1, ...rest] = LAYERS.map(figure);
  const turn = make("div", { className: "turn" });
  root.append(make("h2", {}, "What does it make of it?"), input, maps1, turn, ...rest, links);

  function choose() {
    paint();
    LAYERS.forEach(describeControl);
    const chosen = pointed ?? focused;
    onChoose(chosen && layers ? describe(chosen, cursors[chosen]) : null);
  }

  function pointAt(name, event) {
    const { scale } = places[name];
    cursors[name] = unitNear(PLAN[name], event.offsetX / scale, event.offsetY / scale);
    pointed = name;
    choose();
  }

  function leave() {
    pointed = null;
    choose();
  }

  function focus(name) {
    focused = name;
    if (!pointed && layers) cursors[name] = indexOfMost(layers[name]);
    choose();
  }

  function blur() {
    focused = null;
    choose();
  }

  function press(name, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") [pointed, focused] = [null, null];
    else if (moves(name, event.key)) focused = name;
    else return;
    event.preventDefault();
    choose();
  }

  /** Whether a key moved the cursor of a layer. */
  function moves(name, key) {
    const [layer, unit] = [PLAN[name], cursors[name]];
    const [last, tile] = [layer.tiles * layer.side ** 2 - 1, layer.side ** 2];
    const to = {
      Home: 0,
      End: last,
      PageUp: Math.max(unit - tile, unit % tile),
      PageDown: Math.min(unit + tile, last - tile + 1 + (unit % tile)),
    };
    if (key in ARROWS) cursors[name] = neighbour(layer, unit, ...ARROWS[key]);
    else if (key in to) cursors[name] = to[key];
    else return false;
    return true;
  }

  function layerCanvas(name) {
    const canvas = make("canvas", {
      tabIndex: 0,
      role: "slider",
      ariaLabel: PLAN[name].name,
      ariaValueMin: "1",
      ariaValueMax: String(PLAN[name].tiles * PLAN[name].side ** 2),
    });
    canvas.dataset.layer = name;
    canvas.addEventListener("pointerdown", (event) => pointAt(name, event));
    canvas.addEventListener("pointermove", (event) => pointAt(name, event));
    canvas.addEventListener("pointerleave", leave);
    canvas.addEventListener("pointercancel", leave);
    canvas.addEventListener("focus", () => focus(name));
    canvas.addEventListener("blur", blur);
    canvas.addEventListener("keydown", (event) => press(name, event));
    return canvas;
  }

  function figure(name) {
    const caption = make("figcaption", { ariaHidden: "true" }, PLAN[name].caption);
    const made = make("figure", {}, canvases[name], caption);
    const { width, height } = extent(PLAN[name]);
    // As wide as its share of the row, so that all layers of a row are of one height.
    made.style.setProperty("--ratio", width / height);
    return made;
  }

  function describeControl(name) {
    const canvas = canvases[name];
    canvas.ariaValueNow = String(cursors[name] + 1);
    canvas.ariaValueText = layers ? describe(name, cursors[name]) : "nothing drawn";
  }

  function describe(name, unit) {
    const what = nameOf(PLAN[name], unit);
    if (name === "input") return `${capital(what)}: ${grid[unit]} of 255.`;
    const { from, contributions } = network.feeds(layers, name, unit);
    return `${capital(what)}: ${valueOf(name, unit)}. ${sources(from, contributions)}`;
  }

  function valueOf(name, unit) {
    const value = layers[name][unit].toFixed(2);
    return name === "logits" ? `${share(layers.probabilities[unit])}, logit ${value}` : value;
  }

  function paint() {
    const colours = coloursOf(root);
    const chosen = pointed ?? focused;
    const feeds = chosen && chosen !== "input" && layers ? network.feeds(layers, chosen, cursors[chosen]) : null;
    for (const name of LAYERS) paintLayer(name, colours, feeds?.from === name ? feeds.contributions : null);
    if (chosen && layers) markChosen(chosen, colours);
    paintLinks(colours, chosen, feeds);
  }

  function paintLayer(name, colours, contributions) {
    const layer = PLAN[name];
    const sheet = sheetOf(name);
    for (let tile = 0; tile < layer.tiles; tile++) {
      const { x, y } = tileAt(layer, tile);
      sheet.frame(colours.line, x, y, layer.side);
    }
    if (!layers) return name === "logits" && label(sheet, colours);
    const values = name === "logits" ? layers.probabilities : name === "input" ? grid : layers[name];
    fillUnits(sheet, layer, values, contributions ? 0.25 : 1, () => colours.ink);
    if (name === "logits") label(sheet, colours);
    if (!contributions) return;
    const sides = (value) => (value > 0 ? colours.accent : colours.against);
    fillUnits(sheet, layer, contributions, 1, sides);
  }

  /** The ten answers in figures, the likeliest in the accent. */
  function label(sheet, colours) {
    const best = layers ? indexOfMost(layers.probabilities) : -1;
    const size = Math.max(0.7, SMALLEST / places.logits.scale);
    for (let digit = 0; digit < 10; digit++) {
      const { y } = unitAt(PLAN.logits, digit);
      const colour = digit === best ? colours.accent : colours.quiet;
      if (digit === best) sheet.fill(colour, layers.probabilities[digit], 0, y);
      sheet.text(String(digit), digit === best ? colour : colours.ink, size, 1.4, y + 0.5);
      if (!layers) continue;
      const right = extent(PLAN.logits).width;
      sheet.text(share(layers.probabilities[digit]), colour, size, right, y + 0.5, { align: "right" });
    }
  }

  function markChosen(name, colours) {
    const unit = cursors[name];
    const { x, y } = unitAt(PLAN[name], unit);
    sheetOver(name).mark(colours, x - 0.15, y - 0.15, 1.3);
    if (name === "input") return;
    const seen = field(layers, name, unit);
    if (seen.side < 28) sheetOver("input").mark(colours, seen.x, seen.y, seen.side);
  }

  function paintLinks(colours, chosen, feeds) {
    const sheet = new Sheet(links, width);
    if (!layers) return;
    if (!chosen) return trace(network, layers).forEach((edge) => link(sheet, colours.ink, 0.35, edge));
    if (!feeds) return;
    const most = Math.max(...feeds.contributions.map(Math.abs));
    for (const unit of strongest(feeds.contributions.map(Math.abs), LINKS)) {
      const part = feeds.contributions[unit];
      const colour = part > 0 ? colours.accent : colours.against;
      const edge = { from: [feeds.from, unit], to: [chosen, cursors[chosen]] };
      link(sheet, colour, Math.abs(part) / most, edge);
    }
  }

  function link(sheet, colour, opacity, { from, to, weight = 1 }) {
    sheet.link(colour, opacity * weight, middleOf(...from), middleOf(...to));
  }

  /** The middle of a unit, in pixels from the corner of the drawing. */
  function middleOf(name, unit) {
    const { x, y } = unitAt(PLAN[name], unit);
    const { left, top, scale } = places[name];
    return [left + (x + 0.5) * scale, top + (y + 0.5) * scale];
  }

  /** Where a layer stands and how large its units are; asked for rarely, for it makes the browser lay out. */
  function placeOf(name) {
    const { offsetLeft, offsetTop, clientWidth } = canvases[name];
    return { left: offsetLeft, top: offsetTop, scale: clientWidth / extent(PLAN[name]).width };
  }

  const sheetOf = (name) => new Sheet(canvases[name], extent(PLAN[name]).width);
  const sheetOver = (name) => new Sheet(canvases[name], extent(PLAN[name]).width, { keep: true });

  return {
    /** Show layers, or with null that nothing is drawn. */
    show(newLayers, newGrid) {
      [layers, grid] = [newLayers, newGrid];
      canvases.logits.dataset.probabilities = layers ? [...layers.probabilities].join(" ") : "";
      paint();
    },

    /** Say what is shown: to be called when it changes no more. */
    settle: choose,

    resize() {
      [...Object.values(canvases), links].forEach(sharpen);
      places = Object.fromEntries(LAYERS.map((name) => [name, placeOf(name)]));
      width = links.clientWidth;
      paint();
    },
  };
}

function fillUnits(sheet, layer, values, opacity, colourOf) {
  const most = Math.max(...values.map(Math.abs)) || 1;
  values.forEach((value, unit) => {
    if (value === 0) return;
    const { x, y } = unitAt(layer, unit);
    sheet.fill(colourOf(value), (opacity * Math.abs(value)) / most, x, y);
  });
}

/** What feeds a unit, in words: the strongest for it and the strongest against it. */
function sources(from, contributions) {
  const [most, least] = [Math.max(...contributions), Math.min(...contributions)];
  const source = (value) => `${nameOf(PLAN[from], contributions.indexOf(value))} (${signed(value)})`;
  const words = [
    most > 0 && `fed most by ${source(most)}`,
    least < 0 && `held back most by ${source(least)}`,
  ];
  return `${capital(words.filter(Boolean).join("; ") || "nothing feeds it")}.`;
}

/** The answer's way back: the strongest feeds of the strongest feeds, as edges between units. */
function trace(network, layers) {
  let units = [indexOfMost(layers.probabilities)];
  return LAYERS.slice(1).reverse().flatMap((name) => {
    const edges = units.flatMap((unit) => branches(network.feeds(layers, name, unit), name, unit));
    edges.sort((a, b) => b.strength - a.strength);
    units = [...new Set(edges.map(({ from }) => from[1]))].slice(0, TRACED);
    const most = edges[0]?.strength;
    return edges.map((edge) => ({ ...edge, weight: edge.strength / most }));
  });
}

function branches({ from, contributions }, name, unit) {
  return strongest(contributions, BRANCHES).map((source) => ({
    from: [from, source],
    to: [name, unit],
    strength: contributions[source],
  }));
}

/** Where the largest values above zero are, largest first. */
function strongest(values, count) {
  const positive = [...values.keys()].filter((i) => values[i] > 0);
  return positive.sort((a, b) => values[b] - values[a]).slice(0, count);
}

export const indexOfMost = (values) => values.indexOf(Math.max(...values));
const capital = (text) => text[0].toUpperCase() + text.slice(1);
