/**
 * Recognition in the page, with the serving model: strokes in, a prediction out, as on the server by
 * ml/recognition.py. No DOM: also runs in Node.
 */

import { extentOf } from "./distances.js";
import { HandMemory } from "./hand_memory.js";
import { LINE_HEIGHT, splitLines } from "./layout.js";
import { Lattice, MAX_PARTS } from "./lattice.js";
import { LeNet } from "./lenet.js";
import { splitPunctuation } from "./punctuation.js";
import { rasterize } from "./rasterize.js";
import { segmentStrokes } from "./segmentation.js";

const MAX_LINES = 20;
const DOWNLOAD_TIMEOUT = 10_000; // milliseconds
/** The probabilities of a candidate that has not been classified yet. */
const UNKNOWN = Array(10).fill(0.1);
const NON_DIGIT = { digit: null, verdict: "not a digit", isAdapted: false };

export class Recognizer {
  // Reused by every run.
  #layers;
  // Of the last drawing: numbers of strokes by their points, and the results of `#run` by candidate.
  #strokeNumbers = new Map();
  #results = new Map();
  #nextNumber = 0;

  /**
   * @param {LeNet} network
   * @param {HandMemory} [memory] adapts predictions to the visitor's hand
   */
  constructor(network, memory = new HandMemory()) {
    [this.network, this.version, this.memory] = [network, network.version, memory];
    this.#layers = network.run(rasterize([]));
  }

  /**
   * Predict strokes of points [x, y, …]. Candidates of the last drawing are not classified again.
   * @param {number} maxRuns most candidates to classify, the shortest first; the others count as unlike
   *   any digit
   * @returns a prediction as in the API, with images as Uint8Array[784] and `isAdapted`, whether the
   *   memory changed the digit
   */
  predict(strokes, maxRuns = Infinity) {
    const drawn = strokes.filter((points) => points.length > 0);
    const lines = segmentLines(drawn);
    this.#nameCandidates(lines, drawn);
    this.#classify(lines, maxRuns);
    const digits = lines.flatMap((line) => this.#choose(line));
    return { text: joinLines(digits), digits, model: this.version };
  }

  /** Predict strokes as one digit, without segmentation. */
  predictDigit(strokes) {
    const result = this.#run(rasterize(strokes));
    return this.#describe(result, this.#adapt(result));
  }

  /** Give each candidate a key that depends on its points only. */
  #nameCandidates(lines, strokes) {
    const contents = strokes.map((points) => points.map(([x, y]) => `${x},${y}`).join(" "));
    const numbers = contents.map((content) => this.#strokeNumbers.get(content) ?? this.#nextNumber++);
    this.#strokeNumbers = new Map(contents.map((content, i) => [content, numbers[i]]));
    const nameOf = ({ stroke, start, end }) => `${numbers[stroke]}:${start}-${end}`;
    for (const candidate of lines.flatMap(({ candidates }) => candidates)) {
      candidate.key = candidate.pieces.map(nameOf).join();
    }
  }

  /** Classify new candidates and forget those of earlier drawings. */
  #classify(lines, maxRuns) {
    const candidates = lines.flatMap((line) => line.candidates);
    const earlier = this.#results;
    this.#results = new Map();
    for (const { key } of candidates) if (earlier.has(key)) this.#results.set(key, earlier.get(key));
    const shortestFirst = candidates.sort((a, b) => a.pieces.length - b.pieces.length);
    let runs = 0;
    for (const { key, strokes } of shortestFirst) {
      if (this.#results.has(key)) continue;
      if (++runs > maxRuns) return;
      this.#results.set(key, this.#run(rasterize(strokes)));
    }
  }

  #run(image) {
    const { logits, probabilities } = this.network.run(image, this.#layers);
    return { image, logits: [...logits], probabilities: [...probabilities] };
  }

  /** Return the probabilities of a result, adapted to the visitor's hand. */
  #adapt(result) {
    const { size, revision } = this.memory;
    if (size === 0) return result.probabilities;
    if (result.revision !== revision) {
      const logits = this.memory.adapt(result.logits, result.image);
      [result.adapted, result.revision] = [[...this.network.probabilitiesOf(logits)], revision];
    }
    return result.adapted;
  }

