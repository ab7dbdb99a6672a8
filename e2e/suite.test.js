// The site in real browsers, against the real program, on both pairs of backends.

import { after, before, describe } from "node:test";

import { checkAppearance } from "./checks/appearance.js";
import { checkFirefox } from "./checks/firefox.js";
import { checkKeyboard } from "./checks/keyboard.js";
import { checkLocate } from "./checks/locate.js";
import { checkMap } from "./checks/map.js";
import { checkOperator } from "./checks/operator.js";
import { checkPages } from "./checks/pages.js";
import { checkStatistics } from "./checks/statistics.js";
import { PAIRS, prepare } from "./lib/scene.js";

/** Pages that are open at the same time; drawing a map in software takes a processor. */
const concurrency = 2;

for (const [kind, pair] of Object.entries(PAIRS)) {
  describe(pair, () => {
    const scene = {};
    before(async () => Object.assign(scene, await prepare(kind)));
    after(async () => scene.end?.());

    describe("pages", { concurrency }, () => checkPages(scene));
    describe("map", { concurrency }, () => checkMap(scene));
    describe("locate me", { concurrency }, () => checkLocate(scene));
    describe("statistics", { concurrency }, () => checkStatistics(scene));
    describe("appearance", { concurrency }, () => checkAppearance(scene, kind === "embedded"));
    if (kind === "embedded") {
      // What does not depend on where the data is.
      describe("keyboard", { concurrency }, () => checkKeyboard(scene));
      describe("operator", { concurrency }, () => checkOperator(scene));
      describe("Firefox", () => checkFirefox(scene));
    }
  });
}
