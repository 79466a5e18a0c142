/** Visits of this browser, and a line that invites to draw: another one on each visit. */

const KEY = "visits";
const INVITATIONS = [
  "Write your birth year.",
  "Draw a 4 that is nearly a 9.",
  "Can you fool it?",
  "Try your worst handwriting.",
  "Write two digits without lifting the pen.",
  "Draw a 7 with a bar, or a 0 with a slash.",
];

/** Count this visit; return the number of earlier ones, 0 without storage. */
export function countVisit(storage) {
  const before = Number.parseInt(storage.getItem(KEY), 10) || 0;
  storage.setItem(KEY, before + 1);
  return before;
}

export const invitation = (earlierVisits) => INVITATIONS[earlierVisits % INVITATIONS.length];
