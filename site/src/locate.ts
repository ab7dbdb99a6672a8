// The "Locate me" page: a request as one's own program would send it, and what comes of it.

import { spoken } from "./circle";
import { DEMONSTRATIONS } from "./demonstrations";
import { faultOf } from "./json-check";
import { curl, hint, path, position, stations, type Found, type Wanted } from "./request";

/** Where the key is kept in this browser, if that is wanted. */
const KEPT = "ichnaea-key";
/** Milliseconds after which an answer is not waited for any longer. */
const PATIENCE = 60_000;

function get<T extends HTMLElement>(id: string): T {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no #${id}`);
  return element as T;
}

const form = get<HTMLFormElement>("locate");
const body = get<HTMLTextAreaElement>("locate-body");
const fault = get("locate-fault");
const key = get<HTMLInputElement>("locate-key");
const keep = get<HTMLInputElement>("locate-keep");
const explain = get<HTMLInputElement>("locate-explain");
const demonstration = get<HTMLSelectElement>("locate-demonstration");
const button = get<HTMLButtonElement>("locate-send");

function wanted(): Wanted {
  const what = new FormData(form).get("what");
  const kind = what === "region" ? "region" : explain.checked ? "explained" : "position";
  return { kind, key: key.value.trim(), body: body.value };
}

/** The request as it would be sent now. */
function preview(): void {
  const now = wanted();
  get("locate-request").textContent = `POST ${path(now)}`;
  get("locate-curl").textContent = curl(now, location.origin);
  explain.disabled = now.kind === "region";
  const found = faultOf(body.value);
  body.setAttribute("aria-invalid", String(found !== undefined));
  const place = found?.line ? `Line ${found.line}, column ${found.column}: ` : "";
  fault.textContent = found ? `${place}${found.message}. It can be sent all the same.` : "";
}

function remember(): void {
  try {
    if (keep.checked && key.value) localStorage.setItem(KEPT, key.value.trim());
    else localStorage.removeItem(KEPT);
  } catch {
    // A browser that keeps nothing; then it does not.
  }
}

function remembered(): string {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return "";
  }
}

let show: Promise<((found: Found) => Promise<void>) | undefined> | undefined;

/** The map comes with the first position, and is left out where it cannot be drawn. */
function onMap(found: Found): void {
  const container = get("locate-map");
  container.hidden = false;
  show ??= import("./locate-map").then(({ canDraw, positionMap }) =>
    canDraw() ? positionMap(container) : undefined,
  );
  const none = () => {
    container.hidden = true;
    get("locate-no-map").hidden = false;
  };
  show.then((draw) => (draw ? draw(found) : none())).catch((error: unknown) => {
    console.warn(error);
    none();
  });
}

function listed(answer: unknown): void {
  const rows = stations(answer).map(({ kind, name, isKnown }) => {
    const row = document.createElement("tr");
    for (const text of [kind, name, isKnown ? "known" : "not known"]) {
      const cell = document.createElement("td");
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  });
  get("locate-stations-rows").replaceChildren(...rows);
  get("locate-stations").hidden = rows.length === 0;
}

function summary(answer: unknown, found: Found | undefined, wanted: Wanted): string {
  if (found) {
    const { lat, lng } = found.place;
    return `Found: ${lat.toFixed(5)}, ${lng.toFixed(5)}, give or take ${spoken(found.accuracy)}.`;
  }
  const { country_name: name, country_code: code } = (answer ?? {}) as Record<string, unknown>;
  if (wanted.kind === "region" && typeof name === "string") return `Found: ${name} (${String(code)}).`;
  return "No position.";
}

async function send(): Promise<void> {
  const now = wanted();
  remember();
  button.setAttribute("aria-busy", "true");
  const [said, answered] = [get("locate-summary"), get("locate-answer")];
  said.textContent = "Asking …";
  const started = performance.now();
  try {
    const response = await fetch(path(now), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: now.body,
      signal: AbortSignal.timeout(PATIENCE),
    });
    const text = await response.text();
    const took = Math.round(performance.now() - started);
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      answer = undefined;
    }
    get("locate-status").textContent = `${response.status} ${response.statusText} · ${took} ms`;
    answered.textContent = answer === undefined ? text : JSON.stringify(answer, null, 2);
    const found = response.ok ? position(answer) : undefined;
    said.textContent = summary(answer, found, now);
    get("locate-hint").textContent = hint(response.status, answer, now.kind);
    get("locate-map").hidden = !found;
    listed(response.ok ? answer : undefined);
    get("locate-result").hidden = false;
    if (found) onMap(found);
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    said.textContent = isLate ? "The server has not answered for a minute." : "The server cannot be reached.";
    get("locate-result").hidden = true;
  } finally {
    button.removeAttribute("aria-busy");
  }
}

for (const { name } of DEMONSTRATIONS) demonstration.add(new Option(name));
demonstration.addEventListener("change", () => {
  const chosen = DEMONSTRATIONS.find(({ name }) => name === demonstration.value);
  if (chosen) body.value = chosen.body;
  preview();
});
key.value = new URLSearchParams(location.search).get("key") ?? remembered();
keep.checked = remembered() !== "";
if (!body.value.trim()) body.value = DEMONSTRATIONS[0]!.body;
form.addEventListener("input", preview);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (button.getAttribute("aria-busy") !== "true") void send();
});
preview();
