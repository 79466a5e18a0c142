/** Buttons that copy the text of the element before them. */

for (const button of document.querySelectorAll("button[data-copy]")) {
  // Browsers offer the clipboard only over HTTPS and on this machine.
  button.hidden = !navigator.clipboard;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.previousElementSibling.innerText);
    button.textContent = button.dataset.copy;
  });
}
