// "Locate me": every demonstration, what comes of it, and the same by curl.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { CLIENT } from "../lib/front.js";
import { named, settled } from "../lib/pages.js";
import { mainColours } from "../lib/picture.js";
import { visit } from "../lib/visit.js";

const LOCATE = named("locate");
const run = promisify(execFile);

/** What each demonstration gets; a place is that of the demonstration data or of the address. */
const EXPECTED = {
  "Only my address": { status: 200, lat: CLIENT.latitude, lng: CLIENT.longitude },
  "Two access points": { status: 200, lat: 51.508, lng: -0.128 },
  "One LTE cell": { status: 200, lat: 51.508, lng: -0.128 },
  "Stations nobody knows": { status: 404 },
  "Broken JSON": { status: 400 },
};

/** A browser writes answers that are errors to its console, whoever handles them. */
const IS_ANSWER = /^(console error: .* status of )?4\d\d\b.*\/v1\//;

export function checkLocate(scene) {
  const open = (key, look) =>
    visit(scene.browser, `${scene.front.origin}/locate?key=${key}`, {}, async (visited) => {
      await settled(visited.page, LOCATE);
      return look({ ...visited, ...controls(visited.page) });
    });

  for (const [name, { status, lat, lng }] of Object.entries(EXPECTED)) {
    test(`"${name}" is answered ${status}, and by curl the same`, () =>
      open(scene.key, async ({ page, watch, choose, send, text }) => {
        await choose(name);
        await send();
        assert.match(await text("#locate-status"), new RegExp(`^${status} `));
        assert.equal(await page.locator("#locate-map").isVisible(), lat !== undefined);
        const answer = JSON.parse(await text("#locate-answer"));
        if (lat !== undefined) {
          assert.ok(Math.hypot(answer.location.lat - lat, answer.location.lng - lng) < 0.01);
          await isDrawn(scene, page, "#locate-map");
        } else {
          assert.equal(answer.error.code, status);
          assert.ok((await text("#locate-hint")).length > 20);
        }
        const line = await text("#locate-curl");
        const { stdout } = await run("bash", ["-c", `${line} --silent --show-error`]);
        assert.deepEqual(JSON.parse(stdout), answer);
        watch.isContent([IS_ANSWER]);
      }));
  }

  test("JSON that is broken is said to be, with the place, before it is sent", () =>
    open(scene.key, async ({ page, choose, text }) => {
      await choose("Broken JSON");
      assert.match(await text("#locate-fault"), /^Line 4, column \d+: /);
      assert.equal(await page.locator("#locate-body").getAttribute("aria-invalid"), "true");
      await page.locator("#locate-body").fill("{}");
      assert.equal(await text("#locate-fault"), "");
    }));

  test("who may see it sees which stations are known, and no position of any of them", () =>
    open(scene.key, async ({ page, choose, send, text }) => {
      await choose("Two access points");
      const body = page.locator("#locate-body");
      const request = JSON.parse(await body.inputValue());
      request.wifiAccessPoints.push({ macAddress: "02:00:00:00:00:01" });
      await body.fill(JSON.stringify(request));
      await page.locator("#locate-explain").check();
      await send();
      const rows = await page.locator("#locate-stations-rows tr").allInnerTexts();
      const known = rows.map((row) => (/not known/.test(row) ? "not known" : "known"));
      assert.deepEqual(known, ["known", "known", "not known"], rows.join(" | "));
      const { stations } = JSON.parse(await text("#locate-answer"));
      assert.doesNotMatch(JSON.stringify(stations), /lat|lng|lon|position|\.\d{3}/);
    }));

  test("who may not see it is told so", () =>
    open(scene.plainKey, async ({ page, choose, send, text }) => {
      await choose("Two access points");
      await page.locator("#locate-explain").check();
      await send();
      assert.match(await text("#locate-status"), /^403 /);
      assert.match(await text("#locate-hint"), /may not see which stations are known/);
    }));

  test("a key that nobody made is told apart", () =>
    open("nobody-made-this", async ({ send, text }) => {
      await send();
      assert.match(await text("#locate-hint"), /key/i);
      assert.match(await text("#locate-status"), /^400 /);
    }));

  test("a region is asked for, too", () =>
    open(scene.key, async ({ page, choose, send, text }) => {
      await choose("Two access points");
      await page.getByRole("radio", { name: /region/i }).check();
      await send();
      assert.match(await text("#locate-summary"), /United Kingdom.*GB/);
    }));
}

function controls(page) {
  return {
    choose: (name) => page.locator("#locate-demonstration").selectOption(name),
    send: async () => {
      await page.locator("#locate-send").click();
      await page.locator("#locate-result").waitFor();
    },
    text: (selector) => page.locator(selector).innerText(),
  };
}

/** A marker in the middle of the map, once it is drawn, and a circle around it that is large enough to be seen. */
async function isDrawn(scene, page, selector) {
  await page.waitForSelector(`${selector}[data-state=ready]`);
  const [map, marker] = await Promise.all(
    [selector, `${selector} .maplibregl-marker`].map((one) => page.locator(one).boundingBox()),
  );
  const distance = Math.abs(marker.x + marker.width / 2 - (map.x + map.width / 2));
  assert.ok(distance < 3, `the marker is ${distance} beside the middle`);
  const colours = await mainColours(scene.browser, await page.locator(selector).screenshot(), 0.1);
  assert.ok(colours.length >= 2, `nothing but ${colours}`);
}
