//! Cell areas: the aggregate of all positioned cells with one radio, mcc, mnc and lac.

use chrono::{NaiveDate, NaiveDateTime};

use crate::station::RegionCode;

/// One row of the table of cell areas.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellArea {
    /// Mean latitude of the cells, degrees.
    pub lat: Option<f64>,
    /// Mean longitude of the cells, degrees.
    pub lon: Option<f64>,
    /// When the area was first computed, UTC.
    pub created: Option<NaiveDateTime>,
    /// When the area was last computed, UTC.
    pub modified: Option<NaiveDateTime>,
    /// Metres from the centre to the farthest corner of the cells' joint box.
    pub radius_m: Option<u32>,
    /// Region most cells are in.
    pub region: Option<RegionCode>,
    /// Mean radius of the cells, metres.
    pub avg_cell_radius_m: Option<u32>,
    /// Number of cells with a position.
    pub num_cells: Option<u32>,
    /// Newest day on which one of the cells was seen.
    pub last_seen: Option<NaiveDate>,
}
