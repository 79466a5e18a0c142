/** Pictures from the file dialog, drag and drop, and the clipboard. */

/**
 * Accept pictures from inputs, from the clipboard, and dropped anywhere on the page.
 * @param {{inputs: HTMLInputElement[], onPicture: Function, onInvalid: Function}} options
 *   onPicture({ source, width, height }) receives each picture as a data URL, or { strokes, side } of
 *   an SVG file of this page; onInvalid() is called for a file that is neither
 */
export function handlePictures({ inputs, onPicture, onInvalid }) {
  let newest = null;

  async function accept(files) {
    const file = [...files].find(({ type }) => type.startsWith("image/"));
    if (!file) return files.length > 0 && onInvalid();
    newest = file;
    const reading = import("./picture_file.js").then(({ toPicture }) => toPicture(file));
    const picture = await reading.catch(() => null);
    // A newer file was chosen while this one was read.
    if (newest !== file) return;
    if (picture) onPicture(picture);
    else onInvalid();
  }

  for (const input of inputs) {
    input.addEventListener("change", async () => {
      await accept(input.files);
      // Otherwise choosing the same file again fires no event.
      input.value = "";
    });
  }
  addEventListener("paste", (event) => accept(event.clipboardData.files));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    accept(event.dataTransfer.files);
  });
}
