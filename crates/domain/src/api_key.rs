//! API keys: what a key allows, and which requests with it are kept.

/// One row of the table of API keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ApiKey {
    /// The key as stored; look-ups ignore case, everything downstream uses this spelling.
    pub valid_key: String,
    /// Requests per UTC day and API path; `None` and 0 mean no limit.
    pub maxreq: Option<i32>,
    /// May position queries be passed on to the fallback provider?
    pub allow_fallback: Option<bool>,
    /// May the key ask for positions?
    pub allow_locate: Option<bool>,
    /// May the key ask for regions?
    pub allow_region: Option<bool>,
    /// Name of the fallback provider in metrics and rate limits.
    pub fallback_name: Option<String>,
    /// Wire format of the fallback provider; `None` means `ichnaea/v1`.
    pub fallback_schema: Option<String>,
    /// Address of the fallback provider.
    pub fallback_url: Option<String>,
    /// Calls per interval; 0 means no limit, `None` means no calls.
    pub fallback_ratelimit: Option<i32>,
    /// Length of the interval, seconds.
    pub fallback_ratelimit_interval: Option<i32>,
    /// How long an answer of the provider may be cached, seconds.
    pub fallback_cache_expire: Option<i32>,
    /// Percentage of position queries that is learned from; `None` means 0.
    pub store_sample_locate: Option<i32>,
    /// Percentage of submissions that is kept; `None` means 0.
    pub store_sample_submit: Option<i32>,
}
