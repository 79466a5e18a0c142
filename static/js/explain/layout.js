/**
 * Where the units of each layer stand in the drawing of the network. A layer is tiles in rows
 * (`across` beside one another); a tile is a square of units, one map or a single unit. Lengths are in
 * units: the side of one unit is 1, and tiles are `gap` apart. The answers have room for figures.
 */

export const PLAN = {
  input: { name: "28 × 28 pixels", caption: "28 × 28", unit: "pixel", ...grid(1, 28, 1, 0) },
  maps1: { name: "6 maps", caption: "6 maps", unit: "map", ...grid(6, 12, 2, 2) },
  maps2: { name: "16 maps", caption: "16 maps", unit: "map", ...grid(16, 4, 4, 1) },
  dense1: { name: "120 units", caption: "120", unit: "unit", ...grid(120, 1, 5, 0.25) },
  dense2: { name: "84 units", caption: "84", unit: "unit", ...grid(84, 1, 4, 0.25) },
  logits: { name: "10 answers", caption: "10", unit: "digit", ...grid(10, 1, 1, 0.25), room: 5 },
};

function grid(tiles, side, across, gap) {
  return { tiles, side, across, gap };
}

export const LAYERS = Object.keys(PLAN);

/** Width and height of a layer. */
export function extent({ tiles, side, across, gap, room = 0 }) {
  const along = (count) => count * side + (count - 1) * gap;
  return { width: along(across) + room, height: along(Math.ceil(tiles / across)) };
}

/** The upper left corner of a tile. */
export function tileAt({ side, across, gap }, tile) {
  const pitch = side + gap;
  return { x: (tile % across) * pitch, y: Math.floor(tile / across) * pitch };
}

/** The upper left corner of a unit. */
export function unitAt(layer, unit) {
  const area = layer.side * layer.side;
  const corner = tileAt(layer, Math.floor(unit / area));
  const [row, column] = [Math.floor((unit % area) / layer.side), unit % layer.side];
  return { x: corner.x + column, y: corner.y + row };
}

/** The unit at a point; of one in a gap, the unit before it. */
export function unitNear(layer, x, y) {
  const rows = Math.ceil(layer.tiles / layer.across);
  return unitOf(layer, lineAt(layer, x, layer.across), lineAt(layer, y, rows));
}

/** The unit that lies some columns and rows away, stopping at the edges. */
export function neighbor(layer, unit, columns, rows) {
  const { x, y } = unitAt(layer, unit);
  const height = Math.ceil(layer.tiles / layer.across);
  const column = stay(lineAt(layer, x, layer.across) + columns, layer.across * layer.side);
  const row = stay(lineAt(layer, y, height) + rows, height * layer.side);
  return unitOf(layer, column, row);
}

/** What a unit is called. */
export function nameOf(layer, unit) {
  const { unit: noun, tiles, side } = layer;
  const [tile, place] = [Math.floor(unit / side ** 2), unit % side ** 2];
  if (noun === "digit") return `digit ${unit}`;
  if (side === 1) return `unit ${unit + 1} of ${tiles}`;
  const at = `row ${Math.floor(place / side) + 1}, column ${(place % side) + 1}`;
  return tiles === 1 ? `${noun} in ${at}` : `${noun} ${tile + 1} of ${tiles}, ${at}`;
}

const stay = (value, count) => Math.min(Math.max(value, 0), count - 1);

/** Which line of units, gaps not counted, a length falls into. */
function lineAt({ side, gap }, length, tiles) {
  const tile = stay(Math.floor(length / (side + gap)), tiles);
  return tile * side + stay(Math.floor(length - tile * (side + gap)), side);
}

function unitOf({ tiles, side, across }, column, row) {
  const tile = Math.floor(row / side) * across + Math.floor(column / side);
  return Math.min(tile, tiles - 1) * side * side + (row % side) * side + (column % side);
}
