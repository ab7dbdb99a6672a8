// A line over months: what stands where, and what stands beside it. Drawn by stat.ts.

export interface Point {
  /** Milliseconds since 1970. */
  time: number;
  value: number;
}

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

/** 1234 as 1.2k, 1234567 as 1.2M. */
export function short(value: number): string {
  if (value >= 1_000_000) return `${tenths(value / 1_000_000)}M`;
  if (value >= 1000) return `${tenths(value / 1000)}k`;
  return String(value);
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}

export function month(time: number): string {
  return new Date(time).toLocaleDateString("en", { month: "short", year: "numeric", timeZone: "UTC" });
}

/** Round values from zero to at least the largest one, five steps of them or fewer. */
export function ticks(largest: number): number[] {
  if (!(largest > 0)) return [0, 1];
  const rough = largest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 2.5, 5, 10].find((factor) => factor * power >= rough) ?? 10;
  const step = Math.max(1, round * power);
  return Array.from({ length: Math.ceil(largest / step) + 1 }, (_, index) => index * step);
}

/** Which points get a month below them: as many as fit, the last one always. */
export function labelled(count: number, width: number): number[] {
  const most = Math.max(1, Math.floor(width / 80));
  const every = Math.max(1, Math.ceil(count / most));
  return Array.from({ length: count }, (_, index) => index).filter((index) => (count - 1 - index) % every === 0);
}

/** Where each point is drawn. A single one stands in the middle. */
export function places(points: Point[], top: number, frame: Frame): { x: number; y: number }[] {
  const [first, last] = [points[0]?.time ?? 0, points.at(-1)?.time ?? 0];
  const width = frame.width - frame.left - frame.right;
  const height = frame.height - frame.top - frame.bottom;
  return points.map(({ time, value }) => ({
    x: frame.left + (last > first ? (time - first) / (last - first) : 0.5) * width,
    y: frame.top + (1 - value / top) * height,
  }));
}

/** What `/stats_….json` says: one series. `undefined`: that is not what it says. */
export function series(json: unknown): { title: string; points: Point[] } | undefined {
  const first = (json as { series?: { title?: unknown; data?: unknown }[] } | null)?.series?.[0];
  if (typeof first?.title !== "string" || !Array.isArray(first.data)) return undefined;
  const points = (first.data as [unknown, unknown][]).flatMap(([time, value]) =>
    typeof time === "number" && typeof value === "number" ? [{ time, value }] : [],
  );
  return { title: first.title, points };
}
