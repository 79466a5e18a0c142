/** Shortcuts by character, or by physical position on keyboards without these characters. */

/**
 * Return the shortcut of a keydown event: a digit, a lowercase letter, " " or a key's name.
 * AZERTY types digits only with Shift; other keyboards type Cyrillic letters, Arabic or full-width
 * digits.
 */
export function shortcut({ key, code, shiftKey }) {
  if (/^[0-9a-z ]$/i.test(key)) return key.toLowerCase();
  const isCharacter = key.length === 1 || key === "Process" || key === "Dead";
  const position = /^(?:Digit|Numpad|Key)([0-9A-Z])$/.exec(code);
  return isCharacter && position && !shiftKey ? position[1].toLowerCase() : key;
}
