// What takes seconds to make and follows from its input alone, kept beside the packages.

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

const FOLDER = "node_modules/.cache/site";

/** What `make` gave for the same inputs before, or gives now. */
export function remembered(inputs: (string | Buffer)[], make: () => Buffer): Buffer {
  const digest = createHash("sha256");
  for (const input of inputs) digest.update(input).update("\0");
  const file = `${FOLDER}/${digest.digest("hex")}`;
  try {
    return readFileSync(file);
  } catch {
    const made = make();
    mkdirSync(FOLDER, { recursive: true });
    writeFileSync(file, made);
    return made;
  }
}
