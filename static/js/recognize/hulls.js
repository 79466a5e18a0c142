/**
 * Hulls of the parts of a drawing, and the gaps between them: the same operations as
 * ml/preprocessing/hulls.py. A hull is the extent of a part to the right and to the left along each
 * slant, down and up.
 */

/** Slopes of the lines along which gaps are measured (dx per dy, leftwards). */
const SLANTS = [0, -0.2, 0.2, 0.4, 0.6];
export const [RIGHT, LEFT, DOWN, UP] = [0, SLANTS.length, 2 * SLANTS.length, 2 * SLANTS.length + 1];
const EMPTY = Array(UP + 1).fill(-Infinity);

/** Return the hull of points [x, y, …]. */
export function hull(points) {
  const extents = [...EMPTY];
  for (const [x, y] of points) {
    for (let i = 0; i < SLANTS.length; i++) {
      const slanted = x + SLANTS[i] * y;
      if (slanted > extents[RIGHT + i]) extents[RIGHT + i] = slanted;
      if (-slanted > extents[LEFT + i]) extents[LEFT + i] = -slanted;
    }
    if (y > extents[DOWN]) extents[DOWN] = y;
    if (-y > extents[UP]) extents[UP] = -y;
  }
  return extents;
}

/** Return the hull of several parts. */
export const union = (hulls) =>
  hulls.reduce((one, other) => one.map((extent, i) => Math.max(extent, other[i])), EMPTY);

export const heightOf = (extents) => extents[DOWN] + extents[UP];

export const widthOf = (extents) => narrowest(extents, extents);

/** Return the slant along which a part is narrowest; positive if it leans to the right. */
export function slantOf(extents) {
  const widths = SLANTS.map((_, i) => extents[RIGHT + i] + extents[LEFT + i]);
  return SLANTS[widths.indexOf(Math.min(...widths))];
}

/**
 * Return the widest gap along any slant after each part but the last; negative if they overlap. A gap
 * lies between all parts before it and all parts after it.
 */
export function gapsIn(row) {
  const after = accumulate([...row].reverse()).reverse();
  return accumulate(row)
    .slice(0, -1)
    .map((before, i) => -narrowest(before, after[i + 1]));
}

/** Return the hull of each part and all parts before it. */
function accumulate(row) {
  let all = EMPTY;
  return row.map((part) => (all = union([all, part])));
}

/** Return the least sum of the right extent of one hull and the left extent of another. */
function narrowest(one, other) {
  return Math.min(...SLANTS.map((_, i) => one[RIGHT + i] + other[LEFT + i]));
}
