// The map: its base, the data with its date, and the visitor.

import assert from "node:assert/strict";
import { test } from "node:test";

import { launch } from "../lib/chromium.js";
import { PAGES, named, settled } from "../lib/pages.js";
import { difference, mainColours } from "../lib/picture.js";
import { visit } from "../lib/visit.js";

const MAP = named("map");
/** A city of the demonstration data, and a place in the Pacific. */
const CITY = "#10/51.508/-0.128";
const OCEAN = "#5/-45/-130";
/** Where the visitor is, a walk from the first city's centre. */
const VISITOR = { latitude: 51.515, longitude: -0.1, accuracy: 400 };

export function checkMap(scene) {
  const open = (at, options, look) =>
    visit(scene.browser, `${scene.origin}/map${at}`, options, async (visited) => {
      await settled(visited.page, MAP);
      return look(visited);
    });
  const picture = (page) => page.locator("#map").screenshot();

  test("land and sea are drawn, and the data is as old as its list says", () =>
    open("", {}, async ({ page, watch }) => {
      const colours = await mainColours(scene.browser, await picture(page), 0.1);
      assert.ok(colours.length >= 2, colours.join(" "));
      const said = await (await fetch(`${scene.origin}/static/datamap/tiles/data.json`)).json();
      const shown = await page.locator("#map-date time").getAttribute("datetime");
      assert.equal(Date.parse(shown), Date.parse(said.updated));
      watch.isContent();
    }));

  for (const [at, isThere] of [[CITY, true], [OCEAN, false]]) {
    test(`data is drawn where there is some and nowhere else: ${at}`, async () => {
      const drawn = await open(at, {}, ({ page }) => picture(page));
      const empty = await visit(scene.browser, "about:blank", {}, async ({ page }) => {
        await page.route("**/datamap/tiles/*/**", (route) => route.fulfill({ status: 204 }));
        await page.goto(`${scene.origin}/map${at}`);
        await settled(page, MAP);
        return picture(page);
      });
      const share = await difference(scene.browser, drawn, empty);
      assert.equal(share > 0.001, isThere, `${share} of the picture is data`);
    });
  }

  test("the visitor is shown where the browser says, with how sure it is", () =>
    open(CITY, { geolocation: VISITOR, permissions: ["geolocation"] }, async ({ page, watch }) => {
      const at = (selector) => page.locator(selector).boundingBox();
      await page.getByRole("button", { name: /find my location/i }).click();
      await page.locator("#map-position", { hasText: "51.51500, -0.10000" }).waitFor();
      await settled(page, MAP);
      const [dot, circle] = await Promise.all([
        at(".maplibregl-user-location-dot"), at(".maplibregl-user-location-accuracy-circle"),
      ]);
      const middle = ({ x, y, width, height }) => [x + width / 2, y + height / 2];
      const [[x, y], [left, top]] = [middle(dot), middle(circle)];
      assert.ok(Math.hypot(x - left, y - top) < 2, "the dot is in the middle of its circle");
      assert.ok(circle.width > dot.width, `${circle.width} ${dot.width}`);
      const [, lat, lng] = new URL(page.url()).hash.slice(1).split("/").map(Number);
      assert.ok(Math.hypot(lat - VISITOR.latitude, lng - VISITOR.longitude) < 0.01, page.url());
      watch.isContent();
    }));

  test("a visitor who does not say where they are is told so", () =>
    open("", { permissions: [] }, async ({ page }) => {
      const button = page.locator("button.maplibregl-ctrl-geolocate");
      if (await button.isEnabled()) await button.click();
      const text = page.locator("#map-position");
      await text.filter({ hasText: /does not (know|say|tell)|not allowed|denied/i }).waitFor();
    }));

  test("the address of the page says what is shown, and nobody gets closer than zoom 12", () =>
    open("#11.9/51.508/-0.128", {}, async ({ page }) => {
      const closer = page.locator("button.maplibregl-ctrl-zoom-in");
      await closer.click();
      await page.waitForFunction(() => location.hash.startsWith("#12/"));
      await settled(page, MAP);
      assert.ok(await closer.isDisabled(), "the button is off");
      const before = new URL(page.url()).hash;
      await page.reload();
      await settled(page, MAP);
      assert.equal(new URL(page.url()).hash, before);
    }));

  test("the map is moved by keyboard", () =>
    open("#4/35/9", {}, async ({ page }) => {
      await page.locator("#map canvas").focus();
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction(() => Number(location.hash.split("/")[2]) > 9.5);
    }));

  test("the map names its sources and has a scale", () =>
    open("", {}, async ({ page }) => {
      assert.match(await page.locator(".maplibregl-ctrl-attrib").innerText(), /Natural Earth/);
      assert.match(await page.locator(".maplibregl-ctrl-scale").innerText(), /^\d+\s(km|m)$/);
    }));

  test("a browser that cannot draw maps shows one picture of the world", async () => {
    const browser = await launch(["--disable-3d-apis"]);
    try {
      await visit(browser, `${scene.origin}/map`, {}, async ({ page }) => {
        await page.locator("#map-picture img").waitFor();
        const width = () => page.locator("#map-picture img").evaluate((one) => one.naturalWidth);
        await page.waitForFunction(() => document.querySelector("#map-picture img")?.complete);
        assert.equal(await width(), 512);
      });
    } finally {
      await browser.close();
    }
  });

  test("only the map and the position page load the library of maps", async () => {
    for (const { path, name } of PAGES.filter(({ name }) => !["map", "locate"].includes(name))) {
      await visit(scene.browser, scene.origin + path, {}, ({ watch }) => {
        const scripts = watch.requests.filter(({ type }) => type === "script");
        assert.ok(!scripts.some(({ url }) => url.pathname.includes("map")), name);
      });
    }
  });
}
