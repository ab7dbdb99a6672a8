// A circle on the ground as a shape on the map.

/** Mean radius of the earth in metres (IUGG). */
const EARTH_M = 6_371_008.8;
const CORNERS = 96;

export interface Place {
  /** Degrees. */
  lat: number;
  /** Degrees. */
  lng: number;
}

/** The point this many metres away in this direction (radians from north), on a sphere; its longitude
 * is not wrapped, so that a circle across the antimeridian stays in one piece. */
export function away({ lat, lng }: Place, metres: number, direction: number): Place {
  const angle = metres / EARTH_M;
  const from = (lat * Math.PI) / 180;
  const sine = Math.sin(from) * Math.cos(angle) + Math.cos(from) * Math.sin(angle) * Math.cos(direction);
  const to = Math.asin(Math.min(1, Math.max(-1, sine)));
  const turn = Math.atan2(
    Math.sin(direction) * Math.sin(angle) * Math.cos(from),
    Math.cos(angle) - Math.sin(from) * Math.sin(to),
  );
  return { lat: (to * 180) / Math.PI, lng: lng + (turn * 180) / Math.PI };
}

export function circle(center: Place, metres: number): GeoJSON.Feature<GeoJSON.Polygon> {
  const ring = Array.from({ length: CORNERS }, (_, corner) => {
    const { lat, lng } = away(center, metres, (-2 * Math.PI * corner) / CORNERS);
    return [lng, lat];
  });
  ring.push(ring[0]!);
  return { type: "Feature", properties: {}, geometry: { type: "Polygon", coordinates: [ring] } };
}

/** What a map has to show of a circle: the corners in the south west and the north east. */
export function around(center: Place, metres: number): [[number, number], [number, number]] {
  // Circles of a thousand kilometres and more would reach over a pole.
  const radius = Math.min(metres, 2_000_000);
  const [north, south] = [away(center, radius, 0).lat, away(center, radius, Math.PI).lat];
  const [east, west] = [away(center, radius, Math.PI / 2).lng, away(center, radius, -Math.PI / 2).lng];
  return [
    [west, south],
    [east, north],
  ];
}

/** Metres as one says them. */
export function spoken(metres: number): string {
  if (metres < 1000) return `${Math.round(metres)} m`;
  const km = metres / 1000;
  return `${km < 10 ? km.toFixed(1) : Math.round(km).toLocaleString("en")} km`;
}
