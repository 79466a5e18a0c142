/** Pictures from the file dialog, drag and drop, and the clipboard, reduced before they are sent. */

// Longer sides are scaled down to this; smaller pictures keep every pixel.
const MAX_SIDE = 1024;
const SVG = "image/svg+xml";

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
    const picture = await (file.type === SVG ? readStrokes(file) : shrink(file)).catch(() => null);
    // A newer file was chosen while this one was decoded.
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

async function readStrokes(file) {
  const { fromSVG } = await import("./svg_file.js");
  return fromSVG(await file.text());
}

/** Scale a picture down and encode it again: applies the EXIF orientation, drops other metadata. */
async function shrink(file) {
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(MAX_SIDE / Math.max(bitmap.width, bitmap.height), 1);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(Math.round(bitmap.width * scale), 1);
  canvas.height = Math.max(Math.round(bitmap.height * scale), 1);
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  // JPEG makes large photos small, but turns transparent pixels black.
  const isPhoto = scale < 1 && file.type !== "image/png" && isOpaque(context);
  const type = isPhoto ? "image/jpeg" : "image/png";
  return { source: canvas.toDataURL(type, 0.92), width: canvas.width, height: canvas.height };
}

function isOpaque(context) {
  const { data } = context.getImageData(0, 0, context.canvas.width, context.canvas.height);
  for (let alpha = 3; alpha < data.length; alpha += 4) if (data[alpha] < 255) return false;
  return true;
}
