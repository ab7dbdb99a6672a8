// Packages without types of their own.

declare module "d3-geo-projection" {
  import type { GeoProjection } from "d3-geo";
  export function geoProject(shape: GeoJSON.GeoJsonObject, by: GeoProjection): GeoJSON.GeoJsonObject;
}
