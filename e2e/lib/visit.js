// A page of the site, watched while a visitor looks at it.

import assert from "node:assert/strict";

import { visitor } from "./chromium.js";
import { PATIENCE_MS } from "./process.js";

/** Everything that went wrong on a page, in words. */
class Watch {
  complaints = [];
  /** What was asked of the server and of others: address, type and status. */
  requests = [];

  constructor(page, hosts) {
    const complain = (text) => this.complaints.push(text);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) {
        complain(`console ${message.type()}: ${message.text()} ${message.location().url}`);
      }
    });
    page.on("pageerror", (error) => complain(`error: ${error.stack ?? error}`));
    page.on("crash", () => complain("the page crashed"));
    page.on("request", (request) => {
      const url = new URL(request.url());
      const isLocal = ["data:", "blob:"].includes(url.protocol);
      if (!isLocal && !hosts.includes(url.host)) complain(`asks another host: ${url}`);
      if (!isLocal) this.requests.push({ url, type: request.resourceType(), request });
    });
    page.on("requestfailed", (request) => {
      const why = request.failure()?.errorText;
      // Whoever moves a map on does not wait for the tiles of where it was.
      const isGivenUp = why === "net::ERR_ABORTED" && request.resourceType() === "fetch";
      if (!isGivenUp) complain(`failed: ${request.url()} ${why}`);
    });
    page.on("response", (response) => {
      const isPage = response.request().resourceType() === "document";
      if (response.status() >= 400 && !isPage) complain(`${response.status()}: ${response.url()}`);
    });
  }

  /** Nothing went wrong, but for what was announced. */
  isContent(except = []) {
    const rest = this.complaints.filter((text) => !except.some((pattern) => pattern.test(text)));
    assert.deepEqual(rest, []);
  }
}

/** What the policy of the page forbade; browsers do not report all of it on the console. */
const REPORT_VIOLATIONS = () => {
  document.addEventListener("securitypolicyviolation", (event) => {
    console.error(`policy ${event.violatedDirective} forbids ${event.blockedURI}`);
  });
};

/**
 * Opens a page as a new visitor, and hands it on; the visitor leaves afterwards.
 * @param {string} url
 * @param {{ hosts?: string[] }} options of the context; `hosts`: further ones that may be asked
 */
export async function visit(browser, url, { hosts = [], ...options }, look) {
  const context = await browser.newContext(visitor(options));
  context.setDefaultTimeout(PATIENCE_MS);
  try {
    const page = await context.newPage();
    if (options.javaScriptEnabled !== false) await context.addInitScript(REPORT_VIOLATIONS);
    const watch = new Watch(page, [new URL(url).host, ...hosts]);
    const response = await page.goto(url, { waitUntil: "load" });
    return await look({ page, watch, response, context });
  } finally {
    await context.close();
  }
}
