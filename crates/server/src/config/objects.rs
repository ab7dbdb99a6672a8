//! Settings of buckets.

use super::setting::Setting;
use super::{Invalid, Settings, table};
use crate::objects::{self, Aws, Azure, Google, ObjectSettings};

impl Settings {
    /// The address of the place for tiles and public files; an error says what is allowed.
    pub(super) fn asset_bucket(&self) -> Option<Result<String, String>> {
        let text = self.text(&table::ASSET_BUCKET)?;
        // Nothing but slashes is nothing, as in the original.
        (!text.trim_matches('/').is_empty()).then(|| objects::without_scheme(text))
    }

    /// Everything that keeps buckets from being reached.
    pub(super) fn object_problems(&self) -> Vec<Invalid> {
        let mut problems = Vec::new();
        if let Some(Err(problem)) = self.asset_bucket() {
            problems.push(self.invalid(&table::ASSET_BUCKET, problem));
        }
        for setting in [&table::AWS_ENDPOINT_URL_S3, &table::AZURE_STORAGE_ENDPOINT] {
            if self.text(setting).is_some_and(|uri| !is_http(uri)) {
                let problem = "allowed is http://HOST:PORT or https://HOST:PORT".to_owned();
                problems.push(self.invalid(setting, problem));
            }
        }
        let pair = (&table::AWS_ACCESS_KEY_ID, &table::AWS_SECRET_ACCESS_KEY);
        for (missing, other) in [pair, (pair.1, pair.0)] {
            if self.text(missing).is_none() && self.text(other).is_some() {
                let problem = format!("not set, but {} is", other.name);
                problems.push(Invalid::missing(missing, problem));
            }
        }
        problems
    }

    /// How buckets are reached.
    pub(super) fn object_settings(&self) -> ObjectSettings {
        let text = |setting: &Setting| self.text(setting).map(str::to_owned);
        ObjectSettings {
            aws: Aws {
                access_key_id: text(&table::AWS_ACCESS_KEY_ID),
                secret_access_key: text(&table::AWS_SECRET_ACCESS_KEY),
                session_token: text(&table::AWS_SESSION_TOKEN),
                region: text(&table::AWS_REGION),
                endpoint: text(&table::AWS_ENDPOINT_URL_S3),
                role_arn: text(&table::AWS_ROLE_ARN),
                web_identity_token_file: text(&table::AWS_WEB_IDENTITY_TOKEN_FILE),
                container_relative_uri: text(&table::AWS_CONTAINER_CREDENTIALS_RELATIVE_URI),
                container_full_uri: text(&table::AWS_CONTAINER_CREDENTIALS_FULL_URI),
                container_token_file: text(&table::AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE),
            },
            google: Google {
                credentials_file: text(&table::GOOGLE_APPLICATION_CREDENTIALS),
                service_account_key: text(&table::GOOGLE_SERVICE_ACCOUNT_KEY),
            },
            azure: Azure {
                account: text(&table::AZURE_STORAGE_ACCOUNT_NAME),
                key: text(&table::AZURE_STORAGE_ACCOUNT_KEY),
                endpoint: text(&table::AZURE_STORAGE_ENDPOINT),
            },
            timeout: self.seconds(&table::TRANSFER_TIMEOUT),
        }
    }
}

fn is_http(uri: &str) -> bool {
    uri.parse::<http::Uri>()
        .is_ok_and(|uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some())
}

#[cfg(test)]
mod tests {
    use super::super::settings_of;

    fn problems(variables: &[(&str, &str)]) -> Vec<String> {
        let problems = settings_of(variables).object_problems();
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn buckets_are_reached_as_by_other_programs() {
        let settings = settings_of(&[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_DEFAULT_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", "http://minio:9000"),
            ("AZURE_STORAGE_ACCOUNT", "azure"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/google.json"),
        ])
        .object_settings();
        assert_eq!(settings.aws.region.as_deref(), Some("eu-central-1"));
        assert_eq!(settings.aws.endpoint.as_deref(), Some("http://minio:9000"));
        assert_eq!(settings.aws.secret_access_key.as_deref(), Some("secret"));
        assert_eq!(settings.azure.account.as_deref(), Some("azure"));
        assert_eq!(settings.google.credentials_file.as_deref(), Some("/etc/google.json"));
        assert_eq!(settings.timeout.as_secs(), 60);
        let specific = settings_of(&[
            ("AWS_ENDPOINT_URL", "http://general"),
            ("AWS_ENDPOINT_URL_S3", "http://specific"),
        ]);
        assert_eq!(specific.object_settings().aws.endpoint.as_deref(), Some("http://specific"));
    }

    #[test]
    fn what_cannot_work_is_said_at_the_start() {
        for (variables, name) in [
            (&[("ASSET_BUCKET", "/srv/public")][..], "ASSET_BUCKET"),
            (&[("ASSET_BUCKET", "ftp://public")], "ASSET_BUCKET"),
            (&[("AWS_ENDPOINT_URL", "minio:9000")], "AWS_ENDPOINT_URL"),
            (&[("AWS_ACCESS_KEY_ID", "id")], "AWS_SECRET_ACCESS_KEY"),
            (&[("AWS_SECRET_ACCESS_KEY", "s")], "AWS_ACCESS_KEY_ID"),
        ] {
            let problems = problems(variables);
            assert_eq!(problems.len(), 1, "{problems:?}");
            assert!(problems[0].starts_with(&format!("{name}: ")), "{problems:?}");
        }
        for place in ["tiles", "/tiles/", "/", "gs://tiles", "file:///srv/public"] {
            assert_eq!(problems(&[("ASSET_BUCKET", place)]), [""; 0], "{place}");
        }
    }
}
