//! What can be asked.

use serde_json::json;
use utoipa::openapi::path::{HttpMethod, Parameter};
use utoipa::openapi::schema::{ObjectBuilder, Type};

use super::parts::{Answer, Operation, Sample, parameter, text, words};
use crate::api::ApiError;

const POST_AND_GET: &[HttpMethod] = &[HttpMethod::Post, HttpMethod::Get];
const POST: &[HttpMethod] = &[HttpMethod::Post];
const GET: &[HttpMethod] = &[HttpMethod::Get];

const KEEP: &str = "How long the answer may be kept.";

/// All operations, in the order of the document.
pub fn all() -> Vec<Operation> {
    vec![
        geolocate("/v1/geolocate", "geolocate"),
        geolocate("/geolocation/v1/geolocate", "geolocateByGooglesPath"),
        explain(),
        country(),
        submit("/v2/geosubmit", "geosubmitV2", "SubmitV2", reports_v2()),
        submit("/v1/geosubmit", "geosubmitV1", "SubmitV1", reports_v1()),
        submit("/v1/submit", "submitV0", "SubmitV0", reports_v0()),
        coverage(),
        map(),
        chart("/stats_blue.json", "statsBlue", "Bluetooth beacons, by month"),
        chart("/stats_cell.json", "statsCell", "Cells, by month"),
        chart("/stats_wifi.json", "statsWifi", "Wi-Fi access points, by month"),
        downloads(),
        heartbeat(),
        alive(),
        version(),
    ]
}

fn key(is_required: bool) -> Parameter {
    let description = "The API key; of several the last counts.";
    parameter("key", is_required, description, text(), "your-key")
}

fn locate_samples() -> Vec<Sample> {
    let wifi = json!([
        {"macAddress": "02:1c:ac:00:00:01", "signalStrength": -51},
        {"macAddress": "02:1c:ac:00:00:02", "signalStrength": -67},
    ]);
    let cell = json!([{"radioType": "lte", "mobileCountryCode": 262, "mobileNetworkCode": 1,
        "locationAreaCode": 5126, "cellId": 21_532_831, "signalStrength": -95}]);
    let nr = json!([{"radioType": "nr", "mobileCountryCode": 262, "mobileNetworkCode": 1,
        "trackingAreaCode": 45_021, "newRadioCellId": 4_295_000_001_i64}]);
    vec![
        ("wifi", "Two access points", json!({"wifiAccessPoints": wifi})),
        (
            "cell",
            "One LTE cell, and nothing else",
            json!({
                "considerIp": false, "cellTowers": cell,
            }),
        ),
        ("nr", "A 5G cell", json!({"cellTowers": nr, "fallbacks": {"lacf": true, "ipf": false}})),
        ("address", "Nothing but the address of the client", json!({})),
        ("broken", "A list that is none", json!({"wifiAccessPoints": 1})),
    ]
}

fn locate_errors() -> Vec<ApiError> {
    use ApiError as E;
    vec![
        E::KeyInvalid,
        E::NotFound,
        E::undecodable(),
        E::invalid(),
        E::TooLarge,
        E::TooManyUnknown,
        E::Unavailable,
    ]
}

fn geolocate(path: &'static str, id: &'static str) -> Operation {
    let mut errors = locate_errors();
    errors.push(ApiError::DailyLimitExceeded);
    Operation {
        path,
        methods: POST_AND_GET,
        id,
        tag: "Positions",
        summary: "A position",
        description: "The position of a device from what it sees around it, or from its address.",
        parameters: vec![key(true)],
        body: Some(("LocateRequest", locate_samples())),
        answers: vec![Answer::json(200, "A position.", "Position")],
        errors,
    }
}

fn explain() -> Operation {
    let errors = locate_errors().into_iter().filter(|error| !matches!(error, ApiError::NotFound));
    let more = [ApiError::NotAllowed, ApiError::DailyLimitExceeded];
    Operation {
        path: "/v1/geolocate/explain",
        methods: POST,
        id: "explain",
        tag: "Positions",
        summary: "A position, and which stations were known",
        description: "As `/v1/geolocate`, with where the position comes from and which of the stations \
            are known. The key needs a permission of its own (`allow_explain`). Nothing is told of an \
            access point or beacon that is alone in a request, and never where or when a station was \
            seen.",
        parameters: vec![key(true)],
        body: Some(("LocateRequest", locate_samples())),
        answers: vec![Answer::json(200, "A position, or none, and the stations.", "Explained")],
        errors: errors.chain(more).collect(),
    }
}

fn country() -> Operation {
    Operation {
        path: "/v1/country",
        methods: POST_AND_GET,
        id: "country",
        tag: "Positions",
        summary: "A region",
        description: "The country or region in which a device is. Not limited by the day.",
        parameters: vec![key(true)],
        body: Some(("LocateRequest", locate_samples())),
        answers: vec![Answer::json(200, "A region.", "Region")],
        errors: locate_errors(),
    }
}

fn submit(path: &'static str, id: &'static str, schema: &'static str, sample: Sample) -> Operation {
    use ApiError as E;
    let success = if schema == "SubmitV0" {
        Answer { status: 204, meaning: "Taken in.", content: Vec::new(), headers: Vec::new() }
    } else {
        Answer::json(200, "Taken in.", "Nothing")
    };
    let broken = ("broken", "A list that is none", json!({"items": 1}));
    Operation {
        path,
        methods: POST,
        id,
        tag: "Reports",
        summary: match schema {
            "SubmitV0" => "Reports, oldest form",
            "SubmitV1" => "Reports, second form",
            _ => "Reports",
        },
        description: "What a device saw, and where. Reports that are answered with success are not \
            lost; they count within minutes.",
        parameters: vec![key(false)],
        body: Some((schema, vec![sample, broken])),
        answers: vec![success],
        errors: vec![
            E::undecodable(),
            E::invalid(),
            E::EmptyBody,
            E::TooLarge,
            E::DailyLimitExceeded,
            E::Unavailable,
        ],
    }
}

