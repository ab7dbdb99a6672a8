//! Light on the pixels of one tile.

/// A pixel that is not dark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dot {
    /// Its number, row by row from the north-west corner.
    pub pixel: u32,
    /// How much light fell on it, above 0.
    pub light: f64,
}

/// Gathers light. Only what was lit is looked at and cleared: most tiles are mostly dark.
pub(crate) struct Canvas {
    side: u32,
    light: Vec<f64>,
    lit: Vec<u32>,
}

impl Canvas {
    /// All dark, with so many pixels in a row and column.
    pub(crate) fn new(side: u32) -> Self {
        Self { side, light: vec![0.0; (side * side) as usize], lit: Vec::new() }
    }

    /// Lets light fall on a place in pixels, where whole numbers are the centres of pixels. It is
    /// shared by the four nearest ones; what falls beside the tile is lost.
    #[expect(clippy::cast_possible_truncation, reason = "places are within a few pixels of it")]
    pub(crate) fn splat(&mut self, x: f64, y: f64, light: f64) {
        let (west, north) = (x.floor(), y.floor());
        let (u, v) = (x - west, y - north);
        let (column, row) = (west as i32, north as i32);
        self.add(column, row, light * (1.0 - u) * (1.0 - v));
        self.add(column + 1, row, light * u * (1.0 - v));
        self.add(column, row + 1, light * (1.0 - u) * v);
        self.add(column + 1, row + 1, light * u * v);
    }

    fn add(&mut self, column: i32, row: i32, light: f64) {
        let (Ok(column), Ok(row)) = (u32::try_from(column), u32::try_from(row)) else { return };
        if column >= self.side || row >= self.side || light <= 0.0 {
            return;
        }
        let pixel = row * self.side + column;
        if let Some(sum) = self.light.get_mut(pixel as usize) {
            if *sum <= 0.0 {
                self.lit.push(pixel);
            }
            *sum += light;
        }
    }

    /// Gives out what is not dark, in no order that means anything, and is dark again.
    pub(crate) fn take(&mut self) -> Vec<Dot> {
        let light = &mut self.light;
        let take = |pixel: u32| {
            let light = light.get_mut(pixel as usize).map(std::mem::take).unwrap_or_default();
            Dot { pixel, light }
        };
        self.lit.drain(..).map(take).collect()
    }
}
