// What is wrong with a text that should be JSON, and where.

export interface Fault {
  message: string;
  /** From 1; left out where the browser does not say. */
  line?: number;
  column?: number;
}

/** `undefined`: nothing is wrong. */
export function faultOf(text: string): Fault | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return read(text, error instanceof Error ? error.message : String(error));
  }
}

/** Browsers put the place into their messages, each in its own way. */
export function read(text: string, said: string): Fault {
  const message = said
    .replace(/^JSON\.parse: /, "")
    .replace(/,? ?(?:\.\.\.)?"[^]*(?:"|\.\.\.) is not valid JSON$/, "")
    .replace(/ (?:in JSON )?at position \d+(?: \(line \d+ column \d+\))?$/, "")
    .replace(/ at line \d+ column \d+ of the JSON data$/, "");
  const place = /line (\d+) column (\d+)/.exec(said);
  if (place) return { message, line: Number(place[1]), column: Number(place[2]) };
  const offset = /position (\d+)/.exec(said)?.[1];
  if (offset !== undefined) return { message, ...lineOf(text, Number(offset)) };
  if (/end of (?:JSON )?(?:input|data)/i.test(said)) return { message, ...lineOf(text, text.length) };
  return { message };
}

function lineOf(text: string, offset: number): { line: number; column: number } {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
