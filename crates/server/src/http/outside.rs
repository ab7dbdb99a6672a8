//! Clients for services outside: which certificates they believe, and who they say they are.

use std::sync::Arc;

use anyhow::Context as _;
use reqwest::{Client, ClientBuilder};

/// A client with the compiled-in root certificates and our name; without any bound on waiting,
/// which each use sets for itself.
pub fn client_builder() -> anyhow::Result<ClientBuilder> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("no TLS version in common with the crypto library")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Client::builder().tls_backend_preconfigured(tls).user_agent("ichnaea"))
}
