//! From a picture to the bytes of a file.

use std::borrow::Cow;

use png::{BitDepth, ColorType, Encoder, Filter};

use crate::paint::Picture;
use crate::palette::Palette;
use crate::ramp::{LEVELS, Level};

/// The library refused a picture, which none of ours is a reason for.
pub type Error = png::EncodingError;

/// A PNG file with a palette of at most 16 colours, 1, 2 or 4 bits for a pixel. The same picture
/// always gives the same bytes.
pub fn png(picture: &Picture) -> Result<Vec<u8>, Error> {
    let side = picture.tile.side();
    let mut pixels = [0; LEVELS];
    let levels: Vec<Level> = picture.dots.iter().map(|dot| Level::of(dot.light)).collect();
    for level in &levels {
        pixels[level.number()] += 1;
    }
    let lit = u32::try_from(levels.len()).unwrap_or(u32::MAX);
    pixels[Level::TRANSPARENT.number()] += (side * side).saturating_sub(lit);
    let palette = Palette::of(&pixels);

    let depth = depth(palette.colours.len());
    let each = 8 / depth as usize;
    let mut image = vec![0; (side * side) as usize / each];
    for (dot, level) in picture.dots.iter().zip(&levels) {
        let pixel = dot.pixel as usize;
        if let Some(byte) = image.get_mut(pixel / each) {
            // The first pixel has the highest bits.
            let shift = (each - 1 - pixel % each) * depth as usize;
            *byte |= palette.stands_for[level.number()] << shift;
        }
    }
    write(side, depth, &palette.colours, &image)
}

const fn depth(colours: usize) -> BitDepth {
    match colours {
        0..=2 => BitDepth::One,
        3..=4 => BitDepth::Two,
        _ => BitDepth::Four,
    }
}

fn write(side: u32, depth: BitDepth, colours: &[Level], image: &[u8]) -> Result<Vec<u8>, Error> {
    let colours = colours.iter().map(|level| level.rgba());
    let opaque: Vec<u8> = colours.clone().flat_map(|[r, g, b, _]| [r, g, b]).collect();
    let opacity: Vec<u8> =
        colours.map(|[.., opacity]| opacity).take_while(|&opacity| opacity < u8::MAX).collect();
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, side, side);
    encoder.set_color(ColorType::Indexed);
    encoder.set_depth(depth);
    encoder.set_palette(Cow::Owned(opaque));
    if !opacity.is_empty() {
        encoder.set_trns(Cow::Owned(opacity));
    }
    encoder.set_compression(png::Compression::Fast);
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(image)?;
    writer.finish()?;
    Ok(file)
}
