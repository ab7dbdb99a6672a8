// On every page: buttons that copy a text.

for (const button of document.querySelectorAll<HTMLButtonElement>("button[data-copy]")) {
  const from = document.getElementById(button.dataset["copy"] ?? "");
  // Not on http:// other than this machine; the text can be marked by hand there.
  if (!from || !navigator.clipboard) continue;
  button.hidden = false;
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const copied = await navigator.clipboard.writeText(from.textContent ?? "").then(
      () => true,
      () => false,
    );
    button.textContent = copied ? "Copied" : "Not copied";
    setTimeout(() => (button.textContent = label), 2000);
  });
}

export {};
