// Light and dark, as the visitor's system wants it, also while the page is open.

export type Theme = "light" | "dark";

const dark = window.matchMedia("(prefers-color-scheme: dark)");

export const theme = (): Theme => (dark.matches ? "dark" : "light");

export function onTheme(change: (theme: Theme) => void): void {
  dark.addEventListener("change", () => change(theme()));
}
