// Every page opens, whole and from this server alone, with and without scripts.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PAGES, settled } from "../lib/pages.js";
import { visit } from "../lib/visit.js";

/** A browser says so on its console when the page itself was answered 404. */
const IS_NOT_FOUND = /^console error: .* status of 404 .*\/nothing\/here$/;

const NAVIGATION = [
  "/", "/api", "/downloads", "/map", "/locate", "/stats/regions", "/stats",
];

export function checkPages(scene) {
  for (const wanted of PAGES) {
    test(`${wanted.path} opens, and nothing on it is missing, blocked or from elsewhere`, () =>
      visit(scene.browser, scene.origin + wanted.path, {}, async ({ page, watch, response }) => {
        await settled(page, wanted);
        assert.equal(response.status(), wanted.status);
        await isWhole(page, wanted, scene.siteName);
        watch.isContent(wanted.status === 404 ? [IS_NOT_FOUND] : []);
      }));

    test(`${wanted.path} can be read without scripts`, () =>
      visit(
        scene.browser, scene.origin + wanted.path, { javaScriptEnabled: false },
        async ({ page, watch }) => {
          await isWhole(page, wanted, scene.siteName);
          const text = await page.locator("main").innerText();
          assert.ok(text.length > 100, `no more than ${JSON.stringify(text)}`);
          watch.isContent(wanted.status === 404 ? [IS_NOT_FOUND] : []);
        },
      ));
  }

  test("tables are there without scripts", async () => {
    const rows = [["/stats", ".totals", 6], ["/stats/regions", "#region-stats", scene.regionCount]];
    for (const [path, tables, count] of rows) {
      await visit(
        scene.browser, scene.origin + path, { javaScriptEnabled: false },
        async ({ page }) => assert.equal(await page.locator(`main ${tables} tbody tr`).count(), count, path),
      );
    }
  });

  test("the first page is smaller than 100 kB, and does not load the map", () =>
    visit(scene.browser, scene.origin, {}, async ({ page, watch }) => {
      await settled(page, PAGES[0]);
      const sizes = await Promise.all(watch.requests.map(({ request }) => request.sizes()));
      const bytes = sizes.reduce(
        (sum, size) => sum + size.responseHeadersSize + size.responseBodySize, 0,
      );
      assert.ok(bytes < 100_000, `${bytes} bytes in ${sizes.length} answers`);
      const paths = watch.requests.map(({ url }) => url.pathname);
      assert.ok(!paths.some((path) => path.includes("bundle-map")), paths.join(" "));
    }));
}

/** One language, title, heading and main part; navigation and footer. */
async function isWhole(page, wanted, siteName) {
  const all = (selector) => page.locator(selector).evaluateAll((found) =>
    found.map((one) => one.getAttribute("lang") ?? one.getAttribute("href") ?? one.textContent.trim()));
  assert.deepEqual(await all("html[lang]"), ["en"]);
  assert.equal(await page.title(), `${siteName} - ${wanted.title}`);
  assert.deepEqual(await all("h1"), [wanted.title]);
  assert.equal((await all("main, [role=main]")).length, 1, "one main part");
  assert.deepEqual(await all("header nav a"), NAVIGATION);
  const legal = ["/contact", "/optout", "/privacy", "/terms"];
  const footer = await all("footer a");
  assert.deepEqual(footer.filter((href) => legal.includes(href)), legal);
}
