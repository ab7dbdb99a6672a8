// What the pages load. Names that pages and other programs refer to are stable; what only our own
// scripts refer to is in pinned/ with a digest in its name, and may be kept forever.

import { defineConfig } from "vite";

import { finished } from "./build/finished";
import { licenses } from "./build/licenses";
import { pictures } from "./build/pictures";
import { world } from "./build/world";

const scripts = ["base", "map", "stat", "stat-regions", "locate"];
const styles = ["base", "map", "stat-regions", "locate"];

export default defineConfig({
  base: "/static/",
  publicDir: false,
  plugins: [world(), pictures("images"), licenses(), finished()],
  build: {
    // Module scripts, and everything that draws maps, need a browser of 2022 or later anyway.
    target: "es2022",
    // No data: addresses in scripts and styles of ours.
    assetsInlineLimit: 0,
    modulePreload: false,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2000,
    rolldownOptions: {
      input: {
        ...Object.fromEntries(scripts.map((name) => [name, `src/${name}.ts`])),
        ...Object.fromEntries(styles.map((name) => [`style-${name}`, `css/${name}.css`])),
      },
      output: {
        entryFileNames: "js/bundle-[name].js",
        chunkFileNames: "pinned/[name]-[hash].js",
        assetFileNames: ({ names }) => {
          const style = /^(?:style-)?([a-z-]+)\.css$/.exec(names[0] ?? "");
          return style ? `css/bundle-${style[1]}.css` : "pinned/[name]-[hash][extname]";
        },
      },
    },
  },
  worker: {
    format: "es",
    rolldownOptions: { output: { entryFileNames: "pinned/[name]-[hash].js" } },
  },
});
