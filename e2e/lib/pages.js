// Every page of the site, as a visitor knows it.

/**
 * @typedef {object} Page
 * @property {string} name of its pictures
 * @property {string} path
 * @property {string} title its heading, and the second half of its title
 * @property {number} status
 * @property {string[]} [steps] selectors of what its script brings
 * @property {string} [settled] selector of what is there once its script has done its work
 */

/** @type {Page[]} */
export const PAGES = [
  page("home", "/", "Overview"),
  page("api", "/api", "API"),
  page("api-reference", "/api/reference", "API Reference"),
  page("contact", "/contact", "Contact Us"),
  page("downloads", "/downloads", "Downloads"),
  page("map", "/map", "Map", {
    steps: ["#map canvas", "#map-date time"], settled: "#map[data-state=ready]",
  }),
  page("locate", "/locate", "Locate Me", { settled: "#locate-demonstration option" }),
  page("optout", "/optout", "Opt-Out"),
  page("privacy", "/privacy", "Privacy Notice"),
  page("terms", "/terms", "Developer Terms of Service"),
  page("stats", "/stats", "Statistics", { settled: "#wifi_chart svg" }),
  page("stats-regions", "/stats/regions", "Regions", { settled: "#region-stats th[aria-sort]" }),
  page("not-found", "/nothing/here", "Not Found", { status: 404 }),
];

function page(name, path, title, rest = {}) {
  return { name, path, title, status: 200, ...rest };
}

/** The page with this name. */
export function named(name) {
  return PAGES.find((page) => page.name === name);
}

/** Waits until the script of a page has done its work. */
export async function settled(page, { settled, steps = [] }) {
  for (const selector of steps) await page.waitForSelector(selector, { state: "attached" });
  if (!settled) return;
  // What was just put on the map is drawn with the next picture.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  await page.waitForSelector(settled, { state: "attached" });
}
