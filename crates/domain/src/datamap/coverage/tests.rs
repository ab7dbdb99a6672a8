use std::collections::HashSet;

use chrono::Days;
use proptest::prelude::*;

use super::*;

fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 22).unwrap()
}

fn area(west: f64, south: f64, east: f64, north: f64) -> Area {
    Area { west, south, east, north }
}

/// Grid cells where reports come from.
fn grid() -> impl Strategy<Value = Grid> {
    (-85_000..=85_000, -180_000..=180_000).prop_map(|(lat, lon)| Grid { lat, lon })
}

/// Boxes of up to a degree and a half, also across the antimeridian.
fn small_area() -> impl Strategy<Value = Area> {
    (-179.9_f64..180.0, -85.0_f64..83.0, 0.0_f64..1.5, 0.0_f64..1.5).prop_map(
        |(west, south, width, height)| {
            let east = if west + width > 180.0 { west + width - 360.0 } else { west + width };
            area(west, south, east, south + height)
        },
    )
}

fn is_within(area: &Area, grid: Grid) -> bool {
    let (lat, lon) = (f64::from(grid.lat) / 1000.0, f64::from(grid.lon) / 1000.0);
    let is_across = if area.west <= area.east {
        (area.west..=area.east).contains(&lon)
    } else {
        lon >= area.west || lon <= area.east
    };
    is_across && (area.south..=area.north).contains(&lat)
}

#[test]
fn a_hexagon_is_as_young_as_its_latest_report() {
    let days = |days| today().checked_sub_days(Days::new(days)).unwrap();
    let here = Grid { lat: 51_500, lon: -100 };
    for (reported, months) in [
        (vec![0], 3),
        (vec![91], 3),
        (vec![92], 6),
        (vec![182], 6),
        (vec![183], 9),
        (vec![275], 12),
        (vec![365], 12),
        (vec![365, 100, 300], 6),
    ] {
        let rows = reported.iter().map(|&ago| (here, days(ago)));
        let cells = covered(rows, Resolution::Nine, today());
        assert_eq!(cells.iter().map(|cell| cell.months).collect::<Vec<_>>(), [months]);
    }
    assert_eq!(covered([(here, days(366))], Resolution::Nine, today()), []);
    let tomorrow = today().succ_opt().unwrap();
    assert_eq!(covered([(here, tomorrow)], Resolution::Nine, today())[0].months, 3);
    // No report comes from there, whatever the table says.
    assert_eq!(covered([(Grid { lat: 89_000, lon: 0 }, today())], Resolution::Nine, today()), []);
}

#[test]
fn no_hexagon_is_smaller_than_a_grid_cell() {
    // The smallest are about half the mean; a grid cell at the equator is the largest.
    let grid_cell_km2 = 0.1113 * 0.1106;
    assert!(FINEST.area_km2() / 2.0 > grid_cell_km2);
}

#[test]
fn blocks_lie_in_one_table_each() {
    for grid in [(35_999, 4_999), (36_000, 5_000), (-1, -1), (0, 0), (90_000, 180_000)] {
        let grid = Grid { lat: grid.0, lon: grid.1 };
        let block = Block::of(grid);
        assert!(block.rows().any(
            |(first, last)| first.lat == grid.lat && (first.lon..=last.lon).contains(&grid.lon)
        ));
        for (first, last) in block.rows() {
            assert_eq!((first.quadrant(), last.quadrant()), (block.quadrant(), block.quadrant()));
        }
    }
}

#[test]
fn large_boxes_and_fine_hexagons_are_refused() {
    assert_eq!(area(0.0, 0.0, 1.9, 1.9).blocks().map(|blocks| blocks.len()), Ok(64));
    assert_eq!(area(0.0, 0.0, 2.1, 1.9).blocks(), Err(Unfit::TooLarge(72)));
    assert_eq!(area(-180.0, -90.0, 180.0, 90.0).blocks(), Err(Unfit::TooLarge(721 * 1441)));
    assert_eq!(area(179.9, 0.0, -179.9, 0.1).blocks().map(|blocks| blocks.len()), Ok(3));
    assert_eq!(area(10.0, 50.0, 10.0, 50.0).blocks().map(|blocks| blocks.len()), Ok(1));

    let large = area(0.0, 0.0, 1.9, 1.9);
    assert_eq!(large.resolution(None), Ok(Resolution::Six));
    assert_eq!(large.resolution(Some(7)), Ok(Resolution::Seven));
    assert_eq!(large.resolution(Some(9)), Err(Unfit::TooFine(Resolution::Seven)));
    assert_eq!(large.resolution(Some(4)), Err(Unfit::Resolution));
    let point = area(10.0, 50.0, 10.0, 50.0);
    assert_eq!(point.resolution(None), Ok(Resolution::Nine));
    assert_eq!(point.resolution(Some(10)), Err(Unfit::Resolution));
    assert_eq!(point.resolution(Some(255)), Err(Unfit::Resolution));
}

