// Charts, and the table of regions: ordered, searched, page by page.

import assert from "node:assert/strict";
import { test } from "node:test";

import { named, settled } from "../lib/pages.js";
import { visit } from "../lib/visit.js";

export function checkStatistics(scene) {
  const open = (name, look) =>
    visit(scene.browser, scene.origin + named(name).path, {}, async (visited) => {
      await settled(visited.page, named(name));
      await look(visited);
      visited.watch.isContent();
    });

  for (const kind of ["blue", "cell", "wifi"]) {
    test(`the chart of ${kind} shows what its list says`, () =>
      open("stats", async ({ page }) => {
        const { series } = await (await fetch(`${scene.origin}/stats_${kind}.json`)).json();
        const points = page.locator(`#${kind}_chart svg .point`);
        await points.first().waitFor({ state: "attached" });
        assert.ok(series[0].data.length >= 12, "a year of months");
        assert.equal(await points.count(), series[0].data.length);
        const spoken = await page.locator(`#${kind}_chart svg`).getAttribute("aria-label");
        assert.match(spoken, /in \w+ \d{4}/);
      }));
  }

  test("regions are ordered by a click and by keyboard", () =>
    open("stats-regions", async ({ page }) => {
      const heads = page.locator("#region-stats thead th");
      const column = async (index) =>
        page.locator("#region-stats tbody tr").evaluateAll(
          (rows, index) => rows.map((row) => row.cells[index].textContent.trim()), index);
      const numbers = async (index) => (await column(index)).map((text) => Number(text.replaceAll(",", "")));
      const isDescending = (list) => list.every((one, at) => at === 0 || list[at - 1] >= one);
      const last = (await heads.count()) - 1;
      assert.equal(await heads.nth(last).getAttribute("aria-sort"), "descending");
      assert.ok(isDescending(await numbers(last)));

      await heads.nth(0).getByRole("button").click();
      assert.equal(await heads.nth(0).getAttribute("aria-sort"), "ascending");
      assert.equal(await heads.nth(last).getAttribute("aria-sort"), null);
      const names = await column(0);
      assert.ok(isDescending([...names].reverse()), names.join(" "));

      await heads.nth(last).getByRole("button").focus();
      await page.keyboard.press("Enter");
      assert.equal(await heads.nth(last).getAttribute("aria-sort"), "descending");
      await page.keyboard.press("Space");
      assert.equal(await heads.nth(last).getAttribute("aria-sort"), "ascending");
      assert.ok(isDescending((await numbers(last)).reverse()));
    }));

  test("regions are searched, and shown page by page", () =>
    open("stats-regions", async ({ page }) => {
      const rows = page.locator("#region-stats tbody tr");
      assert.equal(await rows.count(), 25);
      await page.getByRole("button", { name: "Next page" }).click();
      assert.equal(await rows.count(), scene.regionCount - 25);
      await page.getByRole("searchbox").fill("new zea");
      assert.deepEqual(await rows.locator(":first-child").allInnerTexts(), ["New Zealand"]);
    }));
}
