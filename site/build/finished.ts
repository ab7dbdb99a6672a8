// Each text beside a copy for browsers that take Brotli and one for those that take gzip, so that the
// server has only to choose; and the list of all files with their digests.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import type { Plugin } from "vite";

import { remembered } from "./remembered";

const TEXT = /\.(?:css|js|json|svg|txt)$/;

const brotli = (text: Buffer) =>
  brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: text.length } });

export function finished(): Plugin {
  return {
    name: "finished",
    writeBundle({ dir }) {
      if (!dir) throw new Error("a folder to write to is needed");
      const paths = readdirSync(dir, { recursive: true, encoding: "utf8" });
      const files = paths.filter((path) => statSync(join(dir, path)).isFile()).sort();
      const sums = files.map((path) => {
        const bytes = readFileSync(join(dir, path));
        if (TEXT.test(path)) {
          writeFileSync(join(dir, `${path}.br`), remembered(["br", bytes], () => brotli(bytes)));
          writeFileSync(join(dir, `${path}.gz`), gzipSync(bytes, { level: 9 }));
        }
        return `${createHash("sha256").update(bytes).digest("hex")}  ${path}\n`;
      });
      writeFileSync(join(dir, "SHA256SUMS"), sums.join(""));
    },
  };
}
