// Debian's Chromium, without a screen, and without a way to any other machine.

import { existsSync } from "node:fs";

import { chromium } from "playwright-core";

const PROGRAM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Widths that pages are looked at in, CSS pixels. */
export const SCREENS = {
  phone: { width: 360, height: 740 },
  desk: { width: 1280, height: 900 },
};

export const THEMES = ["light", "dark"];

export async function launch(args = []) {
  if (!existsSync(PROGRAM)) throw new Error(`no ${PROGRAM}: install chromium or set CHROMIUM`);
  return chromium.launch({
    executablePath: PROGRAM,
    args: [
      // Drawing in software: there is no graphics card where tests run.
      "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
      "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
      ...(process.getuid() === 0 ? ["--no-sandbox"] : []),
      ...args,
    ],
  });
}

/** What differs between visitors; nothing else may decide how a page looks. */
export function visitor(options = {}) {
  return {
    viewport: SCREENS.desk, deviceScaleFactor: 1, colorScheme: "light", reducedMotion: "reduce",
    locale: "en-GB", timezoneId: "UTC", ...options,
  };
}
