// licenses.txt: what the packages in the bundles ask to be shown.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";

/** Taken into the bundles as data, so that no module of it is in sight. */
const DATA = ["world-atlas"];

interface Package {
  name: string;
  version: string;
  license?: string;
  homepage?: string;
  dependencies?: Record<string, string>;
}

/** Come with what they build on in one file, so that no module of it is in sight either. */
const WHOLE = ["maplibre-gl"];

/** The packages, and all that the whole ones build on. */
function withDependencies(names: Iterable<string>): string[] {
  const found = new Set<string>();
  const add = (name: string, isWhole: boolean) => {
    // Types are gone once it is compiled.
    if (found.has(name) || name.startsWith("@types/")) return;
    found.add(name);
    if (!isWhole) return;
    for (const below of Object.keys(read(name).dependencies ?? {})) add(below, true);
  };
  for (const name of names) add(name, WHOLE.includes(name));
  return [...found].sort();
}

const read = (name: string): Package =>
  JSON.parse(readFileSync(join("node_modules", name, "package.json"), "utf8"));

function notice(name: string): string {
  const { version, license, homepage } = read(name);
  const folder = join("node_modules", name);
  const file = readdirSync(folder).find((entry) => /^(?:licen[cs]e|copying)/i.test(entry));
  const text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8") : "";
  const title = `${name} ${version} (${license ?? "license not named"})`;
  return [title, "=".repeat(title.length), homepage ?? "", text.trim()].filter(Boolean).join("\n\n");
}

export function licenses(): Plugin {
  return {
    name: "licenses",
    generateBundle(_options, bundle) {
      const used = new Set(DATA);
      for (const output of Object.values(bundle)) {
        if (output.type !== "chunk") continue;
        for (const id of output.moduleIds) {
          const found = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id);
          if (found?.[1]) used.add(found[1]);
        }
      }
      const notices = withDependencies(used).map(notice);
      const head = "Scripts, styles and the base map of this site contain parts of:\n";
      const source = `${[head, ...notices].join("\n\n")}\n`;
      this.emitFile({ type: "asset", fileName: "licenses.txt", source });
    },
  };
}
