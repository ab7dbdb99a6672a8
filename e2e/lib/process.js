// Processes that the suite starts. Every one of them ends with the suite, whatever happens.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";

/** What takes longer than this hangs, also on a busy machine; milliseconds. */
export const PATIENCE_MS = 60_000;

const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15]]) {
  process.on(signal, () => process.exit(128 + number));
}

/** A process, its lines of output and its lines of log. */
export class Process {
  /** Lines of standard output and of standard error, as far as they are complete. */
  out = new Lines();
  log = new Lines();

  /**
   * @param {string} program
   * @param {string[]} args
   * @param {Record<string, string>} env all that it finds in its environment beside PATH and HOME
   */
  constructor(program, args, env = {}) {
    const { PATH, HOME } = process.env;
    this.name = [program.split("/").at(-1), ...args].join(" ");
    if (!existsSync(program)) {
      throw new Error(`no ${program}: cargo build --workspace --all-features --bins --examples`);
    }
    this.child = spawn(program, args, { env: { PATH, HOME, ...env }, stdio: "pipe" });
    running.add(this.child);
    this.ended = once(this.child, "close").then(([code, signal]) => {
      running.delete(this.child);
      this.out.end(`${this.name} ended`);
      this.log.end(`${this.name} ended`);
      return code ?? signal;
    });
    this.ended.catch(() => {});
    this.child.stdout.setEncoding("utf8").on("data", (text) => this.out.add(text));
    this.child.stderr.setEncoding("utf8").on("data", (text) => this.log.add(text));
  }

  /** Waits for its end, which has to be a good one; all of its output. */
  async succeeds() {
    const status = await patiently(this.ended, `${this.name} does not end`);
    if (status !== 0) throw new Error(`${this.name}: ${status}\n${this.log.text()}`);
    return this.out.text();
  }

  /** Asks it to end, and waits until it did. */
  async stop() {
    this.child.kill("SIGTERM");
    return patiently(this.ended, `${this.name} does not stop`);
  }
}

/** Lines as they come. */
class Lines {
  #lines = [];
  #rest = "";
  #end = null;
  #waiting = new Set();

  add(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    this.#lines.push(...lines);
    this.#wake();
  }

  end(why) {
    if (this.#rest) this.#lines.push(this.#rest);
    this.#end = why;
    this.#wake();
  }

  text() {
    return this.#lines.join("\n");
  }

  count() {
    return this.#lines.length;
  }

  /** The first match of a pattern in a line at or after this position, now or later. */
  async match(pattern, from = 0) {
    const found = new Promise((resolve, reject) => {
      const look = () => {
        for (const line of this.#lines.slice(from)) {
          const match = pattern.exec(line);
          if (match) return resolve(match), true;
        }
        if (this.#end === null) return false;
        return reject(new Error(`${this.#end} without ${pattern}:\n${this.text()}`)), true;
      };
      if (!look()) this.#waiting.add(look);
    });
    return patiently(found, () => `no line ${pattern}:\n${this.text()}`);
  }

  #wake() {
    for (const look of this.#waiting) if (look()) this.#waiting.delete(look);
  }
}

/** The promise, unless it takes too long. */
export async function patiently(promise, complaint) {
  let timer;
  const late = new Promise((_, reject) => {
    const text = () => (typeof complaint === "function" ? complaint() : complaint);
    timer = setTimeout(() => reject(new Error(text())), PATIENCE_MS);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