fn reports_v2() -> Sample {
    let report = json!({"items": [{
        "timestamp": 1_405_602_028_568_i64,
        "position": {"latitude": 52.52, "longitude": 13.405, "accuracy": 10.0},
        "wifiAccessPoints": [{"macAddress": "02:1c:ac:00:00:01", "signalStrength": -51}],
        "cellTowers": [{"radioType": "lte", "mobileCountryCode": 262, "mobileNetworkCode": 1,
            "locationAreaCode": 5126, "cellId": 21_532_831, "signalStrength": -95}],
    }]});
    ("report", "An access point and a cell", report)
}

fn reports_v1() -> Sample {
    let report = json!({"items": [{
        "timestamp": 1_405_602_028_568_i64,
        "latitude": 52.52, "longitude": 13.405, "accuracy": 10.0,
        "wifiAccessPoints": [{"macAddress": "02:1c:ac:00:00:01", "signalStrength": -51}],
    }]});
    ("report", "An access point", report)
}

fn reports_v0() -> Sample {
    let report = json!({"items": [{
        "time": "2014-07-17T13:40:28Z", "lat": 52.52, "lon": 13.405, "accuracy": 10.0,
        "wifi": [{"key": "02:1c:ac:00:00:01", "signal": -51}],
    }]});
    ("report", "An access point", report)
}

fn coverage() -> Operation {
    let resolution =
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(5)).maximum(Some(9));
    let mut success = Answer::json(200, "Hexagons.", "Coverage").with("Cache-Control", KEEP);
    success.content.push(("application/geo+json", None));
    Operation {
        path: "/coverage.json",
        methods: GET,
        id: "coverage",
        tag: "Data",
        summary: "Where something was reported",
        description: "The hexagons of the H3 grid that reach into a box and in which something was \
            reported within a year; no more than the map shows. An operator may have switched it off: \
            then the path does not exist.",
        parameters: vec![
            parameter(
                "bbox",
                true,
                "The box as `west,south,east,north`, degrees. One whose west is \
                east of its east crosses the antimeridian. It may touch 64 quarters of a degree squared.",
                text(),
                "13.3,52.4,13.5,52.6",
            ),
            parameter(
                "resolution",
                false,
                "How fine the hexagons are; follows from the size of the \
                box unless given, and is bounded by it.",
                resolution,
                7,
            ),
            parameter(
                "format",
                false,
                "`h3`: the names of the hexagons. `geojson`: their outlines \
                (RFC 7946).",
                words(&["h3", "geojson"]),
                "h3",
            ),
        ],
        body: None,
        answers: vec![success],
        errors: vec![ApiError::parameters(), ApiError::Unavailable],
    }
}

fn get(path: &'static str, id: &'static str, tag: &'static str, answers: Vec<Answer>) -> Operation {
    Operation {
        path,
        methods: GET,
        id,
        tag,
        summary: "",
        description: "",
        parameters: Vec::new(),
        body: None,
        answers,
        errors: Vec::new(),
    }
}

fn map() -> Operation {
    let answer = Answer::json(200, "The address.", "Map").with("Cache-Control", KEEP);
    Operation {
        summary: "Where the tiles of the data map are",
        description: "Tiles of zoom 0 to 11 are at `{z}/{x}/{y}.png` below this address, where \
            something was reported; `data.json` beside them says when they were drawn.",
        ..get("/map.json", "map", "Data", vec![answer])
    }
}

fn chart(path: &'static str, id: &'static str, summary: &'static str) -> Operation {
    let away = Answer::json(503, "The database is away: no line.", "Charts");
    let answers = vec![
        Answer::json(200, "One line.", "Charts").with("Cache-Control", KEEP),
        away.with("Retry-After", "Seconds after which it makes sense to ask again."),
    ];
    Operation {
        summary,
        description: "How many there were in each month of the last year.",
        ..get(path, id, "Data", answers)
    }
}

fn downloads() -> Operation {
    let answer = Answer::json(200, "The list.", "Downloads").with("Cache-Control", KEEP);
    let none = Answer {
        status: 404,
        meaning: "There are no public files here.",
        content: vec![("text/html; charset=UTF-8", None)],
        headers: Vec::new(),
    };
    let elsewhere = Answer {
        status: 302,
        meaning: "The list is elsewhere.",
        content: Vec::new(),
        headers: vec![("Location", "Where it is.")],
    };
    Operation {
        summary: "The public files of cells",
        description: "What there is to download, with sizes and digests. Files stand beside the list.",
        ..get("/downloads/index.json", "downloads", "Data", vec![answer, elsewhere, none])
    }
}

fn heartbeat() -> Operation {
    let answers = vec![
        Answer::json(200, "Everything is there.", "Health"),
        Answer::json(503, "Something is away.", "Health"),
    ];
    Operation {
        summary: "Is everything there?",
        description: "Asks the database, the city database and the key-value store.",
        ..get("/__heartbeat__", "heartbeat", "Monitoring", answers)
    }
}

fn alive() -> Operation {
    Operation {
        summary: "Is the process alive?",
        description: "Asks nobody; for load balancers.",
        ..get("/__lbheartbeat__", "alive", "Monitoring", vec![Answer::json(200, "It is.", "Alive")])
    }
}

fn version() -> Operation {
    Operation {
        summary: "Which release is this?",
        description: "Release and commit.",
        ..get("/__version__", "version", "Monitoring", vec![Answer::json(200, "This.", "Release")])
    }
}
