/** The browser's storages, which may be forbidden, full or corrupt. No DOM: also runs in Node. */

/**
 * Return a storage that throws no errors. A forbidden storage reads as empty. Writes to a forbidden or
 * full storage return false.
 * @param {() => Storage} getStorage throws a DOMException if storage is forbidden
 */
export function openStorage(getStorage) {
  function attempt(action, fallback) {
    try {
      return action(getStorage());
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      return fallback;
    }
  }

  return {
    keys: () => attempt(Object.keys, []),
    getItem: (key) => attempt((storage) => storage.getItem(key), null),
    /** Return a value stored as JSON; null if there is none. */
    getJSON: (key) => attempt((storage) => parseJSON(storage.getItem(key)), null),
    /** Return whether the text was stored. */
    setItem: (key, text) => attempt((storage) => storage.setItem(key, text) ?? true, false),
    removeItem: (key) => attempt((storage) => storage.removeItem(key)),
  };
}

/** Return the value of a JSON text; null if the text is null or invalid. */
export function parseJSON(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
