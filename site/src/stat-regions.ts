// The table of regions: ordered by any column, searched, 25 rows a page. Without script it is whole.

import { orderOf, rowsOf, type Row, type View } from "./table-order";

const PER_PAGE = 25;

const table = document.querySelector<HTMLTableElement>("#region-stats");
if (table?.tBodies[0] && table.tBodies[0].rows.length > 0) enhance(table, table.tBodies[0]);

function enhance(table: HTMLTableElement, body: HTMLTableSectionElement): void {
  const elements = [...body.rows];
  const rows: Row[] = elements.map((row) => ({
    cells: [...row.cells].map((cell) => orderOf(cell.dataset["order"] ?? cell.textContent ?? "")),
    text: (row.cells[0]?.textContent ?? "").toLowerCase(),
  }));
  const heads = [...(table.tHead?.rows[0]?.cells ?? [])];
  // Most stations of the kind that is most of them: the last column.
  const view: View = { column: heads.length - 1, isDescending: true, search: "", page: 0, perPage: PER_PAGE };

  const search = document.createElement("input");
  search.type = "search";
  search.id = "region-search";
  search.autocomplete = "off";
  const label = document.createElement("label");
  label.htmlFor = search.id;
  label.textContent = "Search a region";
  const tools = document.createElement("div");
  tools.className = "table-tools";
  tools.append(label, search);
  // Outside of what scrolls sideways, where the table stands in such a box.
  const box = table.closest(".table-box") ?? table;
  box.before(tools);

  const [before, after] = [button("Previous page"), button("Next page")];
  const status = document.createElement("span");
  status.setAttribute("role", "status");
  const pages = document.createElement("nav");
  pages.className = "table-pages";
  pages.setAttribute("aria-label", "Pages of the table");
  pages.append(before, status, after);
  box.after(pages);

  const buttons = heads.map((head, column) => {
    const sort = button(head.textContent?.trim() ?? "");
    sort.className = "sort";
    sort.addEventListener("click", () => {
      // Names begin at a, counts with the most.
      view.isDescending = view.column === column ? !view.isDescending : column > 0;
      Object.assign(view, { column, page: 0 });
      show();
    });
    head.replaceChildren(sort);
    return sort;
  });
  search.addEventListener("input", () => {
    Object.assign(view, { search: search.value, page: 0 });
    show();
  });
  before.addEventListener("click", () => turn(-1));
  after.addEventListener("click", () => turn(1));

  function turn(by: number): void {
    view.page += by;
    show();
    // A button that is switched off loses the keyboard.
    if (before.disabled && by < 0) after.focus();
    if (after.disabled && by > 0) before.focus();
  }

  function show(): void {
    const { shown, found, page, pages } = rowsOf(rows, view);
    view.page = page;
    body.replaceChildren(...shown.map((index) => elements[index]!));
    heads.forEach((head, column) => {
      const isSorted = column === view.column;
      if (isSorted) head.setAttribute("aria-sort", view.isDescending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
      buttons[column]!.dataset["sorted"] = isSorted ? (view.isDescending ? "down" : "up") : "";
    });
    before.disabled = page === 0;
    after.disabled = page + 1 >= pages;
    status.textContent = found === 0 ? "No region of that name" : `Page ${page + 1} of ${pages}`;
  }
  show();
}

function button(text: string): HTMLButtonElement {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = text;
  return made;
}
