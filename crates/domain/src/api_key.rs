//! API keys: what a key allows, and which requests with it are kept.
//!
//! A column that is NULL never allows anything and keeps nothing, except for the daily limit, where
//! NULL means that there is none.

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
    /// May the key be told which stations of a query are known?
    pub allow_explain: Option<bool>,
}

/// May this text be a key at all? Four to forty ASCII letters, digits and hyphens.
#[must_use]
pub fn is_well_formed(text: &str) -> bool {
    (4..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

impl ApiKey {
    /// What counts when no key can be looked up: positions and regions without a limit, no
    /// fallback, everything kept. It has no name.
    #[must_use]
    pub fn anonymous() -> Self {
        Self {
            allow_locate: Some(true),
            allow_region: Some(true),
            allow_fallback: Some(false),
            store_sample_locate: Some(100),
            store_sample_submit: Some(100),
            ..Self::default()
        }
    }

    /// The key to name in queues, counters and metrics; `None` for the anonymous one.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        Some(self.valid_key.as_str()).filter(|name| !name.is_empty())
    }

    /// May the key ask for positions?
    #[must_use]
    pub fn may_locate(&self) -> bool {
        self.allow_locate == Some(true)
    }

    /// May the key ask for regions?
    #[must_use]
    pub fn may_region(&self) -> bool {
        self.allow_region == Some(true)
    }

    /// May the key ask for positions together with which stations are known?
    #[must_use]
    pub fn may_explain(&self) -> bool {
        self.may_locate() && self.allow_explain == Some(true)
    }

    /// May position queries go on to the fallback provider, and is there a complete description of
    /// one? A rate limit of 0 is complete (no limit), an interval of 0 is not.
    #[must_use]
    pub fn may_use_fallback(&self) -> bool {
        let is_given = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        self.allow_fallback == Some(true)
            && is_given(&self.fallback_name)
            && is_given(&self.fallback_url)
            && self.fallback_ratelimit.is_some()
            && self.fallback_ratelimit_interval.is_some_and(|seconds| seconds != 0)
    }

    /// Requests per UTC day and path, if there is a limit. A negative number in the table lets no
    /// request through, as 0 here does.
    #[must_use]
    pub fn daily_limit(&self) -> Option<u32> {
        self.maxreq.filter(|&maxreq| maxreq != 0).map(|maxreq| u32::try_from(maxreq).unwrap_or(0))
    }

    /// Is the request that made the day's count `count` one too many?
    #[must_use]
    pub fn is_over_limit(&self, count: i64) -> bool {
        self.daily_limit().is_some_and(|limit| count > i64::from(limit))
    }

    /// Percentage of position queries to keep, given the percentage that is kept over all keys. It
    /// may exceed 100.
    #[must_use]
    pub fn locate_rate(&self, global: f64) -> f64 {
        f64::from(self.store_sample_locate.unwrap_or(0)) * global / 100.0
    }

    /// Percentage of submissions to keep.
    #[must_use]
    pub fn submit_rate(&self) -> f64 {
        f64::from(self.store_sample_submit.unwrap_or(0))
    }
}

/// Is a request kept, given a percentage and a random number from 0 up to 1?
#[must_use]
pub fn is_sampled(rate_percent: f64, draw: f64) -> bool {
    rate_percent > 0.0 && rate_percent / 100.0 >= draw
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_words_of_letters_digits_and_hyphens() {
        let longest = "a".repeat(40);
        for text in ["test", "TEST", "a-1-", "----", longest.as_str()] {
            assert!(is_well_formed(text), "{text}");
        }
        let too_long = "a".repeat(41);
        for text in ["", "abc", "test\n", "te st", "te_st", "te\u{17f}t", too_long.as_str()] {
            assert!(!is_well_formed(text), "{text}");
        }
    }

    #[test]
    fn a_null_column_allows_nothing() {
        let key = ApiKey { valid_key: "test".into(), ..ApiKey::default() };
        assert!(!key.may_locate() && !key.may_region() && !key.may_use_fallback());
        assert!(!key.may_explain());
        assert!(!is_sampled(key.locate_rate(100.0), 0.0));
        assert!(!is_sampled(key.submit_rate(), 0.0));
        assert_eq!(key.daily_limit(), None);
        assert_eq!(key.name(), Some("test"));
    }

    #[test]
    fn the_anonymous_key_has_no_name_no_limit_and_no_fallback() {
        let key = ApiKey::anonymous();
        assert!(key.may_locate() && key.may_region() && !key.may_use_fallback());
        assert!(!key.may_explain());
        assert_eq!((key.name(), key.daily_limit()), (None, None));
        assert!(is_sampled(key.submit_rate(), 0.999) && is_sampled(key.locate_rate(100.0), 0.999));
    }

    #[test]
    fn which_stations_are_known_is_told_to_who_may_have_positions_too() {
        for (allow_locate, allow_explain, may) in [
            (Some(true), Some(true), true),
            (Some(true), Some(false), false),
            (Some(true), None, false),
            (Some(false), Some(true), false),
            (None, Some(true), false),
        ] {
            let key = ApiKey { allow_locate, allow_explain, ..ApiKey::default() };
            assert_eq!(key.may_explain(), may, "{allow_locate:?} {allow_explain:?}");
        }
    }

    #[test]
    fn the_fallback_needs_a_complete_description() {
        let key = ApiKey {
            allow_fallback: Some(true),
            fallback_name: Some("other".into()),
            fallback_url: Some("https://provider.example/".into()),
            fallback_ratelimit: Some(0),
            fallback_ratelimit_interval: Some(60),
            ..ApiKey::default()
        };
        assert!(key.may_use_fallback());
        for broken in [
            ApiKey { allow_fallback: Some(false), ..key.clone() },
            ApiKey { allow_fallback: None, ..key.clone() },
            ApiKey { fallback_name: Some(String::new()), ..key.clone() },
            ApiKey { fallback_url: None, ..key.clone() },
            ApiKey { fallback_ratelimit: None, ..key.clone() },
            ApiKey { fallback_ratelimit_interval: Some(0), ..key.clone() },
        ] {
            assert!(!broken.may_use_fallback(), "{broken:?}");
        }
    }

    #[test]
    fn the_limit_is_the_last_request_let_through() {
        for (maxreq, count, is_over) in [
            (None, i64::MAX, false),
            (Some(0), i64::MAX, false),
            (Some(2), 1, false),
            (Some(2), 2, false),
            (Some(2), 3, true),
            (Some(-1), 1, true),
            (Some(i32::MIN), 1, true),
        ] {
            let key = ApiKey { maxreq, ..ApiKey::default() };
            assert_eq!(key.is_over_limit(count), is_over, "{maxreq:?} {count}");
        }
    }

    #[test]
    fn the_share_that_is_kept_is_the_product_of_key_and_global_rate() {
        let key = ApiKey { store_sample_locate: Some(50), ..ApiKey::default() };
        for (global, draw, is_kept) in [
            (100.0, 0.5, true),
            (100.0, 0.500_001, false),
            (50.0, 0.25, true),
            (50.0, 0.250_001, false),
            (200.0, 0.999_999, true),
            (0.0, 0.0, false),
            (-10.0, 0.0, false),
            (f64::NAN, 0.0, false),
        ] {
            assert_eq!(is_sampled(key.locate_rate(global), draw), is_kept, "{global} {draw}");
        }
    }
}
