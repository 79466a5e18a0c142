/** The browser's storages, which may be forbidden, full or corrupt. No DOM: also runs in Node. */

/**
 * Return a storage without errors: forbidden, it is empty; forbidden or full, it stores nothing.
 * @param {() => Storage} getStorage throws a DOMException if storage is forbidden
 */
export function openStorage(getStorage) {
  function attempt(action, fallback) {
    try {
      return action(getStorage());
    } catch (error) {
      if (!(error instanceof DOMException || error instanceof SyntaxError)) throw error;
      return fallback;
    }
  }

  return {
    keys: () => attempt(Object.keys, []),
    getItem: (key) => attempt((storage) => storage.getItem(key), null),
    /** Return a value stored as JSON; null if there is none. */
    parse: (key) => attempt((storage) => JSON.parse(storage.getItem(key)), null),
    /** Return whether the text was stored. */
    setItem: (key, text) => attempt((storage) => storage.setItem(key, text) ?? true, false),
    removeItem: (key) => attempt((storage) => storage.removeItem(key)),
  };
}
