//! What stands for an answer in the log: the same for the same answer to the same address and request,
//! and of no use for anything else.

use sha2::{Digest as _, Sha512};

/// Sixteen hex digits. `response` is the answer as JSON with sorted names, `client` the text of the
/// client's address, `url` the whole address that was asked.
#[must_use]
pub fn signature(response: &str, client: &str, url: &str, secret: &str) -> String {
    let mut hash = Sha512::new();
    for part in [response, client, url, "response-sig", secret] {
        hash.update(part);
    }
    let digest = hash.finalize();
    let start = digest.first_chunk().copied().map_or(0, u64::from_be_bytes);
    format!("{start:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_answer_has_its_recorded_signature() {
        let response = r#"{"accuracy": 40000.0, "location": {"lat": 51.5142, "lng": -0.0931}}"#;
        let url = "http://localhost:8000/v1/geolocate?key=test";
        assert_eq!(signature(response, "81.2.69.192", url, "specsecret"), "f6e3a9343832fd08");
        assert_ne!(signature(response, "81.2.69.193", url, "specsecret"), "f6e3a9343832fd08");
    }
}
