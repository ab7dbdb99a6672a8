use super::*;
use crate::geoip::{GeoIp, GeoIpRecord};

fn geoip(country: &str, city_geoname_id: Option<u32>) -> Client {
    let record = GeoIpRecord {
        country: country.to_owned(),
        city_geoname_id,
        has_subdivision: false,
        lat: 1.0,
        lon: 2.0,
        accuracy_radius_km: None,
    };
    Client { has_ip: true, geoip: GeoIp::from_record(&record, Regions::shared()) }
}

fn london() -> Client {
    geoip("GB", Some(2_643_743))
}

fn answer(request: Request, client: Client, found: &Found) -> Option<RegionResult> {
    let query = Query::new(Api::Region, request, client);
    let mut results = internal_regions(&query, found, Regions::shared(), now());
    results.extend(geoip_region(&query));
    best_region(&results).cloned()
}

fn cells(mccs: &[i64]) -> Request {
    let cell = mccs.iter().map(|&mcc| cell(Radio::Gsm, mcc, Some(5), Some(7)));
    Request { cell: cell.collect(), ..request() }
}

#[test]
fn country_codes_and_addresses_add_up_to_a_region() {
    let thimphu = geoip("BT", None);
    let without_lacf = Request { lacf: false, ..cells(&[262]) };
    let without_lac = Request { cell: vec![cell(Radio::Gsm, 262, None, Some(7))], ..request() };
    let without_cid = Request { cell: vec![cell(Radio::Gsm, 262, Some(5), None)], ..request() };
    for (request, client, region, fallback) in [
        (cells(&[234]), Client::default(), "GB", None),
        (cells(&[310]), Client::default(), "US", None),
        (cells(&[425]), Client::default(), "IL", None),
        (cells(&[340]), Client::default(), "GF", None),
        (cells(&[310]), london(), "GB", Some(Fallback::Ipf)),
        (cells(&[310, 311]), london(), "US", None),
        (cells(&[262]), london(), "DE", None),
        (without_lacf, london(), "DE", None),
        (cells(&[228]), thimphu, "CH", None),
        (cells(&[234]), london(), "GB", None),
        (without_lac, london(), "GB", None),
        (without_cid, london(), "DE", None),
        (request(), london(), "GB", None),
    ] {
        let answer = answer(request.clone(), client, &Found::default()).unwrap();
        assert_eq!(answer.region.as_str(), region, "{request:?}");
        assert_eq!(answer.fallback, fallback, "{request:?}");
    }
    assert_eq!(answer(request(), Client::default(), &Found::default()), None);
    let without_ipf = Request { ipf: false, ..request() };
    assert_eq!(answer(without_ipf, london(), &Found::default()), None);
}

#[test]
fn cells_count_once_and_their_areas_once_more() {
    let query = Query::new(Api::Region, cells(&[310]), Client::default());
    let results = internal_regions(&query, &Found::default(), Regions::shared(), now());
    assert_eq!(results.len(), 6);
    for result in results {
        assert_near(result.score, 2.0 / 6.0, 1e-12);
    }
}

#[test]
fn the_area_decides_where_a_country_code_cannot() {
    let area = CellArea {
        region: RegionCode::parse("JE"),
        modified: Some(now()),
        created: Some(now()),
        num_cells: Some(4),
        radius_m: Some(10),
        ..CellArea::default()
    };
    let key = area_key(Radio::Gsm, 234, 5);
    let found = Found { areas: [(key, area.clone())].into(), ..Found::default() };
    for lacf in [true, false] {
        let request = Request { lacf, ..cells(&[234]) };
        let query = Query::new(Api::Region, request.clone(), Client::default());
        assert_eq!(query.area_keys(), [key]);
        assert_eq!(query.station_keys(), []);
        let answer = answer(request, Client::default(), &found).unwrap();
        assert_eq!(answer.region.as_str(), "JE");
        assert_near(answer.accuracy_m, 10_000.0, 0.0);
    }
    // A region that the country code does not have is no help.
    let elsewhere = CellArea { region: RegionCode::parse("FR"), ..area };
    let found = Found { areas: [(key, elsewhere)].into(), ..Found::default() };
    let answer = answer(cells(&[234]), Client::default(), &found);
    assert_eq!(answer.map(|answer| answer.region), RegionCode::parse("GB"));
}

#[test]
fn one_known_access_point_of_two_is_enough_for_a_region() {
    let row = Station { region: RegionCode::parse("GB"), ..station(51.5, -0.1) };
    let found = Found { stations: [(StationKey::Wifi(mac(0)), row)].into(), ..Found::default() };
    let wifi = vec![wifi(0, None, None), wifi(1, None, None)];
    let request = Request { wifi: wifi.clone(), ..request() };
    let region = answer(request.clone(), Client::default(), &found).map(|answer| answer.region);
    assert_eq!(region, RegionCode::parse("GB"));
    assert_eq!(internal_positions(&locate(request), &found, now()), []);

    let alone = Request { wifi: wifi[..1].to_vec(), ..super::request() };
    assert_eq!(answer(alone, Client::default(), &found), None);
}

#[test]
fn equal_regions_come_from_the_nearest_source_and_larger_ones_win_a_draw() {
    let result = |code: &str, accuracy_m, score, source| RegionResult {
        region: RegionCode::parse(code).unwrap(),
        accuracy_m,
        score,
        source,
        fallback: None,
    };
    let results = [
        result("GB", 1.0, 0.5, ResultSource::GeoIp),
        result("GB", 1.0, 0.1, ResultSource::Internal),
        result("GB", 1.0, 0.2, ResultSource::Internal),
        result("FR", 9.0, 0.7, ResultSource::GeoIp),
    ];
    assert_eq!(best_region(&results), Some(&results[2]));
    let results = [
        result("GB", 1.0, 0.5, ResultSource::Internal),
        result("FR", 2.0, 0.5, ResultSource::Internal),
        result("DE", 2.0, 0.5, ResultSource::Internal),
    ];
    assert_eq!(best_region(&results), Some(&results[1]));
}
