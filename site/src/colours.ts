// Colours of the base map and of what lies on it, in both themes.

import type { Theme } from "./theme";

interface Colours {
  sea: string;
  land: string;
  border: string;
  name: string;
  halo: string;
  /** Of a position and its circle. */
  position: string;
}

export const COLOURS: Record<Theme, Colours> = {
  light: {
    sea: "#d3e0ea",
    land: "#f5f3ee",
    border: "#b3aca0",
    name: "#5c5850",
    halo: "#f5f3ee",
    position: "#b3261e",
  },
  dark: {
    sea: "#0d141b",
    land: "#212b36",
    border: "#4d5b6a",
    name: "#a9b8c6",
    halo: "#161e26",
    position: "#ffb454",
  },
};

/** How the pictures of the data, which go from clear over blue to white, are painted. On a light map
 * white cannot be seen: there the hue is turned by half and everything inverted, so that blue stays
 * blue and white becomes black. */
export const DATA_PAINT: Record<Theme, Record<string, number>> = {
  light: { "raster-hue-rotate": 180, "raster-brightness-min": 1, "raster-brightness-max": 0 },
  dark: { "raster-hue-rotate": 0, "raster-brightness-min": 0, "raster-brightness-max": 1 },
};
