/** Hairlines and squares on canvases, in the colors of the style sheet and the pixels of the screen. */

const NAMES = ["ink", "sheet", "quiet", "line", "accent", "against"];

/** The colors that hold where an element stands. */
export function colorsOf(element) {
  const style = getComputedStyle(element);
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/** Give a canvas one pixel for each that the screen has there. */
export function sharpen(canvas) {
  const pixels = (length) => Math.max(Math.round(length * devicePixelRatio), 1);
  const [width, height] = [pixels(canvas.clientWidth), pixels(canvas.clientHeight)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}

/**
 * A canvas to draw on in units of one's own, clean unless what is there is to be kept.
 * @param {number} width how many units the canvas is wide
 * @param {number} height how many units must fit, where rounding leaves the canvas a little low
 */
export class Sheet {
  constructor(canvas, width, height = 0, { keep = false } = {}) {
    this.context = canvas.getContext("2d");
    if (!keep) this.context.clearRect(0, 0, canvas.width, canvas.height);
    this.scale = Math.min(canvas.width / width, canvas.height / height);
  }

  /** Fill a rectangle, its edges on whole pixels, so that neighbors meet without a seam. */
  fill(color, opacity, x, y, width = 1, height = width) {
    const [left, top] = [this.#at(x), this.#at(y)];
    this.context.globalAlpha = opacity;
    // To set a color is to parse it, and most units have that of the one before.
    if (color !== this.color) this.context.fillStyle = this.color = color;
    this.context.fillRect(left, top, this.#at(x + width) - left, this.#at(y + height) - top);
  }

  /** A hairline around a rectangle, some hairlines wide. */
  frame(color, x, y, width, height = width, hairlines = 1) {
    const line = Math.max(Math.round(devicePixelRatio), 1) * hairlines;
    const [left, top] = [this.#at(x) + line / 2, this.#at(y) + line / 2];
    this.context.globalAlpha = 1;
    this.context.strokeStyle = color;
    this.context.lineWidth = line;
    this.context.strokeRect(
      left,
      top,
      this.#at(x + width) - this.#at(x) - line,
      this.#at(y + height) - this.#at(y) - line,
    );
  }

  /** A frame that can be seen on paper and on ink. */
  mark(colors, x, y, width, height = width) {
    this.frame(colors.sheet, x, y, width, height, 3);
    this.frame(colors.ink, x, y, width, height, 2);
  }

  /** A curve between two points that leaves and arrives level. */
  link(color, opacity, [fromX, fromY], [toX, toY]) {
    const scaled = [fromX, fromY, (fromX + toX) / 2, fromY, (fromX + toX) / 2, toY, toX, toY];
    const [startX, startY, ...rest] = scaled.map((length) => length * this.scale);
    this.context.globalAlpha = opacity;
    this.context.strokeStyle = color;
    this.context.lineWidth = Math.max(devicePixelRatio, 1);
    this.context.beginPath();
    this.context.moveTo(startX, startY);
    this.context.bezierCurveTo(...rest);
    this.context.stroke();
  }

  /** Fill between two lines, each of heights at the same places. */
  area(color, opacity, places, above, below) {
    const { context, scale } = this;
    context.globalAlpha = opacity;
    context.fillStyle = this.color = color;
    context.beginPath();
    places.forEach((x, i) => context.lineTo(x * scale, above[i] * scale));
    for (let i = places.length - 1; i >= 0; i--) context.lineTo(places[i] * scale, below[i] * scale);
    context.fill();
  }

  /** Text whose middle is at a height; `size` is its height in units. */
  text(text, color, size, x, y, align = "left") {
    this.context.font = `${size * this.scale}px system-ui, sans-serif`;
    this.context.textAlign = align;
    this.context.textBaseline = "middle";
    this.context.globalAlpha = 1;
    this.context.fillStyle = this.color = color;
    this.context.fillText(text, x * this.scale, y * this.scale);
  }

  #at(length) {
    return Math.round(length * this.scale);
  }
}

/** Make an element; what is no property of it is an attribute. */
export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/**
 * Work through a generator, a few milliseconds a frame; returns what stops it.
 * @param {(result: any) => void} done is told what the generator returns
 */
export function spread(work, done, budget = 4) {
  let frame = requestAnimationFrame(function slice() {
    const end = performance.now() + budget;
    let step = work.next();
    while (!step.done && performance.now() < end) step = work.next();
    if (step.done) return done(step.value);
    frame = requestAnimationFrame(slice);
  });
  return () => cancelAnimationFrame(frame);
}
