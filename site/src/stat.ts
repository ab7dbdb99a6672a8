// The charts of the statistics page. The numbers also stand in a table there.

import { labelled, month, places, series, short, ticks, type Frame, type Point } from "./chart";

const HEIGHT = 180;
/** Those of the original, so that each is at least 3 to 1 on white and on black. */
const COLOURS = { blue: "#0090d6", cell: "#5b93b1", wifi: "#d9700f" };
const SVG = "http://www.w3.org/2000/svg";

/** Attributes, not styles: those of the page may say otherwise. */
const TEXT = { fill: "currentColor", "font-size": 12 };

type Attributes = Record<string, string | number>;

function draw(parent: Element, name: string, attributes: Attributes, text?: string): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function chart(place: HTMLElement, title: string, points: Point[], colour: string): void {
  const frame: Frame = { width: place.clientWidth, height: HEIGHT, left: 56, right: 16, top: 12, bottom: 28 };
  const lines = ticks(Math.max(0, ...points.map(({ value }) => value)));
  const top = lines.at(-1) ?? 1;
  const at = places(points, top, frame);
  const [first, last] = [points[0], points.at(-1)];
  const spoken =
    first && last
      ? `${title}: ${short(first.value)} in ${month(first.time)}, ${short(last.value)} in ${month(last.time)}.`
      : title;
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", spoken);
  for (const value of lines) {
    const y = frame.top + (1 - value / top) * (frame.height - frame.top - frame.bottom);
    draw(svg, "line", { class: "grid", stroke: "currentColor", "stroke-opacity": 0.2, x1: frame.left, x2: frame.width - frame.right, y1: y, y2: y });
    draw(svg, "text", { class: "axis", ...TEXT, x: frame.left - 6, y: y + 4, "text-anchor": "end" }, short(value));
  }
  for (const index of labelled(points.length, frame.width - frame.left - frame.right)) {
    const anchor = points.length > 1 && index === points.length - 1 ? "end" : "middle";
    const x = anchor === "end" ? frame.width - frame.right : at[index]!.x;
    draw(svg, "text", { class: "axis", ...TEXT, x, y: HEIGHT - 8, "text-anchor": anchor }, month(points[index]!.time));
  }
  const path = at.map(({ x, y }) => `${x},${y}`).join(" ");
  draw(svg, "polyline", { class: "line", fill: "none", stroke: colour, "stroke-width": 2, points: path });
  points.forEach(({ time, value }, index) => {
    const { x, y } = at[index]!;
    const point = draw(svg, "g", { class: "point" });
    draw(point, "circle", { class: "dot", fill: colour, cx: x, cy: y, r: 3.5 });
    // A larger area to point at.
    draw(point, "circle", { class: "reach", fill: "transparent", cx: x, cy: y, r: 14 });
    draw(point, "title", {}, `${title}, ${month(time)}: ${value.toLocaleString("en")}`);
  });
  place.replaceChildren(svg);
}

async function load(section: HTMLElement, address: string, colour: string): Promise<void> {
  const place = section.querySelector<HTMLElement>(".chart");
  if (!place) return;
  const answer = await fetch(address).catch(() => undefined);
  const found = answer?.ok ? series(await answer.json().catch(() => undefined)) : undefined;
  if (!found) {
    place.textContent = "The numbers cannot be had at the moment.";
    return;
  }
  if (found.points.length === 0) {
    place.textContent = "No numbers yet.";
    return;
  }
  let width = -1;
  new ResizeObserver(() => {
    // The height follows from what is drawn.
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    chart(place, found.title, found.points, colour);
  }).observe(place);
}

for (const [kind, colour] of Object.entries(COLOURS)) {
  const section = document.getElementById(`${kind}_chart`);
  if (section) void load(section, `/stats_${kind}.json`, colour);
}
