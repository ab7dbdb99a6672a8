// The map of the "Locate me" page: one circle. Loaded when there is something to show.

import { type GeoJSONSource, type Map, Marker } from "maplibre-gl";

import { around, circle } from "./circle";
import { COLOURS } from "./colours";
import type { Found } from "./request";
import { onTheme, theme } from "./theme";
import { worldMap } from "./world-map";

export { canDraw } from "./world-map";

/** Close enough to see a circle of ten metres. */
const MAX_ZOOM = 18;

/** Shows a position and how sure it is. */
export function positionMap(container: HTMLElement): (found: Found) => Promise<void> {
  const title = container.getAttribute("aria-label") ?? "Map";
  const map = worldMap({ container, title, center: [9, 35], zoom: 0, maxZoom: MAX_ZOOM, hash: false });
  const marker = new Marker({ color: COLOURS[theme()].position });
  const loaded = new Promise<void>((resolve) => void map.once("style.load", () => resolve())).then(() => prepare(map));
  return async ({ place, accuracy }) => {
    await loaded;
    map.getSource<GeoJSONSource>("circle")?.setData(circle(place, accuracy));
    marker.setLngLat(place).addTo(map);
    map.fitBounds(around(place, accuracy), { padding: 32, animate: false });
  };
}

function prepare(map: Map): void {
  const data = { type: "FeatureCollection" as const, features: [] };
  map.addSource("circle", { type: "geojson", data });
  const color = COLOURS[theme()].position;
  map.addLayer({ id: "circle", type: "fill", source: "circle", paint: { "fill-color": color, "fill-opacity": 0.2 } });
  map.addLayer({ id: "rim", type: "line", source: "circle", paint: { "line-color": color, "line-width": 2 } });
  onTheme((theme) => {
    map.setPaintProperty("circle", "fill-color", COLOURS[theme].position);
    map.setPaintProperty("rim", "line-color", COLOURS[theme].position);
  });
}
