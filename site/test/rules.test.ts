import assert from "node:assert/strict";
import { test } from "node:test";

import { labelled, month, places, series, short, ticks } from "../src/chart.js";
import { around, away, circle, spoken } from "../src/circle.js";
import { DataTiles, optional, parse } from "../src/data-tiles.js";
import { DEMONSTRATIONS } from "../src/demonstrations.js";
import { faultOf, read } from "../src/json-check.js";
import { curl, hint, path, position, stations } from "../src/request.js";
import { orderOf, rowsOf } from "../src/table-order.js";

test("a circle is as wide as it says, wherever it is", () => {
  // A minute of latitude is about a nautical mile.
  assert.ok(Math.abs(away({ lat: 0, lng: 0 }, 1853, 0).lat - 1 / 60) < 1e-4);
  for (const center of [{ lat: 51.5, lng: -0.1 }, { lat: -85, lng: 179.99 }, { lat: 89.9, lng: 0 }]) {
    const ring = circle(center, 5000).geometry.coordinates[0]!;
    assert.deepEqual(ring[0], ring.at(-1));
    assert.ok(ring.every(([lng, lat]) => Number.isFinite(lng) && Math.abs(lat!) <= 90));
    const [[west, south], [east, north]] = around(center, 5000);
    assert.ok(west <= center.lng && center.lng <= east && south <= center.lat && center.lat <= north);
  }
});

test("distances are said as people say them", () => {
  const said = [12.4, 999, 1000, 9900, 25_000, 4_500_000].map(spoken);
  assert.deepEqual(said, ["12 m", "999 m", "1.0 km", "9.9 km", "25 km", "4,500 km"]);
});

test("numbers at the axis are short", () => {
  assert.deepEqual([0, 999, 1000, 1_234_567].map(short), ["0", "999", "1k", "1.2M"]);
  assert.equal(month(Date.UTC(2026, 0, 1)), "Jan 2026");
});

test("the axis is round, begins at zero and has room for the largest value", () => {
  for (const largest of [1, 2, 7, 99, 1_448_000, 5e9]) {
    const lines = ticks(largest);
    assert.equal(lines[0], 0);
    assert.ok(lines.at(-1)! >= largest && lines.length <= 6, `${largest}: ${lines}`);
  }
  assert.deepEqual(ticks(0), [0, 1]);
});

test("points keep their places, and a single one stands in the middle", () => {
  const frame = { width: 120, height: 60, left: 10, right: 10, top: 10, bottom: 10 };
  assert.deepEqual(places([{ time: 5, value: 4 }], 4, frame), [{ x: 60, y: 10 }]);
  const two = places([{ time: 0, value: 0 }, { time: 9, value: 2 }], 4, frame);
  assert.deepEqual(two, [{ x: 10, y: 50 }, { x: 110, y: 30 }]);
  assert.deepEqual(labelled(13, 400), [0, 3, 6, 9, 12]);
  assert.deepEqual(labelled(0, 400), []);
});

test("a series is read, and what is none is not", () => {
  const json = { series: [{ title: "WiFi", data: [[0, 1], ["x", 2]] }] };
  assert.deepEqual(series(json), { title: "WiFi", points: [{ time: 0, value: 1 }] });
  for (const odd of [null, 1, {}, { series: [] }, { series: [{ title: 1, data: [] }] }]) {
    assert.equal(series(odd), undefined);
  }
});

test("tiles are asked for by their place, and never below one that is missing", async () => {
  const asked: string[] = [];
  const answer = async (address: unknown) => {
    asked.push(String(address));
    return new Response(null, { status: asked.length === 1 ? 204 : 200 });
  };
  const tiles = new DataTiles("/tiles/{z}/{x}/{y}.png", answer as typeof fetch);
  const { signal } = new AbortController();
  assert.equal(await tiles.picture({ z: 3, x: 4, y: 2 }, signal), undefined);
  assert.equal(await tiles.picture({ z: 5, x: 17, y: 11 }, signal), undefined);
  assert.notEqual(await tiles.picture({ z: 5, x: 20, y: 11 }, signal), undefined);
  assert.deepEqual(asked, ["/tiles/3/4/2.png?missing=204", "/tiles/5/20/11.png?missing=204"]);
});

