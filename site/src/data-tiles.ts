// Pictures of the data map. Most of the world has none, and a browser writes every answer 404 into its
// console as an error; so nothing is asked for below a picture that is not there, and our own server is
// told to answer 204 for what is missing.

/** How many missing pictures are remembered. */
const REMEMBERED = 4096;

export interface Tile {
  z: number;
  x: number;
  y: number;
}

/** `datamap://5/16/10`, as the map asks for it. */
export function parse(address: string): Tile | undefined {
  const found = /^datamap:\/\/(\d+)\/(\d+)\/(\d+)$/.exec(address);
  if (!found) return undefined;
  const [z, x, y] = found.slice(1).map(Number) as [number, number, number];
  return { z, x, y };
}

/** Whether a page may ask this host for the special answer: only the one it comes from. */
export const isOwn = (address: string) => address.startsWith("/");

/** The address of a file that may be missing. */
export const optional = (address: string) => (isOwn(address) ? `${address}?missing=204` : address);

export class DataTiles {
  private readonly missing = new Set<string>();

  constructor(
    /** With {z}, {x} and {y}. */
    private readonly template: string,
    private readonly ask: typeof fetch = (...request) => fetch(...request),
  ) {}

  /** The bytes of a picture; `undefined`: there is none. */
  async picture(tile: Tile, signal: AbortSignal): Promise<ArrayBuffer | undefined> {
    if (this.hasNoneAbove(tile)) return undefined;
    const address = this.template
      .replace("{z}", String(tile.z))
      .replace("{x}", String(tile.x))
      .replace("{y}", String(tile.y));
    const answer = await this.ask(optional(address), { signal });
    // A bucket whose list is not public answers 403 for what it does not have.
    if ([204, 403, 404].includes(answer.status)) {
      if (this.missing.size >= REMEMBERED) this.missing.clear();
      this.missing.add(`${tile.z}/${tile.x}/${tile.y}`);
      return undefined;
    }
    if (!answer.ok) throw new Error(`a picture of the data: ${answer.status}`);
    return answer.arrayBuffer();
  }

  /** Each picture shows all the points of the four below it, so that these are empty when it is. */
  private hasNoneAbove({ z, x, y }: Tile): boolean {
    for (; z >= 0; z -= 1, x >>= 1, y >>= 1) {
      if (this.missing.has(`${z}/${x}/${y}`)) return true;
    }
    return false;
  }
}
