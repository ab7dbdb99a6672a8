// How much is transferred for a page.

import { request } from "node:http";

/** Kinds of what a page consists of, by what browsers call them. */
const KINDS = {
  document: "HTML", stylesheet: "CSS", script: "JavaScript", image: "images", font: "fonts",
};

/** The kind of a request, `data` for what scripts ask for. */
export function kindOf(type) {
  return KINDS[type] ?? "data";
}

/** Bytes of the body of an answer as it is transferred, with or without compression. */
export async function weigh(url, kind, isCompressed) {
  const headers = {
    // Where nothing is, only people get a page.
    "accept": kind === "HTML" ? "text/html" : "*/*",
    "accept-encoding": isCompressed ? "gzip, deflate, br, zstd" : "identity",
  };
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers }, (answer) => {
      let bytes = 0;
      answer.on("data", (part) => (bytes += part.length));
      answer.on("end", () => resolve(bytes));
      answer.on("error", reject);
    });
    asked.on("error", reject).end();
  });
}
