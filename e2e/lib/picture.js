// What pictures show, as far as a test can tell. The browser itself reads them.

/** How different two values of a colour have to be to look different, 0 to 255. */
const NOTICEABLE = 12;

/** The share of points that look different in two pictures (PNG) of the same size, 0 to 1. */
export async function difference(browser, one, other) {
  return inBlankPage(browser, [one, other], ([first, second], noticeable) => {
    let changed = 0;
    for (let at = 0; at < first.length; at += 4) {
      const isChanged = [0, 1, 2].some((c) => Math.abs(first[at + c] - second[at + c]) > noticeable);
      if (isChanged) changed += 1;
    }
    return changed / (first.length / 4);
  });
}

/** The colours that cover at least this share of a picture, as `r,g,b`. */
export async function mainColours(browser, picture, share) {
  return inBlankPage(browser, [picture], ([points], least) => {
    const counts = new Map();
    for (let at = 0; at < points.length; at += 4) {
      const colour = points.slice(at, at + 3).join();
      counts.set(colour, (counts.get(colour) ?? 0) + 1);
    }
    const all = points.length / 4;
    return [...counts].filter(([, count]) => count / all >= least).map(([colour]) => colour);
  }, share);
}

async function inBlankPage(browser, pictures, look, argument = NOTICEABLE) {
  const page = await browser.newPage();
  try {
    const encoded = pictures.map((picture) => picture.toString("base64"));
    return await page.evaluate(async ([encoded, look, argument]) => {
      const points = async (text) => {
        const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
        const bitmap = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
        const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext("2d");
        canvas.drawImage(bitmap, 0, 0);
        return canvas.getImageData(0, 0, bitmap.width, bitmap.height).data;
      };
      return new Function(`return (${look})`)()(await Promise.all(encoded.map(points)), argument);
    }, [encoded, look.toString(), argument]);
  } finally {
    await page.close();
  }
}