test("only the own server is told how to answer for what is missing", () => {
  assert.equal(optional("/static/x"), "/static/x?missing=204");
  assert.equal(optional("https://cdn.example/x"), "https://cdn.example/x");
  assert.deepEqual(parse("datamap://5/16/10"), { z: 5, x: 16, y: 10 });
  assert.equal(parse("datamap://5/16"), undefined);
});

test("what is wrong with a text is found, with its place where the browser says it", () => {
  assert.equal(faultOf("{}"), undefined);
  assert.notEqual(faultOf('{"a": 0'), undefined);
  const text = '{\n  "a": x}';
  for (const [said, line, column] of [
    ["Unexpected token x in JSON at position 9", 2, 8],
    ["Expected double-quoted property name in JSON at position 9 (line 2 column 8)", 2, 8],
    ["JSON.parse: unexpected character at line 2 column 8 of the JSON data", 2, 8],
    ["Unexpected end of JSON input", 2, 10],
  ] as const) {
    const fault = read(text, said);
    assert.deepEqual([fault.line, fault.column], [line, column], said);
    assert.doesNotMatch(fault.message, /position|line|column/);
  }
  assert.equal(read(text, "no idea").line, undefined);
});

test("demonstrations are requests, except for the one that is meant to be none", () => {
  const broken = DEMONSTRATIONS.filter(({ body }) => faultOf(body)).map(({ name }) => name);
  assert.deepEqual(broken, ["Broken JSON"]);
});

test("the line for a shell asks the same and survives quotes", () => {
  const wanted = { kind: "region", key: "a b", body: '{"a": "it\'s"}' } as const;
  assert.equal(path(wanted), "/v1/country?key=a%20b");
  const line = curl(wanted, "https://here.example");
  assert.ok(line.includes(`--data-binary '{"a":"it'\\''s"}' 'https://here.example/v1/country?key=a%20b'`), line);
  assert.ok(curl({ ...wanted, body: "{broken" }, "").includes("'{broken'"));
});

test("positions and stations are taken from answers, and nothing from others", () => {
  const found = { place: { lat: 1, lng: 2 }, accuracy: 3 };
  assert.deepEqual(position({ location: { lat: 1, lng: 2 }, accuracy: 3 }), found);
  for (const answer of [undefined, null, {}, { location: null, accuracy: 1 }, { location: { lat: "1" } }]) {
    assert.equal(position(answer), undefined);
  }
  const wifi = [{ macAddress: "02", known: true }];
  const cell = [{ radioType: "lte", cellId: 1, known: false }];
  assert.deepEqual(stations({ stations: { wifi, cell } }), [
    { kind: "Wi-Fi", name: "02", isKnown: true },
    { kind: "Cell", name: "lte 1", isKnown: false },
  ]);
  assert.deepEqual(stations(undefined), []);
});

test("what can be done about an error is said by its reason first", () => {
  const error = (reason: string) => ({ error: { errors: [{ reason }] } });
  assert.match(hint(400, error("keyInvalid"), "position"), /API key/);
  assert.match(hint(400, error("parseError"), "position"), /JSON/);
  assert.match(hint(403, {}, "explained"), /may not see/);
  assert.match(hint(404, undefined, "position"), /two known access points/);
  assert.equal(hint(200, {}, "position"), "");
});

test("a table is ordered, searched and divided", () => {
  const rows = ["b", "a", "c"].map((text, index) => ({ cells: [text, [5, 100, 5][index]!], text }));
  const view = { column: 1, isDescending: true, search: "", page: 0, perPage: 2 };
  assert.deepEqual(rowsOf(rows, view), { shown: [1, 0], found: 3, page: 0, pages: 2 });
  assert.deepEqual(rowsOf(rows, { ...view, page: 9 }), { shown: [2], found: 3, page: 1, pages: 2 });
  assert.deepEqual(rowsOf(rows, { ...view, column: 0, isDescending: false }).shown, [1, 0]);
  assert.deepEqual(rowsOf(rows, { ...view, search: " B " }).shown, [0]);
  assert.equal(rowsOf(rows, { ...view, search: "x" }).pages, 1);
  assert.deepEqual(["1,234", " 7 ", "Ålesund", ""].map(orderOf), [1234, 7, "ålesund", ""]);
});
