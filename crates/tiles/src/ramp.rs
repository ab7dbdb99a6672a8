//! From light to colour.
//!
//! All colours lie on one line: from transparent to a blue, and from there to white. So a colour is
//! its place on that line.

/// How many places there are.
pub const LEVELS: usize = 511;

/// The blue.
const BLUE: [u8; 3] = [0, 136, 255];

/// Steps of each half.
const HALF: u16 = 255;

/// A place on the line: 0 is transparent, 255 blue, 510 white.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Level(u16);

impl Level {
    /// Nothing to see.
    pub const TRANSPARENT: Self = Self(0);

    /// What a pixel looks like on which so much light fell. Its root counts: 0.25 is blue, and from
    /// 1 on it is white.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the fraction is to be cut off; light is not negative"
    )]
    pub fn of(light: f64) -> Self {
        let strength = light.sqrt();
        let steps = f64::from(HALF);
        Self(if strength <= 0.5 {
            (steps * strength / 0.5) as u16
        } else if strength <= 1.0 {
            HALF + (steps * (strength - 0.5) / 0.5) as u16
        } else {
            2 * HALF
        })
    }

    /// The place with this number; the last one, where it is larger.
    pub(crate) fn at(number: usize) -> Self {
        Self(u16::try_from(number).map_or(2 * HALF, |number| number.min(2 * HALF)))
    }

    /// Its number, below [`LEVELS`].
    pub(crate) const fn number(self) -> usize {
        self.0 as usize
    }

    /// Red, green, blue, opacity.
    #[must_use]
    pub fn rgba(self) -> [u8; 4] {
        let opacity = u8::try_from(self.0).unwrap_or(u8::MAX);
        let white = u32::from(self.0.saturating_sub(HALF));
        let mixed = BLUE.map(|blue| {
            let steps = u32::from(HALF);
            let mixed = (u32::from(blue) * (steps - white) + steps * white) / steps;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        });
        match self.0 {
            0 => [0; 4],
            _ => [mixed[0], mixed[1], mixed[2], opacity],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn light_goes_from_transparent_over_blue_to_white() {
        for (strength, rgba) in [
            (0.0, [0, 0, 0, 0]),
            (0.001, [0, 0, 0, 0]),
            (0.1, [0, 136, 255, 51]),
            (0.2, [0, 136, 255, 102]),
            (0.5, [0, 136, 255, 255]),
            (0.75, [127, 195, 255, 255]),
            (1.0, [255, 255, 255, 255]),
            (1.1, [255, 255, 255, 255]),
            (1000.0, [255, 255, 255, 255]),
        ] {
            let strength: f64 = strength;
            assert_eq!(Level::of(strength * strength).rgba(), rgba, "{strength}");
        }
    }

    #[test]
    fn every_level_has_a_colour_of_its_own() {
        let colours: std::collections::BTreeSet<_> =
            (0..LEVELS).map(|number| Level::at(number).rgba()).collect();
        assert_eq!(colours.len(), LEVELS);
        assert_eq!(Level::at(LEVELS), Level::at(LEVELS - 1));
        assert_eq!(Level::of(f64::INFINITY), Level::at(LEVELS - 1));
    }
}
