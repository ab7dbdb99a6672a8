// What pages weigh and how soon the first one is painted, as tables for docs/performance.md.

import { SCREENS } from "./lib/chromium.js";
import { PAGES, named, settled } from "./lib/pages.js";
import { prepare } from "./lib/scene.js";
import { visit } from "./lib/visit.js";
import { kindOf, weigh } from "./lib/weigh.js";

/** Visits of which the middle one counts. */
const VISITS = 5;
/** Milliseconds from which on a task of the page keeps people waiting. */
const LONG_TASK_MS = 50;

const scene = await prepare("embedded");
try {
  await sizes();
  for (const name of ["home", "map"]) await paints(named(name));
} finally {
  await scene.end();
}

/** Bytes of every page and what belongs to it, as a new visitor gets them. */
async function sizes() {
  const kinds = ["HTML", "CSS", "JavaScript", "images", "fonts", "data"];
  console.log(`| Page | Requests | ${kinds.join(" | ")} | kB in all | kB without compression |`);
  console.log(`| --- | ---: |${" ---: |".repeat(kinds.length)} ---: | ---: |`);
  for (const wanted of PAGES) {
    const asked = await visit(scene.browser, scene.origin + wanted.path, {}, async (visited) => {
      await settled(visited.page, wanted);
      return visited.watch.requests;
    });
    const sums = Object.fromEntries(kinds.map((kind) => [kind, 0]));
    let uncompressed = 0;
    for (const { url, type } of asked) {
      const kind = kindOf(type);
      sums[kind] += await weigh(url, kind, true);
      uncompressed += await weigh(url, kind, false);
    }
    const all = Object.values(sums).reduce((sum, bytes) => sum + bytes);
    const cells = [...Object.values(sums), all, uncompressed].map(kilobytes);
    console.log(`| \`${wanted.path}\` | ${asked.length} | ${cells.join(" | ")} |`);
  }
  console.log("");
}

/** When something is to be seen on a page, milliseconds after it was asked for. */
async function paints(wanted) {
  const visits = [];
  for (let count = 0; count < VISITS; count += 1) {
    visits.push(await visit(
      scene.browser, "about:blank", { viewport: SCREENS.desk },
      async ({ page, context }) => {
        await context.addInitScript(observe);
        await page.goto(scene.origin + wanted.path);
        await settled(page, wanted);
        // A page may be ready before anything of it was painted.
        await page.waitForFunction(() => globalThis.observed().largestContentfulPaint > 0);
        return page.evaluate(() => globalThis.observed());
      },
    ));
  }
  const median = (name) => {
    const values = visits.map((one) => one[name]).sort((a, b) => a - b);
    return Math.round(values[Math.floor(VISITS / 2)]);
  };
  console.log(`| \`${wanted.path}\`, median of ${VISITS} | ms |`);
  console.log("| --- | ---: |");
  for (const [label, name] of [
    ["first paint", "firstPaint"], ["first contentful paint", "firstContentfulPaint"],
    ["largest contentful paint", "largestContentfulPaint"], ["loaded", "loaded"],
    [`blocked by tasks beyond ${LONG_TASK_MS} ms`, "blocked"],
  ]) console.log(`| ${label} | ${median(name)} |`);
  console.log("");
}

/** Runs in the page, before everything else. */
function observe() {
  const found = { largestContentfulPaint: 0, blocked: 0 };
  const watch = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
    .observe({ type, buffered: true });
  watch("largest-contentful-paint", (entry) => (found.largestContentfulPaint = entry.startTime));
  watch("longtask", (entry) => (found.blocked += entry.duration - 50));
  globalThis.observed = () => {
    const paint = (name) => performance.getEntriesByName(name)[0]?.startTime;
    const [navigation] = performance.getEntriesByType("navigation");
    return {
      ...found,
      firstPaint: paint("first-paint"),
      firstContentfulPaint: paint("first-contentful-paint"),
      loaded: navigation.loadEventEnd,
    };
  };
}

function kilobytes(bytes) {
  return (bytes / 1000).toFixed(1);
}
