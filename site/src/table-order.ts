// Which rows of a table are shown, and in which order.

export interface Row {
  /** What each cell is ordered by. */
  cells: (number | string)[];
  /** What is searched, in lower case. */
  text: string;
}

export interface View {
  column: number;
  isDescending: boolean;
  search: string;
  /** From 0. */
  page: number;
  perPage: number;
}

/** Rows of the page by their index in the table, and how many pages there are: at least one. */
export function rowsOf(rows: Row[], view: View): { shown: number[]; found: number; page: number; pages: number } {
  const wanted = view.search.trim().toLowerCase();
  const found = rows.map((_, index) => index).filter((index) => rows[index]!.text.includes(wanted));
  const sign = view.isDescending ? -1 : 1;
  const key = (index: number) => rows[index]!.cells[view.column] ?? "";
  // Rows that are equal stay as the server has them.
  found.sort((a, b) => sign * compare(key(a), key(b)) || a - b);
  const pages = Math.max(1, Math.ceil(found.length / view.perPage));
  const page = Math.min(view.page, pages - 1);
  const shown = found.slice(page * view.perPage, (page + 1) * view.perPage);
  return { shown, found: found.length, page, pages };
}

function compare(a: number | string, b: number | string): number {
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0;
}

/** 1,234 or 1234 as a number; anything else in lower case. */
export function orderOf(text: string): number | string {
  const digits = text.replaceAll(",", "").trim();
  return /^\d+$/.test(digits) ? Number(digits) : text.trim().toLowerCase();
}
