//! How a cell of the coverage grid becomes dots on the map.
//!
//! A dot shows that somebody reported something nearby, not where. So each cell is drawn as up to
//! six dots at fixed places inside it that look random but follow from the cell alone: the map does
//! not flicker from one rendering to the next, and repeated renderings reveal nothing more. The
//! longer ago the last report, the fewer dots, and after a year none.

use chrono::NaiveDate;

use super::Grid;

/// Offsets of dots from the corner of their cell, in ten-thousandths of the cell. Any numbers would
/// do; these are the ones existing maps are drawn with.
#[rustfmt::skip]
const NORTHWARDS: [u16; 200] = [
    8218, 1382, 8746,  961, 8159, 2876, 6191,  897, 3755, 9412, 3231, 5353, 2250,  555, 1591, 3871,
    8714, 2496, 7499,  279, 3794, 8224, 1459, 5992, 3004, 5599, 8807, 1546, 7401, 8340, 7581, 2057,
    4496, 1683, 3266, 1515, 9731, 4078, 9517, 6511, 9287, 8405, 4579, 9462, 2645, 7315, 4580, 3744,
    4637, 3643, 5599, 8150, 8971, 6997, 1595,   66, 8548, 6805, 9786, 8293,   41, 5027, 6556,  273,
     949, 6407,  867, 2891, 9741, 2599, 3148, 8786, 6432, 2424, 1950, 4672, 3097,  697, 4930, 5484,
    7611, 2611, 6947, 6320, 4660, 1275, 4001, 7947, 8693, 8536, 6860, 9742, 8517, 6809,  395, 7739,
    4133, 5117, 9562, 7003, 2610, 9772, 1694, 2982, 3459, 3611, 7994, 6209, 2771, 8388, 9764, 6980,
    1615, 3205,  766,  832, 3695, 4471, 8077, 4343, 7160, 6502, 3510, 1502, 9186, 3677, 8139, 6609,
    2635, 1418, 4809, 1500, 1809, 1874,  272, 6513, 6073, 5867, 8034, 7440, 3532, 2124, 2574,  536,
    2066, 4326, 4771, 5265, 1183,  778, 7552, 9647, 4392, 3256, 4935, 8999, 1643, 4203, 8042, 8463,
    1369,  638, 7694, 9243, 3213, 1072, 8301, 4133, 7310, 5625, 3609, 1266, 8004, 5228, 5915, 5330,
    8568, 9744, 1226, 2214, 8163, 3973,  492,  257, 4362, 6687, 7528, 1546, 8486, 1903, 3155, 4483,
    2951, 6250, 1373, 3942, 7765, 1284, 3895,  197,
];

/// The same from west to east.
#[rustfmt::skip]
const EASTWARDS: [u16; 200] = [
    3366, 9381, 9013, 7668, 4397,  931, 4599, 7187, 2778, 9749, 8002, 8670, 6856, 5892,  715, 1547,
    6151, 8931,  535,  219, 6690, 7393, 3453, 2699, 2595, 3468, 5989, 5349, 6499, 9730, 1924, 6981,
      49, 7285, 2222, 9070, 2086, 6255, 4380, 7481, 3976, 8766,  788,  720, 4321, 7367, 5851, 7282,
    4919, 7602, 8871, 6833, 7713, 7626, 1701, 2766, 7929, 9612, 5676,  297, 1039, 1106, 3217, 7889,
    9967, 4868, 1648, 9118, 5572, 2365, 2466, 4317, 2269, 1070, 3590, 8855, 8001, 6695, 6590, 9648,
    3251, 7101, 5131, 6930, 7862, 5623, 3496, 3707, 4111, 5193, 4851, 5421, 7793, 1630, 4101, 5883,
    7102, 7474, 1109, 4315, 2044,  695, 9451, 8879, 3490, 7498, 7603, 2392, 6879, 8437, 8868, 5658,
    2767, 6489, 1796, 3364, 7185, 9660, 4197,  102, 8892, 2361, 9872, 5313, 9641, 8675, 8401, 2530,
    8521, 3932, 9406, 1951, 2688, 5872,  671, 5138, 4509,  914, 8911, 2342, 2115, 4977,  297, 3052,
    5143, 5642,  268, 8893, 9661,  796, 5527, 8903, 3143, 7346,  573, 3421, 4941, 4112, 6782, 8287,
    5729, 6492, 2224, 8022, 9722, 5225, 5149,  920, 4232, 6636, 7266, 5325, 4495, 8719, 9192, 2562,
    3270, 3825, 1051, 4907, 1670, 9088, 3463, 5110,  884,  710, 1059,  939, 5202, 6005, 9173, 5957,
    8279, 7611, 8101, 9157,   40, 9844, 3872, 7046,
];

