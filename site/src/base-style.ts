// The style of the base map: our own outlines, or what the operator names.

import type { LayerSpecification, StyleSpecification } from "maplibre-gl";

import { COLOURS } from "./colours";
import type { Theme } from "./theme";

export const NATURAL_EARTH =
  '<a href="https://www.naturalearthdata.com/" rel="noopener">Natural Earth</a>';

/** Sources that the outlines are put into once they are there. */
export const OUTLINES = ["land", "borders", "names"] as const;

const empty = (attribution?: string) => ({
  type: "geojson" as const,
  data: { type: "FeatureCollection" as const, features: [] },
  // Finer than this nothing is in the data.
  maxzoom: 9,
  tolerance: 0.3,
  ...(attribution ? { attribution } : {}),
});

function layers(theme: Theme): LayerSpecification[] {
  const { sea, land, border, name, halo } = COLOURS[theme];
  return [
    { id: "sea", type: "background", paint: { "background-color": sea } },
    { id: "land", type: "fill", source: "land", paint: { "fill-color": land } },
    {
      id: "coast",
      type: "line",
      source: "land",
      paint: { "line-color": border, "line-width": 0.6 },
    },
    {
      id: "borders",
      type: "line",
      source: "borders",
      layout: { "line-join": "round" },
      paint: { "line-color": border, "line-width": ["interpolate", ["linear"], ["zoom"], 1, 0.6, 8, 1.6] },
    },
    {
      id: "names",
      type: "symbol",
      source: "names",
      filter: ["<=", ["get", "rank"], ["zoom"]],
      layout: {
        "text-field": ["get", "name"],
        "text-font": ["sans-serif"],
        "text-size": ["interpolate", ["linear"], ["zoom"], 1, 10, 8, 16],
        "text-max-width": 7,
        "text-padding": 6,
      },
      paint: { "text-color": name, "text-halo-color": halo, "text-halo-width": 1.2 },
    },
  ];
}

/** Our own outlines, still without the data. */
export function outlines(theme: Theme): StyleSpecification {
  const sources = { land: empty(NATURAL_EARTH), borders: empty(), names: empty() };
  return { version: 8, sources, layers: layers(theme) };
}

/** What changes with the theme: layer, property, value. */
export function repaint(theme: Theme): [string, string, unknown][] {
  return layers(theme).flatMap(({ id, paint }) =>
    Object.entries(paint ?? {}).map(([property, value]): [string, string, unknown] => [id, property, value]),
  );
}

/** The address of a style, or a template of pictures with {z}, {x} and {y}. */
export function foreign(address: string, attribution: string): string | StyleSpecification {
  if (!address.includes("{z}")) return address;
  const raster = { type: "raster" as const, tiles: [address], tileSize: 256, attribution };
  return {
    version: 8,
    sources: { base: raster },
    layers: [{ id: "base", type: "raster", source: "base" }],
  };
}