proptest! {
    #[test]
    fn a_report_in_a_box_is_read_and_covered(
        area in small_area(), across in 0.0_f64..=1.0, up in 0.0_f64..=1.0, fine in 5_u8..=9,
    ) {
        let width = (area.east - area.west + 360.0) % 360.0;
        let lon = area.west + across * width;
        let lon = if lon > 180.0 { lon - 360.0 } else { lon };
        let grid = Grid::at(area.south + up * (area.north - area.south), lon);
        prop_assume!(is_within(&area, grid));
        prop_assert!(area.blocks().unwrap().contains(&Block::of(grid)));
        let resolution = Resolution::try_from(fine).unwrap();
        let cells = covered([(grid, today())], resolution, today());
        prop_assert_eq!(cells.len(), usize::from(grid.lat.abs() <= 85_051));
        prop_assert!(cells.iter().all(|covered| area.touches(covered.cell)));
    }

    #[test]
    fn what_is_far_from_a_box_does_not_touch_it(
        area in small_area(), grid in grid(), fine in 5_u8..=9,
    ) {
        let resolution = Resolution::try_from(fine).unwrap();
        let center = center(grid).unwrap();
        let corners = [(area.south, area.west), (area.south, area.east), (area.north, area.west),
            (area.north, area.east)].map(|(lat, lon)| LatLng::new(lat, lon).unwrap());
        // Wider than the box and all hexagons.
        let is_far = corners.iter().all(|corner| corner.distance_km(center) > 400.0);
        prop_assume!(is_far);
        prop_assert!(!area.touches(center.to_cell(resolution)));
    }

    #[test]
    fn blocks_of_a_box_are_few_and_different(area in small_area()) {
        let blocks = area.blocks().unwrap();
        prop_assert!(blocks.len() <= 64);
        prop_assert_eq!(blocks.iter().collect::<HashSet<_>>().len(), blocks.len());
    }

    #[test]
    fn what_is_kept_comes_back(grids in prop::collection::vec(grid(), 0..20), fine in 5_u8..=9) {
        let resolution = Resolution::try_from(fine).unwrap();
        let rows = grids.into_iter().map(|grid| (grid, today()));
        let cells = covered(rows, resolution, today());
        prop_assert_eq!(decode(&encode(&cells), resolution), Some(cells.clone()));
        let other = Resolution::try_from(if fine == 9 { 5 } else { fine + 1 }).unwrap();
        prop_assert_eq!(decode(&encode(&cells), other).is_some(), cells.is_empty());
    }

    #[test]
    fn other_bytes_are_not_read(bytes in prop::collection::vec(any::<u8>(), 1..30)) {
        // An index has a fixed beginning, which chance does not make.
        prop_assert_eq!(decode(&bytes, Resolution::Seven), None);
    }

    #[test]
    fn outlines_lie_on_the_map_and_run_counterclockwise(grid in grid(), fine in 5_u8..=9) {
        let cell = center(grid).unwrap().to_cell(Resolution::try_from(fine).unwrap());
        for ring in outline(cell) {
            prop_assert_eq!(ring.first(), ring.last());
            prop_assert!(ring.len() >= 4);
            let lons = ring.iter().map(|corner| corner[0]);
            let (west, east) = (lons.clone().fold(180.0, f64::min), lons.fold(-180.0, f64::max));
            prop_assert!((-180.0..=180.0).contains(&west) && (-180.0..=180.0).contains(&east));
            prop_assert!(east - west < 90.0, "{west} {east}");
            let doubled: f64 = ring.windows(2).map(|pair| {
                let ([ax, ay], [bx, by]) = (pair[0], pair[1]);
                (ax - west) * (by - ay) - (bx - ax) * (ay - ring[0][1])
            }).sum();
            prop_assert!(doubled >= -1e-9, "{ring:?}");
        }
    }
}
