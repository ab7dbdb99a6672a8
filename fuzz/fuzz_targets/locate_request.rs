//! Any body of a position query becomes a query or an error of the client, and a query never asks
//! for more than it may.
#![no_main]

use ichnaea_domain::locate::{Api, Client, MAX_NETWORKS, Query};
use ichnaea_server::api::locate_request;
use ichnaea_server::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(document) = json::parse(text) else { return };
    match locate_request::read(Some(&document)) {
        Err(error) => {
            assert!(error.status().is_client_error());
            drop(error.response());
        }
        Ok(request) => {
            for api in [Api::Locate, Api::Region] {
                let query = Query::new(api, request.clone(), Client::default());
                assert!(query.station_keys().len() <= 3 * MAX_NETWORKS);
                assert!(query.area_keys().len() <= 2 * MAX_NETWORKS);
                assert_ne!(query.wifi.len(), 1, "one access point alone is never looked up");
                assert_ne!(query.blue.len(), 1, "one beacon alone is never looked up");
            }
        }
    }
});
