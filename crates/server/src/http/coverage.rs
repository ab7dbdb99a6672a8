//! `/coverage.json`: where something was reported, for apps that want more than pictures.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use h3o::Resolution;
use http::header::CACHE_CONTROL;
use http::{HeaderValue, Method, StatusCode};
use ichnaea_domain::datamap::coverage::{Area, Block, Covered, Unfit, outline};
use serde::Serialize;
use utoipa::ToSchema;

use super::failure::caught;
use super::{Web, headers, method_not_allowed, not_found, query};
use crate::api::{ApiError, Problem};
use crate::breaker::with_patience;
use crate::coverage;

/// As long as blocks are kept.
const MAX_AGE: HeaderValue = HeaderValue::from_static("max-age=3600, public");

/// The hexagons of a box in which something was reported within a year.
#[derive(Debug, Serialize, ToSchema)]
pub struct Coverage {
    /// How fine the hexagons are: resolution of H3, 5 (about 250 km²) to 9 (0.1 km²).
    #[schema(minimum = 5, maximum = 9)]
    resolution: u8,
    /// The hexagons.
    cells: Vec<CoveredCell>,
}

/// A hexagon in which something was reported.
#[derive(Debug, Serialize, ToSchema)]
pub struct CoveredCell {
    /// Its H3 index.
    #[schema(example = "87195d2b6ffffff")]
    h3: String,
    /// The latest report is at most this many months old: 3, 6, 9 or 12.
    #[schema(minimum = 3, maximum = 12)]
    months: u8,
}

/// What a request asks for.
struct Asked {
    area: Area,
    blocks: Vec<Block>,
    resolution: Resolution,
    is_geojson: bool,
}

/// The hexagons of a box.
pub async fn within(State(web): State<Arc<Web>>, request: Request) -> Response {
    if !web.ctx.config.offers_coverage {
        return not_found();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return method_not_allowed();
    }
    let mut response = match asked(request.uri().query().unwrap_or_default()) {
        Ok(asked) => answer(&web, &asked).await,
        Err(problem) => ApiError::Parameters(vec![problem]).response(),
    };
    headers::allow_origin(&mut response);
    response
}

async fn answer(web: &Web, asked: &Asked) -> Response {
    let Asked { area, blocks, resolution, is_geojson } = asked;
    let cells = coverage::within(&web.ctx, &web.coverage, *area, blocks, *resolution);
    let cells = with_patience(web.ctx.config.backend_timeout, caught(cells)).await;
    let Ok(Ok(cells)) = cells else { return ApiError::Unavailable.response() };
    let mut response = if *is_geojson {
        let mut response = headers::json(StatusCode::OK, geojson(&cells));
        let media_type = HeaderValue::from_static("application/geo+json");
        response.headers_mut().insert(http::header::CONTENT_TYPE, media_type);
        response
    } else {
        match serde_json::to_string(&document(*resolution, &cells)) {
            Ok(body) => headers::json(StatusCode::OK, body),
            Err(_) => return ApiError::Unavailable.response(),
        }
    };
    response.headers_mut().insert(CACHE_CONTROL, MAX_AGE);
    response
}

/// Reads the parameters; others than ours are ignored.
fn asked(text: &str) -> Result<Asked, Problem> {
    let parameters = query::parameters(text);
    let problem = |name: &str, text: String| Problem { path: name.to_owned(), text };
    let unfit = |name: &'static str| move |unfit: Unfit| problem(name, unfit.to_string());
    let get = |name: &str| parameters.get(name).map(String::as_str);
    let area: Area = get("bbox").unwrap_or_default().parse().map_err(unfit("bbox"))?;
    let blocks = area.blocks().map_err(unfit("bbox"))?;
    let wanted = match get("resolution") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| unfit("resolution")(Unfit::Resolution))?),
    };
    let resolution = area.resolution(wanted).map_err(unfit("resolution"))?;
    let is_geojson = match get("format") {
        None | Some("h3") => false,
        Some("geojson") => true,
        Some(_) => return Err(problem("format", "h3 or geojson is needed".to_owned())),
    };
    Ok(Asked { area, blocks, resolution, is_geojson })
}

fn document(resolution: Resolution, cells: &[Covered]) -> Coverage {
    let cell =
        |covered: &Covered| CoveredCell { h3: covered.cell.to_string(), months: covered.months };
    Coverage { resolution: u8::from(resolution), cells: cells.iter().map(cell).collect() }
}

