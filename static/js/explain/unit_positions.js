/**
 * Positions of the units in the figure of the network. A layer is a grid of maps; a map is a square
 * of units. The side of a unit is 1 and maps are `gap` apart.
 */

import { SHAPES } from "../recognize/lenet.js";

/** Layout of each layer; `columns` counts maps and `room` is the width for percentages. */
export const LAYOUT = {
  input: { ...SHAPES.input, columns: 1, gap: 0, noun: "pixel" },
  maps1: { ...SHAPES.maps1, columns: 3, gap: 2, noun: "map" },
  maps2: { ...SHAPES.maps2, columns: 4, gap: 1, noun: "map" },
  dense1: { ...SHAPES.dense1, columns: 10, gap: 0.25, noun: "unit" },
  dense2: { ...SHAPES.dense2, columns: 7, gap: 0.25, noun: "unit" },
  logits: { ...SHAPES.logits, columns: 1, gap: 0.25, noun: "digit", room: 6 },
};

export const LAYERS = Object.keys(LAYOUT);

/** Return the width and height of a layer. */
export function extent({ maps, side, columns, gap, room = 0 }) {
  const span = (count) => count * side + (count - 1) * gap;
  return { width: span(columns) + room, height: span(Math.ceil(maps / columns)) };
}

/** Return the upper left corner of a map. */
export function mapPosition({ side, columns, gap }, map) {
  const pitch = side + gap;
  return { x: (map % columns) * pitch, y: Math.floor(map / columns) * pitch };
}

/** Return the upper left corner of a unit. */
export function unitPosition(layer, unit) {
  const area = layer.side * layer.side;
  const corner = mapPosition(layer, Math.floor(unit / area));
  const [row, column] = [Math.floor((unit % area) / layer.side), unit % layer.side];
  return { x: corner.x + column, y: corner.y + row };
}

/** Return the unit at a point; a gap belongs to the unit before it. */
export function unitAt(layer, x, y) {
  const rows = Math.ceil(layer.maps / layer.columns);
  return unitIndex(layer, lineAt(layer, x, layer.columns), lineAt(layer, y, rows));
}

/** Return the unit some columns and rows away, stopping at the edges of the layer. */
export function neighbor(layer, unit, columns, rows) {
  const { x, y } = unitPosition(layer, unit);
  const mapRows = Math.ceil(layer.maps / layer.columns);
  const column = clampIndex(lineAt(layer, x, layer.columns) + columns, layer.columns * layer.side);
  const row = clampIndex(lineAt(layer, y, mapRows) + rows, mapRows * layer.side);
  return unitIndex(layer, column, row);
}

/** Return the name of a layer, such as "6 maps". */
export function layerName({ maps, side, noun }) {
  return noun === "pixel" ? `${side} × ${side} pixels` : `${maps} ${noun}s`;
}

/** Return the shape of a layer without lengths of 1, such as "6 × 12 × 12". */
export function layerShape({ maps, side }) {
  return [maps, side, side].filter((length) => length > 1).join(" × ");
}

/** Return the name of a unit, such as "map 2 of 6, row 1, column 1"; numbers start at 1. */
export function unitName({ noun, maps, side }, unit) {
  const [map, position] = [Math.floor(unit / side ** 2), unit % side ** 2];
  if (noun === "digit") return `digit ${unit}`;
  if (side === 1) return `unit ${unit + 1} of ${maps}`;
  const place = `row ${Math.floor(position / side) + 1}, column ${(position % side) + 1}`;
  return maps === 1 ? `${noun} in ${place}` : `${noun} ${map + 1} of ${maps}, ${place}`;
}

const clampIndex = (index, count) => Math.min(Math.max(index, 0), count - 1);

/** Return the column or row of units, gaps not counted, at a coordinate. */
function lineAt({ side, gap }, coordinate, mapCount) {
  const map = clampIndex(Math.floor(coordinate / (side + gap)), mapCount);
  return map * side + clampIndex(Math.floor(coordinate - map * (side + gap)), side);
}

function unitIndex({ maps, side, columns }, column, row) {
  const map = Math.floor(row / side) * columns + Math.floor(column / side);
  return Math.min(map, maps - 1) * side * side + (row % side) * side + (column % side);
}
