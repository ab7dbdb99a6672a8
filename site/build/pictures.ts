// Pictures keep their names: pages, browsers and bookmarks ask for them.

import { readdirSync, readFileSync } from "node:fs";
import type { Plugin } from "vite";

export function pictures(folder: string): Plugin {
  return {
    name: "pictures",
    buildStart() {
      for (const name of readdirSync(folder)) {
        const source = readFileSync(`${folder}/${name}`);
        this.emitFile({ type: "asset", fileName: `images/${name}`, source });
      }
    },
  };
}