/// The hexagons as `GeoJSON` (RFC 7946).
fn geojson(cells: &[Covered]) -> String {
    let mut json = String::from(r#"{"type":"FeatureCollection","features":["#);
    for (index, Covered { cell, months }) in cells.iter().enumerate() {
        let separator = if index == 0 { "" } else { "," };
        let rings = outline(*cell);
        // Numbers and brackets: what a list is as JSON.
        let geometry = match rings.as_slice() {
            [ring] => format!(r#"{{"type":"Polygon","coordinates":[{ring:?}]}}"#),
            rings => {
                let parts: Vec<_> = rings.iter().map(|ring| format!("[{ring:?}]")).collect();
                let parts = parts.join(",");
                format!(r#"{{"type":"MultiPolygon","coordinates":[{parts}]}}"#)
            }
        };
        let _ = write!(
            json,
            r#"{separator}{{"type":"Feature","id":"{cell}","properties":{{"months":{months}}},"geometry":{geometry}}}"#
        );
    }
    json.push_str("]}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(query: &str) -> (String, String) {
        match asked(query) {
            Err(Problem { path, text }) => (path, text),
            Ok(Asked { area, .. }) => panic!("{query} is {area:?}"),
        }
    }

    #[test]
    fn a_request_is_read_with_what_it_leaves_out() {
        let asked = asked("bbox=-0.25,51.25,0.1%2C51.6&resolution=7&format=geojson&x=%ff").unwrap();
        assert_eq!(asked.area, Area { west: -0.25, south: 51.25, east: 0.1, north: 51.6 });
        assert_eq!((asked.resolution, asked.is_geojson), (Resolution::Seven, true));
        assert_eq!(asked.blocks.len(), 4);
        let asked = super::asked("bbox=13.4,52.5,13.41,52.51").unwrap();
        assert_eq!((asked.resolution, asked.is_geojson), (Resolution::Nine, false));
    }

    #[test]
    fn a_parameter_that_is_wrong_is_named() {
        for (query, name) in [
            ("", "bbox"),
            ("bbox=", "bbox"),
            ("bbox=1,2,3", "bbox"),
            ("bbox=1,2,3,4,5", "bbox"),
            ("bbox=1,2,3,NaN", "bbox"),
            ("bbox=1,2,inf,4", "bbox"),
            ("bbox=1,2,x,4", "bbox"),
            ("bbox=0,51,0.1,50", "bbox"),
            ("bbox=0,90,1,91", "bbox"),
            ("bbox=180,0,181,1", "bbox"),
            ("bbox=0,0,10,10", "bbox"),
            ("bbox=1,0,0,1", "bbox"),
            ("bbox=0,0,0.1,0.1&resolution=4", "resolution"),
            ("bbox=0,0,0.1,0.1&resolution=10", "resolution"),
            ("bbox=0,0,0.1,0.1&resolution=-1", "resolution"),
            ("bbox=0,0,0.1,0.1&resolution=", "resolution"),
            ("bbox=0,0,1.9,1.9&resolution=9", "resolution"),
            ("bbox=0,0,0.1,0.1&format=csv", "format"),
        ] {
            let (path, text) = refused(query);
            assert_eq!(path, name, "{query}");
            assert!(!text.is_empty());
        }
    }

    #[test]
    fn geojson_is_json_with_closed_rings_and_cut_at_the_antimeridian() {
        let at = |lat, lon| h3o::LatLng::new(lat, lon).unwrap().to_cell(Resolution::Five);
        let cells = [at(51.5, -0.1), at(-17.0, 179.999)];
        let cells = cells.map(|cell| Covered { cell, months: 3 });
        let json: serde_json::Value = serde_json::from_str(&geojson(&cells)).unwrap();
        let features = json["features"].as_array().unwrap();
        assert_eq!(features[0]["geometry"]["type"], "Polygon");
        assert_eq!(features[0]["id"], cells[0].cell.to_string());
        let ring = features[0]["geometry"]["coordinates"][0].as_array().unwrap();
        assert_eq!(ring.first(), ring.last());
        assert_eq!(features[1]["geometry"]["type"], "MultiPolygon");
        assert_eq!(features[1]["geometry"]["coordinates"].as_array().unwrap().len(), 2);
        let empty: serde_json::Value = serde_json::from_str(&geojson(&[])).unwrap();
        assert_eq!(empty["features"], serde_json::json!([]));
    }
}
