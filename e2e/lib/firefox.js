// Debian's Firefox ESR, with this service as the one that tells it where it is.

import { existsSync } from "node:fs";

import puppeteer from "puppeteer-core";

const PROGRAM = process.env.FIREFOX ?? "/usr/bin/firefox-esr";

/**
 * @param {string} provider address of the service, with a key
 * @param {string} exit host and port of a proxy for whatever is not on this machine
 */
export async function launch(provider, exit) {
  if (!existsSync(PROGRAM)) throw new Error(`no ${PROGRAM}: install firefox-esr or set FIREFOX`);
  const [host, port] = exit.split(":");
  return puppeteer.launch({
    browser: "firefox",
    executablePath: PROGRAM,
    headless: true,
    extraPrefsFirefox: {
      // What README tells people to set.
      "geo.provider.network.url": provider,
      // The network provider alone, and nobody to ask for permission.
      "geo.provider.use_geoclue": false,
      "geo.provider.use_gpsd": false,
      "geo.provider.network.scan": false,
      "geo.prompt.testing": true,
      "geo.prompt.testing.allow": true,
      // Drawing in software.
      "webgl.force-enabled": true,
      // Nothing leaves this machine: a proxy that refuses, and as few reasons to ask as possible.
      "network.proxy.type": 1,
      "network.proxy.http": host,
      "network.proxy.http_port": Number(port),
      "network.proxy.ssl": host,
      "network.proxy.ssl_port": Number(port),
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
