//! Opening a bucket or folder with the library.

use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{BackoffConfig, ObjectStore, RetryConfig};
use reqwest::redirect::Policy;

use super::place::{Place, Service};
use super::settings::{Aws, Azure, Google, ObjectSettings};
use super::transport::Transport;
use super::{Error, Objects, Result};
use crate::http::outside;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Few: whoever calls tries again by itself, and says so.
const RETRIES: usize = 2;
/// No retry begins later than this.
const RETRY_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) fn open(place: &Place, settings: &ObjectSettings) -> Result<Objects> {
    let timeout = settings.timeout;
    match place {
        Place::Folder(folder) => folder_of(folder, timeout),
        Place::Bucket { service, bucket, prefix } => {
            let name = name(*service, bucket, settings);
            let broken = |why: String| Error::Broken(format!("{name}: {why}"));
            let prefix = Path::parse(prefix).map_err(|failure| broken(failure.to_string()))?;
            let client = client(timeout).map_err(|failure| broken(failure.to_string()))?;
            let store: object_store::Result<Arc<dyn ObjectStore>> = match service {
                Service::S3 => s3(bucket, &settings.aws, client),
                Service::Google => google(bucket, &settings.google, client),
                Service::Azure => azure(bucket, &settings.azure, client),
            };
            let advice = advice(*service);
            // What the library says may quote what was given.
            let store =
                store.map_err(|_| broken(format!("the settings do not fit; look at {advice}")))?;
            Ok(Objects { store, prefix, name: name.into(), advice, is_folder: false, timeout })
        }
    }
}

fn folder_of(folder: &FilePath, timeout: Duration) -> Result<Objects> {
    let name = folder.display().to_string();
    let prefix = folder.to_str().ok_or("not UTF-8".to_owned());
    let prefix = prefix.and_then(|text| Path::parse(text).map_err(|failure| failure.to_string()));
    let prefix = prefix.map_err(|why| Error::Broken(format!("{name}: no folder: {why}")))?;
    Ok(Objects {
        // From the root on, so that a folder may be missing until something is written.
        store: Arc::new(LocalFileSystem::new().with_fsync(true)),
        prefix,
        name: name.into(),
        advice: "the folder and who may write there",
        is_folder: true,
        timeout,
    })
}

/// How a bucket is called in messages: its address, and whose server it is when it is one's own.
fn name(service: Service, bucket: &str, settings: &ObjectSettings) -> String {
    let endpoint = match service {
        Service::S3 => settings.aws.endpoint.as_deref(),
        Service::Google => None,
        Service::Azure => settings.azure.endpoint.as_deref(),
    };
    let own = endpoint.and_then(|uri| uri.parse::<http::Uri>().ok());
    // Without an account that may stand before the host.
    let own = own.and_then(|uri| {
        let port = uri.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!(" at {}{port}", uri.host()?))
    });
    format!("{}://{bucket}{}", service.scheme(), own.unwrap_or_default())
}

const fn advice(service: Service) -> &'static str {
    match service {
        Service::S3 => {
            "AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, AWS_ENDPOINT_URL and the rights \
             of that account"
        }
        Service::Google => "GOOGLE_APPLICATION_CREDENTIALS and the rights of that account",
        Service::Azure => {
            "AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY and the rights of that account"
        }
    }
}

/// The client for buckets. A redirect is an answer that a person has to see: a bucket in another
/// region.
fn client(timeout: Duration) -> anyhow::Result<reqwest::Client> {
    let client = outside::client_builder()?.connect_timeout(CONNECT_TIMEOUT.min(timeout));
    Ok(client.read_timeout(timeout).redirect(Policy::none()).build()?)
}

fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: RETRIES,
        retry_timeout: RETRY_TIMEOUT,
    }
}

fn s3(
    bucket: &str,
    aws: &Aws,
    client: reqwest::Client,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let given = [
        (AmazonS3ConfigKey::AccessKeyId, &aws.access_key_id),
        (AmazonS3ConfigKey::SecretAccessKey, &aws.secret_access_key),
        (AmazonS3ConfigKey::Token, &aws.session_token),
        (AmazonS3ConfigKey::Region, &aws.region),
        (AmazonS3ConfigKey::Endpoint, &aws.endpoint),
        (AmazonS3ConfigKey::RoleArn, &aws.role_arn),
        (AmazonS3ConfigKey::WebIdentityTokenFile, &aws.web_identity_token_file),
        (AmazonS3ConfigKey::ContainerCredentialsRelativeUri, &aws.container_relative_uri),
        (AmazonS3ConfigKey::ContainerCredentialsFullUri, &aws.container_full_uri),
        (AmazonS3ConfigKey::ContainerAuthorizationTokenFile, &aws.container_token_file),
    ];
    let builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_allow_http(true)
        .with_retry(retries())
        // Not every server of the protocol knows how to delete many at once.
        .with_disable_bulk_delete(true)
        .with_http_connector(Transport(client));
    let with = |builder: AmazonS3Builder, (key, value): (AmazonS3ConfigKey, &Option<String>)| {
        match value {
            Some(value) => builder.with_config(key, value),
            None => builder,
        }
    };
    Ok(Arc::new(given.into_iter().fold(builder, with).build()?))
}

fn google(
    bucket: &str,
    google: &Google,
    client: reqwest::Client,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = GoogleCloudStorageBuilder::new()
        .with_bucket_name(bucket)
        .with_retry(retries())
        .with_http_connector(Transport(client));
    if let Some(key) = &google.service_account_key {
        builder = builder.with_service_account_key(key);
    } else if let Some(file) = &google.credentials_file {
        builder = builder.with_application_credentials(file);
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(
    container: &str,
    azure: &Azure,
    client: reqwest::Client,
) -> object_store::Result<Arc<dyn ObjectStore>> {
    let mut builder = MicrosoftAzureBuilder::new()
        .with_container_name(container)
        .with_allow_http(true)
        .with_retry(retries())
        .with_http_connector(Transport(client));
    if let Some(account) = &azure.account {
        builder = builder.with_account(account);
    }
    if let Some(key) = &azure.key {
        builder = builder.with_access_key(key);
    }
    if let Some(endpoint) = &azure.endpoint {
        builder = builder.with_endpoint(endpoint.clone());
    }
    Ok(Arc::new(builder.build()?))
}
