// A map of the world, as the map page and the "Locate me" page show it.

import {
  AttributionControl,
  FullscreenControl,
  type GeoJSONSource,
  Map,
  NavigationControl,
  ScaleControl,
  setWorkerUrl,
} from "maplibre-gl";
import workerUrl from "maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url";
import { feature } from "topojson-client";
import { world10m, world50m } from "virtual:world";

import { foreign, outlines, OUTLINES, repaint } from "./base-style";
import { onTheme, theme } from "./theme";

setWorkerUrl(workerUrl);

/** From here on one sees that the coarse outlines are coarse. */
const FINE_ZOOM = 5;
export interface Wanted {
  container: HTMLElement;
  /** What the map is called for those who do not see it. */
  title: string;
  center: [number, number];
  zoom: number;
  /** How close one gets. */
  maxZoom: number;
  /** Whether the address of the page says what is shown. */
  hash: boolean;
}

/** Whether this browser can draw a map at all. */
export function canDraw(): boolean {
  try {
    return document.createElement("canvas").getContext("webgl2") !== null;
  } catch {
    return false;
  }
}

/** The map with its base; everything else is drawn after its `load`. */
export function worldMap({ container, title, center, zoom, maxZoom, hash }: Wanted): Map {
  const { style = "", attribution = "" } = container.dataset;
  const map = new Map({
    container,
    style: style ? foreign(style, attribution) : outlines(theme()),
    center,
    zoom,
    hash,
    minZoom: 0,
    // No bounds: the library ends the map at 85.0511° by itself, and reads any that are more than once
    // around the world as the small rest.
    maxZoom,
    // Turned maps are of no use here, and a phone turns them by mistake.
    dragRotate: false,
    pitchWithRotate: false,
    touchPitch: false,
    attributionControl: false,
    locale: { "Map.Title": title },
  });
  map.touchZoomRotate.disableRotation();
  map.keyboard.disableRotation();
  map.addControl(new NavigationControl({ visualizePitch: false }), "top-left");
  map.addControl(new FullscreenControl(), "top-right");
  map.addControl(new ScaleControl({ maxWidth: 120 }), "bottom-left");
  // What a picture needs is named with its source.
  const custom = style.includes("{z}") ? "" : attribution;
  map.addControl(new AttributionControl({ compact: false, customAttribution: custom }), "bottom-right");
  if (!style) drawOutlines(map);
  tellState(map, container);
  return map;
}

/** Says in the page whether everything that is to be seen is drawn. */
function tellState(map: Map, container: HTMLElement): void {
  const tell = (state: string) => () => (container.dataset["state"] = state);
  map.on("idle", tell("ready"));
  for (const event of ["movestart", "dataloading"] as const) map.on(event, tell("busy"));
}

function drawOutlines(map: Map): void {
  const draw = async (address: string) => {
    const answer = await fetch(address);
    if (!answer.ok) throw new Error(`the outlines of the world: ${answer.status}`);
    const topology = (await answer.json()) as TopoJSON.Topology;
    for (const name of OUTLINES) {
      const shape = topology.objects[name];
      if (shape) map.getSource<GeoJSONSource>(name)?.setData(feature(topology, shape));
    }
  };
  map.once("style.load", async () => {
    await draw(world50m);
    // Once, and not before it is looked at: it is five times as large.
    const refine = () => {
      if (map.getZoom() < FINE_ZOOM) return;
      map.off("zoomend", refine);
      draw(world10m).catch((error: unknown) => console.warn(error));
    };
    map.on("zoomend", refine);
    refine();
  });
  onTheme((theme) => {
    for (const [layer, property, value] of repaint(theme)) {
      map.setPaintProperty(layer, property as never, value as never);
    }
  });
}
