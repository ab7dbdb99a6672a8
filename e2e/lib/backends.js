// Empty backends and a city database, as the tests in Rust have them.

import { Process } from "./process.js";

export class Backends {
  /**
   * @param {string} lender the program `throwaway`
   * @param {"embedded" | "server"} kind
   */
  static async fresh(lender, kind) {
    const process = new Process(lender, [kind], serversOfTests());
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
