// Debian's Firefox ESR, with this service as the one that tells it where it is.

import { existsSync } from "node:fs";

import puppeteer from "puppeteer-core";

const PROGRAM = process.env.FIREFOX ?? "/usr/bin/firefox-esr";
/** The port of a service that was given up long ago. */
const NOBODY = { host: "127.0.0.1", port: 9 };

/**
 * @param {string} provider address of the service, with a key
 */
export async function launch(provider) {
  if (!existsSync(PROGRAM)) throw new Error(`no ${PROGRAM}: install firefox-esr or set FIREFOX`);
  return puppeteer.launch({
    browser: "firefox",
    executablePath: PROGRAM,
    headless: true,
    // Drawing in software, without a screen.
    env: { ...process.env, MOZ_WEBGL_FORCE_EGL: "1", EGL_PLATFORM: "surfaceless", LIBGL_ALWAYS_SOFTWARE: "1" },
    extraPrefsFirefox: {
      // What README tells people to set.
      "geo.provider.network.url": provider,
      // The network provider alone, and nobody to ask for permission.
      "geo.provider.use_geoclue": false,
      "geo.provider.use_gpsd": false,
      "geo.provider.network.scan": false,
      "geo.prompt.testing": true,
      "geo.prompt.testing.allow": true,
      "webgl.force-enabled": true,
      // Nothing leaves this machine: the way out is a port where nobody listens, and there are as
      // few reasons to take it as possible.
      "network.proxy.type": 1,
      "network.proxy.http": NOBODY.host,
      "network.proxy.http_port": NOBODY.port,
      "network.proxy.ssl": NOBODY.host,
      "network.proxy.ssl_port": NOBODY.port,
      "network.dns.disablePrefetch": true,
      "network.captive-portal-service.enabled": false,
      "network.connectivity-service.enabled": false,
      "network.trr.mode": 5,
      "app.normandy.enabled": false,
      "app.update.disabledForTesting": true,
      "browser.region.update.enabled": false,
      "browser.safebrowsing.malware.enabled": false,
      "browser.safebrowsing.phishing.enabled": false,
      "browser.safebrowsing.downloads.remote.enabled": false,
      "datareporting.policy.dataSubmissionEnabled": false,
      "toolkit.telemetry.enabled": false,
      "toolkit.telemetry.server": "data:,",
      "extensions.update.enabled": false,
      "extensions.systemAddon.update.enabled": false,
      "media.gmp-manager.updateEnabled": false,
      "services.settings.server": "data:,#remote-settings-dummy/v1",
    },
  });
}
