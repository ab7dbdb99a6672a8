// The map page: where there are reports.

import { addProtocol, GeolocateControl, type Map } from "maplibre-gl";

import { spoken } from "./circle";
import { DATA_PAINT } from "./colours";
import { DataTiles, optional, parse } from "./data-tiles";
import { onTheme, theme, type Theme } from "./theme";
import { canDraw, worldMap } from "./world-map";

/** Closer than this, dots would be told apart that say nothing more. */
const MAX_ZOOM = 12;

/** As deep as there are pictures; one zoom further they are drawn twice as large. */
const DEEPEST = 11;

const container = document.getElementById("map");
const date = document.getElementById("map-date");
const position = document.getElementById("map-position");
const picture = document.getElementById("map-picture");

if (container) {
  if (canDraw()) show(container);
  else void fallBack(container);
}

function show(container: HTMLElement): void {
  const { map_tiles_url: template = "", updated = "" } = container.dataset;
  const title = container.getAttribute("aria-label") ?? "Map";
  const map = worldMap({ container, title, center: [9, 35], zoom: startZoom(container), maxZoom: MAX_ZOOM, hash: true });
  map.addControl(locateMe(), "top-left");
  void sayWhyNot();
  map.once("style.load", async () => {
    if (await hasData(updated)) drawData(map, new DataTiles(template));
  });
}

/** The whole world where it fits, and no empty stripes where it is broader than that. */
function startZoom(container: HTMLElement): number {
  return Math.max(0, Math.log2(container.clientWidth / 512));
}

/** The position as the browser knows it, once it is asked for. Firefox with this service as its
 * provider asks it. */
function locateMe(): GeolocateControl {
  const control = new GeolocateControl({
    positionOptions: { enableHighAccuracy: true, timeout: 20_000 },
    fitBoundsOptions: { maxZoom: 11 },
  });
  control.on("geolocate", ({ coords }) => {
    const { latitude, longitude, accuracy } = coords;
    say(`Your browser says you are at ${latitude.toFixed(5)}, ${longitude.toFixed(5)}, give or take ${spoken(accuracy)}.`);
  });
  control.on("error", ({ message }) => {
    say(`Your browser does not know where you are${message ? `: ${message}` : ""}.`);
  });
  return control;
}

/** Why the button is off, where the browser does not even ask the visitor. */
async function sayWhyNot(): Promise<void> {
  if (!window.isSecureContext || !("geolocation" in navigator)) {
    say("Your browser does not tell where you are here: it does so only on pages with https.");
    return;
  }
  const state = await navigator.permissions?.query({ name: "geolocation" }).catch(() => undefined);
  if (state?.state === "denied") say("Your browser is not allowed to tell this site where you are.");
}

function say(text: string): void {
  if (position) position.textContent = text;
}

/** Whether there are pictures, and of when they are. */
async function hasData(address: string): Promise<boolean> {
  const answer = await fetch(optional(address)).catch(() => undefined);
  const known: unknown = answer?.status === 200 ? await answer.json().catch(() => undefined) : undefined;
  const updated = (known as { updated?: unknown } | undefined)?.updated;
  const time = typeof updated === "string" ? new Date(updated) : undefined;
  if (!time || Number.isNaN(time.valueOf())) {
    document.getElementById("map-none")?.removeAttribute("hidden");
    if (date) date.textContent = "";
    return false;
  }
  if (date) {
    const stamp = document.createElement("time");
    stamp.dateTime = time.toISOString();
    stamp.textContent = time.toLocaleDateString("en", { dateStyle: "long", timeZone: "UTC" });
    date.replaceChildren("Data as of ", stamp, ".");
  }
  return true;
}

function drawData(map: Map, tiles: DataTiles): void {
  addProtocol("datamap", async ({ url }, { signal }) => {
    const tile = parse(url);
    const picture = tile && (await tiles.picture(tile, signal));
    return { data: picture ?? (await createImageBitmap(new ImageData(1, 1))) };
  });
  map.addSource("data", {
    type: "raster",
    tiles: ["datamap://{z}/{x}/{y}"],
    tileSize: 256,
    maxzoom: DEEPEST,
  });
  // A dark style of the operator's is the only foreign one whose brightness is known.
  const base = map.getContainer().dataset["base"];
  const shown = (theme: Theme) => DATA_PAINT[base === "dark" || base === "light" ? base : theme];
  // Above the land, below the names.
  const below = map.getLayer("names") ? "names" : undefined;
  map.addLayer({ id: "data", type: "raster", source: "data", paint: shown(theme()) }, below);
  onTheme((theme) => {
    for (const [property, value] of Object.entries(shown(theme))) {
      map.setPaintProperty("data", property as never, value as never);
    }
  });
}

/** Without WebGL one picture of the whole world has to do. */
async function fallBack(container: HTMLElement): Promise<void> {
  container.hidden = true;
  document.getElementById("map-no-webgl")?.removeAttribute("hidden");
  if (!picture) return;
  picture.hidden = false;
  if (!(await hasData(container.dataset["updated"] ?? ""))) return;
  const overview = document.createElement("img");
  overview.alt = "Where in the world there are reports";
  overview.src = picture.dataset["overview"] ?? "";
  picture.append(overview);
}
