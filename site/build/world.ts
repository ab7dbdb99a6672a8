// The base map: outlines of the land, borders and names of countries, from the public domain data of
// Natural Earth as world-atlas packs it. `virtual:world` gives the addresses of a coarse and a fine one.

import { readFileSync } from "node:fs";

import {
  geoArea,
  geoCentroid,
  geoEquirectangular,
  geoMercator,
  geoPath,
  type ExtendedFeature,
} from "d3-geo";
import { geoProject } from "d3-geo-projection";
import { feature, merge, mesh } from "topojson-client";
import { topology } from "topojson-server";
import type { Plugin } from "vite";

import { remembered } from "./remembered";

const NAME = "virtual:world";

/** How often the earth's width is divided; a thousandth of a degree
 * is 111 m. */
const STEPS = { "50m": 36_000, "10m": 180_000 } as const;
type Scale = keyof typeof STEPS;

/** A projection that changes nothing but cuts at the antimeridian: world-atlas holds shapes of a
 * sphere, which go on across it, and a flat map draws those as a stripe around the world. */
const cut = (shape: GeoJSON.GeoJsonObject) =>
  geoProject(
    shape,
    geoEquirectangular().scale(180 / Math.PI).translate([0, 0]).reflectY(true).precision(0),
  );

/** A few of the fine islands run the wrong way round, which on a sphere means: all but the island. */
function rewound(land: GeoJSON.MultiPolygon): GeoJSON.MultiPolygon {
  const coordinates = land.coordinates.map((polygon) => {
    const isInsideOut = geoArea({ type: "Polygon", coordinates: polygon } as never) > 2 * Math.PI;
    return isInsideOut ? polygon.map((ring) => [...ring].reverse()) : polygon;
  });
  return { type: "MultiPolygon", coordinates };
}

/** Changes whenever what is made of the atlas does. */
const FORM = "land, borders, names; 2";

function outlines(scale: Scale): Buffer {
  const packed = readFileSync(new URL(import.meta.resolve(`world-atlas/countries-${scale}.json`)));
  return remembered([FORM, String(STEPS[scale]), packed], () => {
    const atlas = JSON.parse(packed.toString("utf8"));
    const { countries } = atlas.objects;
    const objects: Record<string, GeoJSON.GeoJsonObject> = {
      land: cut(rewound(merge(atlas, countries.geometries))),
      borders: cut(mesh(atlas, countries, (left, right) => left !== right)),
    };
    if (scale === "50m") objects["names"] = names(feature(atlas, countries) as never);
    return Buffer.from(JSON.stringify(topology(objects as never, STEPS[scale])));
  });
}

/** A point in the largest part of each country, with its name; the smaller the country, the closer
 * one has to look (`rank` is the zoom from which on it is shown). */
function names(countries: GeoJSON.FeatureCollection): GeoJSON.FeatureCollection {
  const features = countries.features.flatMap(({ geometry, properties }) => {
    const parts = geometry.type === "MultiPolygon" ? geometry.coordinates : [];
    const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : parts;
    const shapes = polygons.map((coordinates) => ({ type: "Polygon", coordinates }) as never);
    const largest = shapes.sort((a, b) => geoArea(b) - geoArea(a))[0] as ExtendedFeature | undefined;
    const name: unknown = properties?.["name"];
    if (!largest || typeof name !== "string") return [];
    // The whole sphere has an area of 4π; each zoom shows a quarter of the one before.
    const rank = Math.max(0, Math.min(6, Math.round(-Math.log(geoArea(largest)) / Math.log(4)) - 1));
    const point = { type: "Point" as const, coordinates: geoCentroid(largest) };
    return [{ type: "Feature" as const, properties: { name, rank }, geometry: point }];
  });
  return { type: "FeatureCollection", features };
}

/** The world as the smallest map picture has it, to lie below that one: Mercator, 256 pixels wide. */
function picture(): string {
  const file = new URL(import.meta.resolve("world-atlas/countries-110m.json"));
  const atlas = JSON.parse(readFileSync(file, "utf8"));
  const projection = geoMercator().scale(256 / (2 * Math.PI)).translate([128, 128]).precision(0);
  const path = geoPath(projection).digits(1)(merge(atlas, atlas.objects.countries.geometries));
  return (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 256 256" width="256" height="256">' +
    `<path fill="#0d141b" d="M0 0h256v256H0z"/><path fill="#2b3846" d="${path}"/></svg>\n`
  );
}

export function world(): Plugin {
  const id = `\0${NAME}`;
  return {
    name: "world",
    buildStart() {
      this.emitFile({ type: "asset", fileName: "images/world.svg", source: picture() });
    },
    resolveId: (source) => (source === NAME ? id : undefined),
    load(loaded) {
      if (loaded !== id) return;
      const exports = (Object.keys(STEPS) as Scale[]).map((scale) => {
        const name = `world-${scale}.json`;
        const file = this.emitFile({ type: "asset", name, source: outlines(scale) });
        return `export const world${scale} = import.meta.ROLLUP_FILE_URL_${file};`;
      });
      return exports.join("\n");
    },
  };
}
