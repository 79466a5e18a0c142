/** Pictures from the file dialog, drag and drop, and the clipboard. */

/**
 * Accept files from inputs, from the clipboard, and dropped anywhere on the page.
 * @param {HTMLInputElement[]} inputs
 * @param {(file: File) => void} onFile receives the first picture, or the first file if none is one
 */
export function handlePictures(inputs, onFile) {
  function accept(files) {
    if (files.length > 0) onFile([...files].find(({ type }) => type.startsWith("image/")) ?? files[0]);
  }

  for (const input of inputs) {
    input.addEventListener("change", () => {
      accept(input.files);
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