/// The dots of a cell whose last report is so many months old: up to six latitudes and longitudes
/// in degrees.
pub fn scatter(grid: Grid, age_months: i64) -> impl Iterator<Item = (f64, f64)> {
    let (lat, lon) = (i64::from(grid.lat), i64::from(grid.lon));
    let north = start(lon.wrapping_mul(lat * 17), 1021, 179);
    let east = start(lat.wrapping_mul(lon * 11), 1913, 181);
    let dots = usize::try_from(13_i64.saturating_sub(age_months).clamp(0, 13) / 2).unwrap_or(0);
    let offsets = NORTHWARDS.iter().skip(north).zip(EASTWARDS.iter().skip(east));
    offsets.take(dots).map(move |(&north, &east)| (place(grid.lat, north), place(grid.lon, east)))
}

/// Age of a cell's last report on a day, in months of 30 days; half a month counts as one.
#[must_use]
pub fn age_months(modified: NaiveDate, today: NaiveDate) -> i64 {
    let days = today.signed_duration_since(modified).num_days();
    (days + 15 * days.signum()) / 30
}

/// Where in a table the dots of a cell begin, at most `modulus` − 1.
fn start(mixed: i64, prime: i64, modulus: i64) -> usize {
    usize::try_from(mixed.rem_euclid(prime) % modulus).unwrap_or(0)
}

/// Degrees of a grid coordinate plus a share of its cell, rounded to six decimals, with which existing
/// maps are drawn.
fn place(scaled: i32, ten_thousandths: u16) -> f64 {
    let ten_millionths = i64::from(scaled) * 10_000 + i64::from(ten_thousandths);
    if ten_millionths.rem_euclid(10) == 5 {
        // Half-way only as it is written: the double is a little more or less, and that decides.
        let degrees = (f64::from(scaled) + f64::from(ten_thousandths) / 10_000.0) / 1000.0;
        return format!("{degrees:.6}").parse().unwrap_or(degrees);
    }
    (ten_millionths + 5).div_euclid(10) as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(lat: i32, lon: i32, age_months: i64) -> Vec<String> {
        scatter(Grid { lat, lon }, age_months)
            .map(|(lat, lon)| format!("{lat:.6},{lon:.6}"))
            .collect()
    }

    #[test]
    fn a_cell_is_always_drawn_at_the_same_places() {
        let dots = [
            "51.500327,-0.099933",
            "51.500152,-0.099486",
            "51.500973,-0.099549",
            "51.500408,-0.099909",
            "51.500952,-0.099109",
            "51.500651,-0.099766",
        ];
        assert_eq!(printed(51_500, -100, 0), dots);
        assert_eq!(printed(51_500, -100, 9), dots[..2]);
        let dots = [
            "10.123225,-170.233331",
            "10.123055,-170.233341",
            "10.123159,-170.233035",
            "10.123387,-170.233675",
            "10.123871,-170.233290",
            "10.123250,-170.233487",
        ];
        assert_eq!(printed(10_123, -170_234, 1), dots);
    }

    #[test]
    fn degrees_are_those_that_printing_them_with_six_decimals_leaves() {
        for scaled in (-180_000..=180_000).step_by(7919) {
            for &share in NORTHWARDS.iter().chain(&EASTWARDS) {
                let exact = (f64::from(scaled) + f64::from(share) / 10_000.0) / 1000.0;
                let printed = format!("{exact:.6}").parse::<f64>().unwrap();
                assert_eq!(place(scaled, share).to_bits(), printed.to_bits(), "{scaled} {share}");
            }
        }
    }

    #[test]
    fn the_older_a_cell_the_fewer_its_dots() {
        for (ages, dots) in [
            (-20..=1, 6),
            (2..=3, 5),
            (4..=5, 4),
            (6..=7, 3),
            (8..=9, 2),
            (10..=11, 1),
            (12..=40, 0),
        ] {
            for age in ages {
                assert_eq!(printed(51_500, -100, age).len(), dots, "{age} months");
            }
        }
        assert_eq!(printed(i32::MIN, i32::MAX, i64::MIN).len(), 6);
        assert_eq!(printed(i32::MAX, i32::MAX, i64::MAX).len(), 0);
    }

    #[test]
    fn half_a_month_counts_as_one() {
        let today = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        for (days, months) in
            [(0, 0), (14, 0), (15, 1), (44, 1), (45, 2), (344, 11), (345, 12), (-14, 0), (-15, -1)]
        {
            let modified = today - chrono::Duration::days(days);
            assert_eq!(age_months(modified, today), months, "{days} days");
        }
    }
}
