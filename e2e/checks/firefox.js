// Firefox, told to ask this service where it is, shows the visitor on the map.

import assert from "node:assert/strict";
import { test } from "node:test";

import * as firefox from "../lib/firefox.js";
import { CLIENT, front } from "../lib/front.js";
import { named } from "../lib/pages.js";
import { PATIENCE_MS } from "../lib/process.js";

const { settled } = named("map");

export function checkFirefox(scene) {
  test("Firefox with this service as its provider finds itself on the map", async () => {
    const service = await front(scene.origin, CLIENT.address);
    const browser = await firefox.launch(`${service.origin}/v1/geolocate?key=${scene.key}`);
    const logged = scene.process.log.count();
    try {
      const page = await browser.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      await page.setViewport({ width: 1280, height: 900 });
      await page.goto(`${service.origin}/map`);
      await page.waitForSelector(settled);
      await page.click("button.maplibregl-ctrl-geolocate");
      await page.waitForSelector(".maplibregl-user-location-dot");
      await page.waitForSelector(".maplibregl-user-location-accuracy-circle");
      await page.waitForFunction(isThere, {}, CLIENT.latitude, CLIENT.longitude);

      const asked = service.seen.find(({ path }) => path.startsWith("/v1/geolocate"));
      assert.equal(asked.method, "POST");
      assert.match(asked.agent, /Firefox/);
      await scene.process.log.match(/POST.*\/v1\/geolocate.*200/, logged);
    } finally {
      await browser.close();
      await service.close();
    }
  });
}

/** Does the address of the page say that its middle is there, and is the dot in the middle? */
function isThere(latitude, longitude) {
  const [, lat, lng] = location.hash.slice(1).split("/").map(Number);
  const isNear = Math.hypot(lat - latitude, lng - longitude) < 0.01;
  const middle = (selector) => {
    const box = document.querySelector(selector).getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
  };
  const [x, y] = middle("#map");
  const [left, top] = middle(".maplibregl-user-location-dot");
  return isNear && Math.hypot(x - left, y - top) < 3;
}