  /** Return the digits of the best segmentation of a line. */
  #choose({ candidates, lattice }) {
    const results = candidates.map(({ key }) => this.#results.get(key));
    const adapted = results.map((result) => (result ? this.#adapt(result) : UNKNOWN));
    return lattice.bestPath(adapted).map(({ index, isMark, touches }) => {
      const { strokes } = candidates[index];
      const result = results[index] ?? { image: rasterize(strokes), probabilities: UNKNOWN };
      const digit = { ...this.#describe(result, adapted[index]), box: boxOf(strokes) };
      if (isMark) return asMark(digit);
      // Digits that touch may be one letter.
      return touches ? asUnsure(digit) : digit;
    });
  }

  /** Return the digit of a result with its adapted probabilities. */
  #describe({ image, probabilities }, adapted) {
    const found = this.#read(adapted);
    const isAdapted = found.digit !== this.#read(probabilities).digit;
    return { ...found, confidence: Math.max(...adapted), probabilities: adapted, image, isAdapted };
  }

  /** Return the verdict and the digit of probabilities. */
  #read(probabilities) {
    const verdict = verdictOf(probabilities, this.network.thresholds);
    if (verdict === "not a digit") return NON_DIGIT;
    return { digit: probabilities.indexOf(Math.max(...probabilities)), verdict };
  }
}

/**
 * Return the candidate digits of each line of strokes, top to bottom; of a line with punctuation, of
 * each piece, left to right.
 * @returns {{candidates: {pieces: object[], strokes: number[][][]}[], lattice: Lattice}[]}
 */
export function segmentLines(strokes) {
  const lines = splitLines(strokes)
    .flatMap((line) => splitPunctuation(strokes, line))
    .map(({ line, isMark }) => (isMark ? singlePiece(strokes, line, true) : segmentPiece(strokes, line)));
  const length = lines.reduce((sum, { lattice }) => sum + lattice.length, 0);
  if (length <= MAX_PARTS) return lines;
  return [singlePiece(strokes, [...strokes.keys()], false)];
}

/** Return some strokes of a drawing as one digit or mark. */
function singlePiece(strokes, line, isMark) {
  const pieces = line.map((stroke) => ({ stroke, start: 0, end: strokes[stroke].length }));
  return { candidates: [candidateOf(strokes, pieces)], lattice: Lattice.single([0], isMark) };
}

function segmentPiece(strokes, line) {
  const { groups, lattice } = segmentStrokes(strokes, line);
  return { candidates: groups.map((pieces) => candidateOf(strokes, pieces)), lattice };
}

function candidateOf(strokes, pieces) {
  return { pieces, strokes: pieces.map(({ stroke, start, end }) => strokes[stroke].slice(start, end)) };
}

/** Return the bounding box [left, top, width, height] of strokes. */
function boxOf(strokes) {
  const [left, top, right, bottom] = extentOf(strokes.flat());
  return [left, top, right - left, bottom - top];
}

/** Return the characters of digits with boxes, with a newline between lines. */
function joinLines(digits) {
  const boxes = digits.map(({ box }) => box);
  const isBreak = boxes.map((_, i) => i > 0 && isLineBreak(boxes.slice(0, i), boxes.slice(i)));
  // More lines are not handwriting and become one.
  const isText = isBreak.filter(Boolean).length < MAX_LINES;
  return digits.map(({ digit }, i) => (isText && isBreak[i] ? "\n" : "") + (digit ?? "?")).join("");
}

/** Return whether digits are below all earlier ones and not to the right of the last one. */
function isLineBreak(before, after) {
  const top = Math.min(...after.map(([, y]) => y));
  const bottomOf = (boxes) => Math.max(...boxes.map(([, y, , height]) => y + height));
  const [last, first] = [before.at(-1), after[0]];
  const isLeft = first[0] <= last[0] + last[2];
  return isLeft && top >= bottomOf(before) && bottomOf(after) - top >= LINE_HEIGHT * last[3];
}

/** Return a digit as a mark. */
export const asMark = (digit) => ({ ...digit, ...NON_DIGIT });

/** Return a digit with at most the verdict "unsure". */
export const asUnsure = (digit) => (digit.verdict === "digit" ? { ...digit, verdict: "unsure" } : digit);

/** Return the verdict of the probabilities of a digit that touches no other, as on the server. */
export function verdictOf(probabilities, { digit, sure }) {
  const [first, second] = [...probabilities].sort((a, b) => b - a);
  if (first + second < digit) return "not a digit";
  return first >= sure ? "digit" : "unsure";
}

/** Fetch the serving model. Throws an Error if it is unavailable or not a LeNet. */
export async function fetchRecognizer(url, memory) {
  const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT) });
  if (!response.ok) throw new Error(`The server answered with status ${response.status}.`);
  return new Recognizer(new LeNet(new Uint8Array(await response.arrayBuffer())), memory);
}
