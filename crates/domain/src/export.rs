//! Who gets which report.

/// One row of the table of export targets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExportConfig {
    /// Name, also part of the queue name.
    pub name: String,
    /// Reports per batch; 0 means everything that waits.
    pub batch: Option<i32>,
    /// `dummy`, `geosubmit`, `internal` or `s3`; anything else collects without a consumer.
    pub schema: Option<String>,
    /// Where to send to.
    pub url: Option<String>,
    /// API keys whose reports are left out, comma separated.
    pub skip_keys: Option<String>,
    /// Report sources that are left out, comma separated.
    pub skip_sources: Option<String>,
}
