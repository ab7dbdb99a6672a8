// What the "Locate me" page sends, and what it makes of the answer.

import type { Place } from "./circle";

export interface Wanted {
  /** A position, a position with what is known of the stations, or a region. */
  kind: "position" | "explained" | "region";
  key: string;
  body: string;
}

const PATHS = {
  position: "/v1/geolocate",
  explained: "/v1/geolocate/explain",
  region: "/v1/country",
} as const;

export function path({ kind, key }: Wanted): string {
  return PATHS[kind] + (key ? `?key=${encodeURIComponent(key)}` : "");
}

/** The same request as a line for a shell. */
export function curl(wanted: Wanted, origin: string): string {
  let body = wanted.body;
  try {
    body = JSON.stringify(JSON.parse(body));
  } catch {
    // As it is: one may want to see what the server says to that.
  }
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const address = quoted(origin + path(wanted));
  return `curl -H 'Content-Type: application/json' --data-binary ${quoted(body)} ${address}`;
}

export interface Found {
  place: Place;
  /** Metres. */
  accuracy: number;
}

/** The position in an answer, if there is one. */
export function position(answer: unknown): Found | undefined {
  const { location, accuracy } = (answer ?? {}) as { location?: Partial<Place> | null; accuracy?: unknown };
  const { lat, lng } = location ?? {};
  if (typeof lat !== "number" || typeof lng !== "number" || typeof accuracy !== "number") return undefined;
  return { place: { lat, lng }, accuracy };
}

export interface Station {
  kind: string;
  name: string;
  isKnown: boolean;
}

const KINDS: Record<string, string> = { wifi: "Wi-Fi", bluetooth: "Bluetooth", cell: "Cell" };

/** Which stations of an explained answer are known, in the order of the request. */
export function stations(answer: unknown): Station[] {
  const all = (answer as { stations?: Record<string, unknown> } | null)?.stations ?? {};
  return Object.entries(all).flatMap(([kind, list]) => {
    if (!Array.isArray(list)) return [];
    return list.map((entry: Record<string, unknown>) => {
      const { known, ...name } = entry;
      return { kind: KINDS[kind] ?? kind, name: Object.values(name).join(" "), isKnown: known === true };
    });
  });
}

/** What one can do about an answer that is none. */
export function hint(status: number, answer: unknown, kind: Wanted["kind"]): string {
  const { error } = (answer ?? {}) as { error?: { errors?: { reason?: string }[] } };
  const reason = error?.errors?.[0]?.reason;
  if (reason === "keyInvalid") return "This server wants an API key, and the one given (or none) is not one of its own.";
  if (reason === "parseError") return "The server could not read the request: look at the JSON and at the types of the values.";
  if (reason === "dailyLimitExceeded") return "The key has used up its requests of today.";
  if (status === 403 && kind === "explained") return "This key may not see which stations are known. Untick that, or ask the operator for the permission.";
  if (status === 403) return "The key is not allowed to do that.";
  if (status === 404) return "The server was fine with the request but knows too little of what is in it: two known access points, one known cell, or a public address are needed.";
  if (status === 503) return "The server cannot answer at the moment; try again soon.";
  if (status >= 500) return "Something is wrong at the server or in front of it.";
  return status >= 400 ? "The server did not accept the request." : "";
}
