// Empty backends and a city database, as the tests in Rust have them.

import { Process } from "./process.js";
import { built } from "./installation.js";

export class Backends {
  /**
   * @param {"embedded" | "server"} kind
   */
  static async fresh(kind) {
    const process = new Process(built("examples/throwaway"), [kind], serversOfTests());
    const [line] = await process.out.match(/^\{.*/);
    return Object.assign(new Backends(), { process, ...JSON.parse(line) });
  }

  /** The rows of a statement, as text. */
  async sql(statement) {
    const answered = this.process.out.count();
    this.process.child.stdin.write(`${statement.replaceAll("\n", " ")}\n`);
    const [line] = await this.process.out.match(/^\[.*/, answered);
    return JSON.parse(line);
  }

  /** Drops them. */
  async drop() {
    this.process.child.stdin.end();
    await this.process.succeeds();
  }
}

function serversOfTests() {
  const names = ["TEST_MYSQL_URI", "TEST_REDIS_URI"].filter((name) => process.env[name]);
  return Object.fromEntries(names.map((name) => [name, process.env[name]]));
}
