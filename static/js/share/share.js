/** Sharing of a drawing { strokes, side, text }: a link that contains its strokes, and a picture card. */

import { download, fileName } from "../draw/export.js";
import { toCard } from "./picture_card.js";
import { toFragment } from "./link.js";

/** Share or copy the link of a drawing; return a message for the visitor. */
export async function shareLink({ strokes, side }) {
  const fragment = toFragment(strokes, side);
  if (!fragment) return "The drawing is too large for a link. Download it as a file.";
  const url = `${location.origin}/${fragment}`;
  if (navigator.share) return offer({ title: document.title, url });
  try {
    await navigator.clipboard.writeText(url);
    return "Link copied. The link itself contains the drawing.";
  } catch {
    // Without permission, or over plain HTTP.
    prompt("Copy this link:", url);
    return "";
  }
}

/** Share or download the picture card of a drawing, with the session's model; return a message. */
export async function shareCard({ strokes, side, text = "" }, session) {
  await session.loadModel().catch(() => {});
  if (!session.recognizer) return "The card needs the model. Try again with a connection.";
  const predict = (strokes) => session.recognizer.predictDigit(strokes);
  const card = await toCard({ strokes, side, text }, predict);
  const name = `${fileName(text)}-card.png`;
  const files = [new File([card], name, { type: card.type })];
  if (navigator.canShare?.({ files })) return offer({ files });
  download(card, name);
  return "";
}

/** Open the sharing dialog of the system; the visitor may cancel it. */
async function offer(content) {
  try {
    await navigator.share(content);
    return "";
  } catch (error) {
    return error.name === "AbortError" ? "" : "Your browser cannot share this drawing.";
  }
}
