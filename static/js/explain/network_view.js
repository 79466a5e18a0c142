/**
 * The network as a drawing that reads from left to right. Every layer is one control: the pointer or
 * the arrow keys go through its units and show what feeds each.
 */

import { make } from "./canvas.js";
import { Picture } from "./network_canvas.js";
import { extent, LAYERS, neighbor, PLAN, unitNear } from "./layout.js";
import { indexOfMost } from "./influence.js";
import { describe } from "./wording.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @param {HTMLElement} root
 * @param {import("../recognize/lenet.js").Network} network
 * @param {(text: string | null) => void} onChoose is told what there is to say of the chosen unit
 */
export function attachUnfolded(root, network, onChoose) {
  const canvases = Object.fromEntries(LAYERS.map((name) => [name, control(name)]));
  const links = make("canvas", { className: "links", "aria-hidden": "true" });
  const picture = new Picture(network, canvases, links);
  const cursors = Object.fromEntries(LAYERS.map((name) => [name, 0]));
  // The layers that the pointer is over, that has the focus, and that got it by a press.
  let [pointed, focused, pressed] = [null, null, null];
  let shown = { layers: null, grid: null };
  const [input, maps1, ...rest] = LAYERS.map((name) => figure(name, canvases[name]));
  const turn = make("div", { className: "turn" });
  root.append(make("h2", {}, "What does it make of it?"), input, maps1, turn, ...rest, links);

  function paint() {
    picture.paint({ ...shown, chosen: chosen() });
  }

  /** The chosen unit as [layer, unit]; null when there is none. */
  function chosen() {
    const name = pointed ?? focused;
    return name && [name, cursors[name]];
  }

  function choose() {
    paint();
    for (const name of LAYERS) {
      canvases[name].setAttribute("aria-valuenow", cursors[name] + 1);
      canvases[name].setAttribute("aria-valuetext", text(name, cursors[name]) ?? "nothing drawn");
    }
    onChoose(chosen() && text(...chosen()));
  }

  function text(name, unit) {
    return shown.layers && describe(network, shown, name, unit);
  }

  function pointAt(name, { offsetX, offsetY }) {
    const scale = picture.scaleOf(name);
    cursors[name] = unitNear(PLAN[name], offsetX / scale, offsetY / scale);
    pointed = name;
    choose();
  }

  function leave() {
    pointed = null;
    choose();
  }

  function focus(name) {
    focused = name;
    if (pressed !== name && shown.layers) cursors[name] = indexOfMost(shown.layers[name]);
    choose();
  }

  function blur() {
    focused = pressed = null;
    choose();
  }

  function press(name, event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const unit = unitByKey(PLAN[name], cursors[name], event.key);
    if (unit === null && event.key !== "Escape") return;
    event.preventDefault();
    cursors[name] = unit ?? cursors[name];
    [pointed, focused] = [null, unit === null ? null : name];
    choose();
  }

  function control(name) {
    const { tiles, side } = PLAN[name];
    const range = { "aria-valuemin": 1, "aria-valuemax": tiles * side ** 2, "aria-valuenow": 1 };
    const said = { role: "slider", "aria-label": PLAN[name].name, "aria-valuetext": "nothing drawn" };
    const canvas = make("canvas", { tabIndex: 0, "data-layer": name, ...range, ...said });
    const heard = {
      pointerdown: (event) => {
        pressed = name;
        pointAt(name, event);
      },
      pointermove: (event) => pointAt(name, event),
      pointerleave: leave,
      pointercancel: leave,
      focus: () => focus(name),
      blur,
      keydown: (event) => press(name, event),
    };
    for (const [type, listener] of Object.entries(heard)) canvas.addEventListener(type, listener);
    return canvas;
  }

  return {
    /** Show layers, or with null that nothing is drawn. */
    show(layers, grid) {
      shown = { layers, grid };
      canvases.logits.dataset.probabilities = layers ? [...layers.probabilities].join(" ") : "";
      paint();
    },

    /** Say what is shown: to be called when it changes no more. */
    settle: choose,

    resize() {
      picture.resize();
      paint();
    },
  };
}

function figure(name, canvas) {
  const caption = make("figcaption", { "aria-hidden": "true" }, PLAN[name].caption);
  const made = make("figure", {}, canvas, caption);
  const { width, height } = extent(PLAN[name]);
  // As wide as its share of the row, so that all layers of a row are of one height.
  made.style.setProperty("--ratio", width / height);
  return made;
}

/** Where a key leads from a unit; null where it leads nowhere. */
function unitByKey(layer, unit, key) {
  const tile = layer.side ** 2;
  const last = layer.tiles * tile - 1;
  const to = {
    Home: 0,
    End: last,
    PageUp: unit < tile ? unit : unit - tile,
    PageDown: unit + tile > last ? unit : unit + tile,
  };
  return key in ARROWS ? neighbor(layer, unit, ...ARROWS[key]) : (to[key] ?? null);
}
