// The real program on backends of its own.

import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import { Backends } from "./backends.js";
import { Process } from "./process.js";

const REPOSITORY = path.resolve(import.meta.dirname, "../..");

/** The program: what `cargo build` makes, unless `ICHNAEA` names another. */
const PROGRAM = process.env.ICHNAEA ?? path.join(REPOSITORY, "target/debug/ichnaea");
const LENDER = path.join(REPOSITORY, "target/debug/examples/throwaway");

/** A folder of `target/`, for what people look at afterwards. */
export function artefacts(...names) {
  return path.join(REPOSITORY, "target", ...names);
}

/** An installation: backends, settings, and its processes. */
export class Installation {
  #processes = [];

  /**
   * @param {"embedded" | "server"} kind
   * @param {Record<string, string>} settings beside the addresses of the backends
   */
  static async fresh(kind, settings = {}) {
    const installation = new Installation();
    installation.backends = await Backends.fresh(LENDER, kind);
    installation.folder = mkdtempSync(path.join(tmpdir(), "ichnaea-e2e-"));
    installation.settings = {
      DB_READWRITE_URI: installation.backends.database,
      REDIS_URI: installation.backends.keyvalue,
      GEOIP_PATH: installation.backends.geoip,
      DATA_DIR: installation.folder,
      MAP_DIR: path.join(installation.folder, "datamap"),
      // Drawn when told to: a worker that draws at the same moment would be in the way.
      MAP_INTERVAL: "0",
      SECRET_KEY: "of a test",
      LOGGING_LEVEL: "INFO",
      ...settings,
    };
    return installation;
  }

  /** Runs a command that has to succeed; its output. */
  async run(...args) {
    return new Process(PROGRAM, args, this.settings).succeeds();
  }

  /** Starts all roles in one process, with demonstration data: address, API key, process. */
  async serveDemo() {
    const server = this.#start(["serve", "--demo", "--bind", "127.0.0.1", "--port", "0"]);
    const [, origin] = await server.out.match(/^Ichnaea answers at (\S+)/);
    const [, key] = await server.out.match(/^API key: (\S+)/);
    return { process: server, origin, key };
  }

  /**
   * Starts the web role and waits until it answers.
   * @param {Record<string, string>} settings only of this process
   */
  async web(settings = {}) {
    const port = await freePort();
    const args = ["web", "--bind", "127.0.0.1", "--port", String(port)];
    const server = this.#start(args, settings);
    const origin = `http://127.0.0.1:${port}`;
    await answers(`${origin}/__lbheartbeat__`, server);
    return { process: server, origin };
  }

  /** Ends everything and leaves nothing behind. */
  async end() {
    await Promise.all(this.#processes.map((server) => server.stop()));
    await this.backends.drop();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #start(args, settings = {}) {
    const server = new Process(PROGRAM, args, { ...this.settings, ...settings });
    this.#processes.push(server);
    return server;
  }
}

/** Waits until somebody answers at an address, while a process lives. */
async function answers(url, server) {
  let hasEnded = false;
  server.ended.then(() => (hasEnded = true));
  while (!hasEnded) {
    const answer = await fetch(url).catch(() => null);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${server.name} ended:\n${server.log.text()}`);
}

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
