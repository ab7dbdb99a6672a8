//! All tiles of all zooms from one pass over the points.

use crate::canvas::{Canvas, Dot};
use crate::key::Key;
use crate::tile::{OVERVIEW, Tile, ZOOMS};

/// The zoom at which every point would be drawn. With each zoom below, half of them are left out.
const BASE_ZOOM: u8 = 12;

/// Light of a point at [`BASE_ZOOM`], as existing maps have it.
const BASE_LIGHT: f64 = 0.0379;

/// By how much the light of a point is larger with each zoom below.
const RAMP: f64 = 0.874;

/// How the light of a point in the overview is shared by 3 × 3 pixels. A disc of that size has an
/// area of 4.
const BRUSH: [[f64; 3]; 3] = [
    [52.0 / 325.0, 192.0 / 325.0, 52.0 / 325.0],
    [192.0 / 325.0, 324.0 / 325.0, 192.0 / 325.0],
    [52.0 / 325.0, 192.0 / 325.0, 52.0 / 325.0],
];

/// A tile that is complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Which one.
    pub tile: Tile,
    /// Its pixels that are not dark, each once; maybe none.
    pub dots: Vec<Dot>,
}

/// Draws points, which come in the order of their keys. Only the tiles that are not complete yet
/// are held: one of each zoom, and the overview. A tile exists where there is a point, even when
/// none of its points are drawn.
pub struct Painter {
    /// How many points came.
    points: u64,
    zooms: Vec<Zoom>,
    overview: Canvas,
}

/// The tile of a zoom that is being drawn.
struct Zoom {
    tile: Tile,
    /// One of so many points is drawn, by their numbers among all points, so that each zoom shows
    /// all points of the zooms below it.
    step: u64,
    light: f64,
    canvas: Canvas,
    /// What the points in it begin with.
    open: Option<u64>,
}

impl Default for Painter {
    fn default() -> Self {
        Self::new()
    }
}

impl Painter {
    /// Before the first point.
    #[must_use]
    pub fn new() -> Self {
        let zooms = (0..ZOOMS).map(Zoom::new).collect();
        Self { points: 0, zooms, overview: Canvas::new(OVERVIEW.side()) }
    }

    /// Draws a point, after giving out the tiles that end before it. A point whose key is smaller
    /// than the last one would open tiles a second time.
    pub fn paint<E>(
        &mut self,
        key: Key,
        mut give: impl FnMut(Picture) -> Result<(), E>,
    ) -> Result<(), E> {
        for zoom in &mut self.zooms {
            let prefix = key.prefix(zoom.tile.zoom);
            if zoom.open != Some(prefix) {
                zoom.close(&mut give)?;
                zoom.open(prefix, key);
            }
            if self.points.is_multiple_of(zoom.step) {
                zoom.draw(key);
            }
        }
        if self.points.is_multiple_of(step(OVERVIEW.zoom)) {
            self.draw_overview(key);
        }
        self.points += 1;
        Ok(())
    }

    /// Gives out what is left, with the overview last. Without any point there is nothing.
    pub fn finish<E>(mut self, mut give: impl FnMut(Picture) -> Result<(), E>) -> Result<(), E> {
        for zoom in &mut self.zooms {
            zoom.close(&mut give)?;
        }
        match self.points {
            0 => Ok(()),
            _ => give(Picture { tile: OVERVIEW, dots: self.overview.take() }),
        }
    }

    fn draw_overview(&mut self, key: Key) {
        let side = f64::from(OVERVIEW.side());
        // Half of the brush with its dark border, which is 5 pixels wide, lies before its place.
        let x = share(key.x(), 0) * side - 2.5;
        let y = share(key.y(), 0) * side - 2.5;
        let light = light(OVERVIEW.zoom);
        for (row, shares) in (1_u8..).zip(BRUSH) {
            for (column, share) in (1_u8..).zip(shares) {
                self.overview.splat(x + f64::from(column), y + f64::from(row), light * share);
            }
        }
    }
}

impl Zoom {
    fn new(zoom: u8) -> Self {
        let tile = Tile { zoom, x: 0, y: 0, is_double: false };
        let canvas = Canvas::new(tile.side());
        Self { tile, step: step(zoom), light: light(zoom), canvas, open: None }
    }

    fn open(&mut self, prefix: u64, key: Key) {
        let number = |coordinate: u32| coordinate.checked_shr(32 - u32::from(self.tile.zoom));
        self.open = Some(prefix);
        self.tile.x = number(key.x()).unwrap_or(0);
        self.tile.y = number(key.y()).unwrap_or(0);
    }

    fn close<E>(&mut self, give: &mut impl FnMut(Picture) -> Result<(), E>) -> Result<(), E> {
        match self.open.take() {
            None => Ok(()),
            Some(_) => give(Picture { tile: self.tile, dots: self.canvas.take() }),
        }
    }

    fn draw(&mut self, key: Key) {
        let side = f64::from(self.tile.side());
        let x = share(key.x(), self.tile.zoom) * side - 0.5;
        let y = share(key.y(), self.tile.zoom) * side - 0.5;
        self.canvas.splat(x, y, self.light);
    }
}

/// Which part of its tile lies before a coordinate: 0 up to 1. Powers of 2 make that exact.
fn share(coordinate: u32, zoom: u8) -> f64 {
    f64::from(coordinate << zoom) / (f64::from(u32::MAX) + 1.0)
}

/// One of so many points is drawn.
const fn step(zoom: u8) -> u64 {
    1 << (BASE_ZOOM - zoom)
}

/// Light of a point. A product, so that it is the same on every machine.
fn light(zoom: u8) -> f64 {
    (zoom..BASE_ZOOM).fold(BASE_LIGHT, |light, _| light / RAMP)
}
