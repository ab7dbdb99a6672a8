// The site without a mouse, and on the narrowest screen.

import assert from "node:assert/strict";
import { test } from "node:test";

import { PAGES, settled } from "../lib/pages.js";
import { visit } from "../lib/visit.js";

/** More stops than any page has. */
const MANY = 400;

export function checkKeyboard(scene) {
  for (const wanted of PAGES) {
    test(`${wanted.path} can be reached all over by keyboard, and shows where one is`, () =>
      visit(scene.browser, scene.origin + wanted.path, {}, async ({ page }) => {
        await settled(page, wanted);
        const stops = await walk(page);
        assert.ok(stops[0].skips, `the first stop skips to the main part: ${stops[0].name}`);
        const unreached = await page.evaluate(() => {
          const all = document.querySelectorAll("a[href], button, input, select, textarea, summary");
          return [...all]
            .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.disabled)
            .filter((one) => one.tabIndex >= 0 && !one.dataset.visited)
            .filter((one) => one.type !== "radio")
            .map((one) => one.outerHTML.slice(0, 120));
        });
        assert.deepEqual(unreached, []);
        assert.deepEqual(stops.filter((stop) => !stop.shown).map((stop) => stop.name), []);
      }));

    test(`${wanted.path} need not be moved sideways on a narrow screen`, () =>
      visit(
        scene.browser, scene.origin + wanted.path, { viewport: { width: 320, height: 640 } },
        async ({ page }) => {
          await settled(page, wanted);
          const width = await page.evaluate(() => document.documentElement.scrollWidth);
          assert.equal(width, 320);
        },
      ));
  }

  test("the link at the beginning leads to the main part", () =>
    visit(scene.browser, `${scene.origin}/terms`, {}, async ({ page }) => {
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await page.keyboard.press("Tab");
      const isInside = await page.evaluate(() => {
        const main = document.querySelector("main");
        return Boolean(main.compareDocumentPosition(document.activeElement) & 20);
      });
      assert.ok(isInside, "the next stop is in or after the main part");
    }));
}

/** Presses Tab from the top to the end. */
async function walk(page) {
  const stops = [];
  while (stops.length < MANY) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(look);
    if (!stop) return stops;
    stops.push(stop);
  }
  throw new Error(`no end: ${stops.slice(-5).map((stop) => stop.name).join(" ")}`);
}

/** What has the focus; null at the end, and when it comes round again. */
function look() {
  const here = document.activeElement;
  if (here === document.body || here === null || here.dataset.visited) return null;
  here.dataset.visited = "yes";
  const style = getComputedStyle(here);
  const box = here.getBoundingClientRect();
  const hasOutline = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
  const isOnScreen = box.width > 1 && box.height > 1 && box.bottom > 0 && box.right > 0;
  const target = here.getAttribute("href")?.match(/^#(.+)/)?.[1];
  return {
    name: here.outerHTML.slice(0, 120),
    shown: isOnScreen && (hasOutline || style.boxShadow !== "none"),
    skips: Boolean(target && document.getElementById(target)?.closest("main")),
  };
}
