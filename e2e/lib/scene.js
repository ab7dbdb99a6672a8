// An installation with something to see, on one pair of backends.

import { launch } from "./chromium.js";
import { Installation } from "./installation.js";

/** Pairs of backends by what the installation is asked for. */
export const PAIRS = { embedded: "sqlite", server: "mariadb-redis" };

/** @param {keyof PAIRS} kind */
export async function prepare(kind) {
  const installation = await Installation.fresh(kind);
  const scene = { pair: PAIRS[kind], installation, siteName: "Ichnaea" };
  scene.end = async () => {
    await scene.browser?.close();
    await installation.end();
  };
  try {
    scene.browser = await launch();
    Object.assign(scene, await start(kind, installation));
    scene.explainKey = await explainKey(installation);
    scene.regionCount = Number((await installation.backends.sql(
      "SELECT COUNT(*) FROM region_stat",
    ))[0][0]);
  } catch (error) {
    await scene.end();
    throw error;
  }
  return scene;
}

/** Everything in one process on files; one process for each role on servers. */
async function start(kind, installation) {
  if (kind === "embedded") {
    const { origin, key, process } = await installation.serveDemo();
    await fill(installation);
    return { origin, key, process };
  }
  await installation.run("db", "migrate");
  const demo = await installation.serveDemo();
  await demo.process.stop();
  await fill(installation);
  const { origin, process } = await installation.web();
  return { origin, key: demo.key, process };
}

/** What days and months of running would leave behind. */
async function fill({ backends, ...installation }) {
  const months = Array.from({ length: 12 }, (_, index) => index);
  const today = new Date();
  const day = (monthsAgo) => {
    const date = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - monthsAgo, 1));
    return date.toISOString().slice(0, 10);
  };
  // Unique stations and observations of each kind, see `domain/stats`.
  const rows = [1, 2, 3, 4, 8, 9].flatMap((key) =>
    months.map((ago) => `(${key}, '${day(ago)}', ${(12 - ago) * key * 345_678})`));
  await backends.sql(`INSERT INTO stat (\`key\`, time, value) VALUES ${rows.join(", ")}`);
}
async function explainKey() {}
