// What an operator puts in the place of ours: name, contact, logo, texts, base map.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";

import { closed, listening } from "../lib/front.js";
import { named, settled } from "../lib/pages.js";
import { mainColours } from "../lib/picture.js";
import { visit } from "../lib/visit.js";

/** A colour that nothing of ours has. */
const COLOUR = [200, 30, 90];

export function checkOperator(scene) {
  test("name, contact, source, logo and texts of an operator take the place of ours", async () => {
    const folder = path.join(scene.installation.folder, "operator");
    mkdirSync(folder);
    writeFileSync(path.join(folder, "privacy.md"), "We keep **nothing** of the sort, promised.\n");
    writeFileSync(path.join(folder, "terms.html"), "<h2>House rules</h2><p>Be kind to it.</p>");
    const logo = path.join(folder, "logo.png");
    writeFileSync(logo, png(COLOUR, 8));
    const { origin, process } = await scene.installation.web({
      SITE_NAME: "Where & Whence", SITE_ORGANISATION: "The Finders", SITE_LOGO: logo,
      SITE_CONTACT: "geo@example.org", SITE_SOURCE_URL: "https://example.org/source",
      SITE_PAGES: folder,
    });
    const shows = (name, look) =>
      visit(scene.browser, origin + named(name).path, {}, async (visited) => {
        const { page, watch } = visited;
        assert.equal(await page.title(), `Where & Whence - ${named(name).title}`);
        assert.match(await page.locator("footer").innerText(), /The Finders/);
        assert.equal(await page.locator('footer a[href="https://example.org/source"]').count(), 1);
        await look(page.locator("main"), page);
        watch.isContent();
      });
    await shows("privacy", async (main) => {
      assert.match(await main.innerText(), /We keep nothing of the sort, promised\./);
      assert.equal(await main.locator("strong").innerText(), "nothing");
    });
    await shows("terms", async (main) => {
      assert.match(await main.innerText(), /House rules\s+Be kind to it\./);
    });
    await shows("contact", async (main) => {
      assert.equal(await main.locator('a[href="mailto:geo@example.org"]').count(), 1);
    });
    await shows("home", async (_, page) => {
      const sizes = await page.locator("header img").evaluateAll(
        (all) => all.map((one) => [one.complete, one.naturalWidth]));
      assert.deepEqual(sizes[0], [true, 8]);
    });
    await process.stop();
  });

  for (const kind of ["pictures", "a style"]) {
    test(`a base map of ${kind} from another host is shown, and that host alone is allowed`, async () => {
      const { server, host } = await listening((request, answer) => {
        answer.setHeader("access-control-allow-origin", "*");
        if (request.url === "/style.json") answer.end(JSON.stringify(style(host)));
        else answer.setHeader("content-type", "image/png").end(png(COLOUR, 256));
      });
      const address = kind === "a style" ? "/style.json" : "/{z}/{x}/{y}.png";
      const { origin, process } = await scene.installation.web({
        MAP_STYLE_URL: `http://${host}${address}`, MAP_ATTRIBUTION: "Maps by somebody",
      });
      try {
        await visit(scene.browser, `${origin}/map`, { hosts: [host] }, async ({ page, watch, response }) => {
          await settled(page, named("map"));
          const policy = response.headers()["content-security-policy"];
          assert.deepEqual([...new Set(policy.match(/https?:\/\/[^ ;]+/g))], [`http://${host}`]);
          const picture = await page.locator("#map").screenshot();
          const colours = await mainColours(scene.browser, picture, 0.5);
          assert.deepEqual(colours, [COLOUR.join()]);
          assert.match(await page.locator(".maplibregl-ctrl-attrib").innerText(), /Maps by somebody/);
          watch.isContent();
        });
      } finally {
        await process.stop();
        await closed(server);
      }
    });
  }
}

function style(host) {
  const base = { type: "raster", tiles: [`http://${host}/{z}/{x}/{y}.png`], tileSize: 256 };
  return { version: 8, sources: { base }, layers: [{ id: "base", type: "raster", source: "base" }] };
}

/** A square picture of one colour. */
function png(colour, width) {
  const row = [0, ...Array.from({ length: width }, () => colour).flat()];
  const rows = Buffer.from(Array.from({ length: width }, () => row).flat());
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(width, 4);
  header.set([8, 2], 8);
  const chunks = [["IHDR", header], ["IDAT", deflateSync(rows)], ["IEND", Buffer.alloc(0)]];
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, ...chunks.map(([name, data]) => chunk(name, data))]);
}

function chunk(name, data) {
  const named = Buffer.concat([Buffer.from(name), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, sum]);
}
