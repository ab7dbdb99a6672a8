// An installation with something to see, on one pair of backends.

import { launch } from "./chromium.js";
import { CLIENT, front } from "./front.js";
import { Installation } from "./installation.js";

/** Pairs of backends by what the installation is asked for. */
export const PAIRS = { embedded: "sqlite", server: "mariadb-redis" };

/** @param {keyof PAIRS} kind */
export async function prepare(kind) {
  const installation = await Installation.fresh(kind);
  const scene = { pair: PAIRS[kind], installation, siteName: "Ichnaea" };
  scene.end = async () => {
    await scene.browser?.close();
    await scene.front?.close();
    await installation.end();
  };
  try {
    scene.browser = await launch();
    Object.assign(scene, await start(kind, installation));
    await installation.run("local_map");
    scene.front = await front(scene.origin, CLIENT.address);
    const made = await installation.run("apikey", "create", "plain");
    [, scene.plainKey] = /^Created API key: '(.+)'$/m.exec(made);
    scene.regionCount = await addRegions(installation.backends);
  } catch (error) {
    await scene.end();
    throw error;
  }
  return scene;
}

/** Everything in one process on files; one process for each role on servers. */
async function start(kind, installation) {
  if (kind === "embedded") {
    return installation.serveDemo();
  }
  await installation.run("db", "migrate");
  const demo = await installation.serveDemo();
  await demo.process.stop();
  const { origin, process } = await installation.web();
  return { origin, key: demo.key, process };
}

/** More regions than fit on one page of the table; how many there are then. */
async function addRegions(backends) {
  const codes = "AT BE BG CA CH CL CN CZ DK EE ES FI GR HU IE IN IS IT KR MX NL NO NZ PL PT RO SE TR UA";
  const rows = codes.split(" ").map((code, index) =>
    `('${code}', ${index * 37 % 23}, ${index * 91 % 57}, ${index * 13 % 31}, ${index}, ${index * 7919 % 1009})`);
  await backends.sql(
    `INSERT INTO region_stat (region, gsm, wcdma, lte, blue, wifi) VALUES ${rows.join(", ")}`);
  return Number((await backends.sql("SELECT COUNT(*) FROM region_stat"))[0][0]);
}
