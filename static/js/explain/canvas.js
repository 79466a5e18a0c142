/** Canvas helpers: painting in the units of a figure, with the page's colors at screen resolution. */

// Milliseconds of computation per frame.
const FRAME_BUDGET = 4;
const COLORS = ["ink", "surface", "quiet", "line", "accent", "negative"];

/** Return the page's colors, which depend on the color scheme. */
export function colorsOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(COLORS.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Give a canvas the resolution of the screen. */
export function setResolution(canvas) {
  const pixels = (length) => Math.max(Math.round(length * devicePixelRatio), 1);
  const [width, height] = [pixels(canvas.clientWidth), pixels(canvas.clientHeight)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/**
 * A painter on a canvas whose lengths are in units of the figure.
 * @param {number} width of the canvas in units
 * @param {number} height in units that must fit, although rounding may make the canvas too low
 * @param {{clear: boolean}} options clear the canvas first, the default
 */
export class Painter {
  constructor(canvas, width, height = 0, { clear = true } = {}) {
    this.context = canvas.getContext("2d");
    if (clear) this.context.clearRect(0, 0, canvas.width, canvas.height);
    this.scale = Math.min(canvas.width / width, canvas.height / height);
  }

  /** Fill a rectangle with its edges on whole pixels, so that neighbors leave no seam. */
  fill(color, opacity, x, y, width = 1, height = width) {
    const [left, top] = [this.#pixel(x), this.#pixel(y)];
    this.context.globalAlpha = opacity;
    // Setting fillStyle parses the color, which is slow for thousands of equal units.
    if (color !== this.color) this.context.fillStyle = this.color = color;
    this.context.fillRect(left, top, this.#pixel(x + width) - left, this.#pixel(y + height) - top);
  }

  /** Paint a frame inside a rectangle; its line width is in CSS pixels. */
  frame(color, x, y, width, height = width, lineWidth = 1) {
    const line = Math.max(Math.round(devicePixelRatio), 1) * lineWidth;
    const [left, top] = [this.#pixel(x), this.#pixel(y)];
    this.context.globalAlpha = 1;
    this.context.strokeStyle = color;
    this.context.lineWidth = line;
    this.context.strokeRect(
      left + line / 2,
      top + line / 2,
      this.#pixel(x + width) - left - line,
      this.#pixel(y + height) - top - line,
    );
  }

  /** Paint a curve with horizontal ends between two points. */
  curve(color, opacity, [fromX, fromY], [toX, toY]) {
    const middle = (fromX + toX) / 2;
    const lengths = [fromX, fromY, middle, fromY, middle, toY, toX, toY];
    const [startX, startY, ...rest] = lengths.map((length) => length * this.scale);
    this.context.globalAlpha = opacity;
    this.context.strokeStyle = color;
    this.context.lineWidth = Math.max(devicePixelRatio, 1);
    this.context.beginPath();
    this.context.moveTo(startX, startY);
    this.context.bezierCurveTo(...rest);
    this.context.stroke();
  }

  /** Fill the area between two lines, given by their y at the same x. */
  area(color, opacity, xs, upper, lower) {
    const { context, scale } = this;
    context.globalAlpha = opacity;
    context.fillStyle = this.color = color;
    context.beginPath();
    xs.forEach((x, i) => context.lineTo(x * scale, upper[i] * scale));
    for (let i = xs.length - 1; i >= 0; i--) context.lineTo(xs[i] * scale, lower[i] * scale);
    context.fill();
  }

  /** Paint vertically centered text of a size in units. */
  text(text, color, size, x, y, align = "left") {
    this.context.font = `${size * this.scale}px system-ui, sans-serif`;
    this.context.textAlign = align;
    this.context.textBaseline = "middle";
    this.context.globalAlpha = 1;
    this.context.fillStyle = this.color = color;
    this.context.fillText(text, x * this.scale, y * this.scale);
  }

  #pixel(length) {
    return Math.round(length * this.scale);
  }
}

/** Create an element; names that are not DOM properties become attributes. */
export function createElement(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/**
 * Run a generator for a few milliseconds per frame; return a function that cancels it.
 * @param {(result: any) => void} onDone receives the generator's return value
 */
export function runInFrames(generator, onDone) {
  let frame = requestAnimationFrame(function slice() {
    const end = performance.now() + FRAME_BUDGET;
    let step = generator.next();
    while (!step.done && performance.now() < end) step = generator.next();
    if (step.done) return onDone(step.value);
    frame = requestAnimationFrame(slice);
  });
  return () => cancelAnimationFrame(frame);
}
