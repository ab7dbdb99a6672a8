// Modules that the build makes.

declare module "virtual:world" {
  /** Address of the coarse outlines with names of countries, about 500 m. */
  export const world50m: string;
  /** Address of the fine outlines, about 100 m. */
  export const world10m: string;
}
