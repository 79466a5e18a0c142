/** Pictures: chosen, dropped or pasted, and made small before they leave the page. */

// Larger pictures say no more about their digits. Small ones stay as they are, to the pixel.
const LONGEST = 1024;

/**
 * Take pictures from an input, from the clipboard, and dropped onto an element.
 * @param {{input: HTMLInputElement, target: HTMLElement, onPicture: Function, onRefused: Function}} of
 *   onPicture({ source, width, height }) is told each picture, as a data URL; onRefused() that a
 *   file is none.
 */
export function takePictures({ input, target, onPicture, onRefused }) {
  let newest = null;

  async function take(files) {
    const file = [...files].find(({ type }) => type.startsWith("image/"));
    if (!file) return files.length > 0 && onRefused();
    newest = file;
    const picture = await shrink(file).catch(() => null);
    // Another was chosen while this one was decoded.
    if (newest !== file) return;
    if (picture) onPicture(picture);
    else onRefused();
  }

  input.addEventListener("change", async () => {
    await take(input.files);
    // The same file may be chosen again.
    input.value = "";
  });
  addEventListener("paste", (event) => take(event.clipboardData.files));
  target.addEventListener("dragover", (event) => event.preventDefault());
  target.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

/** A picture as its maker meant it to be turned, without all else its file may tell (the place). */
async function shrink(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(LONGEST / Math.max(bitmap.width, bitmap.height), 1);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(Math.round(bitmap.width * scale), 1);
  canvas.height = Math.max(Math.round(bitmap.height * scale), 1);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  // A photo as JPEG, for it is large; anything else as it is. JPEG would blacken what can be seen through.
  const isPhoto = scale < 1 && file.type !== "image/png" && isOpaque(context);
  const type = isPhoto ? "image/jpeg" : "image/png";
  return { source: canvas.toDataURL(type, 0.92), width: canvas.width, height: canvas.height };
}

function isOpaque(context) {
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] < 255) return false;
  return true;
}
