// Every page in both themes, on a phone and on a desk: what an accessibility checker says, and a
// picture for people to look at.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { SCREENS, THEMES } from "../lib/chromium.js";
import { artefacts } from "../lib/installation.js";
import { PAGES, settled } from "../lib/pages.js";
import { visit } from "../lib/visit.js";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const ALL = THEMES.flatMap((theme) => Object.keys(SCREENS).map((screen) => [theme, screen]));

/** Each theme and each width once: enough where only the data comes from elsewhere. */
const FEW = [["light", "desk"], ["dark", "phone"]];

export function checkAppearance(scene, isWhole) {
  for (const wanted of PAGES) {
    for (const [theme, screen] of isWhole ? ALL : FEW) {
      test(`${wanted.path} is accessible, ${theme} on a ${screen}`, () =>
        visit(
          scene.browser, scene.origin + wanted.path,
          { colorScheme: theme, viewport: SCREENS[screen] },
          async ({ page }) => {
            await settled(page, wanted);
            const file = `${theme}-${screen}-${wanted.name}.png`;
            await page.screenshot({
              path: artefacts("site-screenshots", scene.pair, file), fullPage: true,
            });
            assert.deepEqual(await obstacles(page), []);
          },
        ));
    }
  }
}

/** What would keep some people from using the page. */
export async function obstacles(page) {
  // Not by a script element, which the policy of the page forbids.
  await page.evaluate(AXE);
  // Of what is well it tells no details, which take most of its time on long pages.
  const options = { resultTypes: ["violations"] };
  const { violations } = await page.evaluate((options) => globalThis.axe.run(document, options), options);
  const matters = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return matters.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} ${target}: ${failureSummary}`));
}
