//! Reads the address of a Redis server in the spellings that deployments use.
//!
//! `redis://[USER:PASSWORD@]HOST[:PORT][/DB][?OPTIONS]`, or `rediss:` for TLS. The options are those
//! of the original's Python client that mean something here, and our `prefix`. Errors name no part
//! of the address: it may hold a password.

use redis::io::tcp::TcpSettings;
use redis::{Client, ClientTlsConfig, ConnectionInfo, IntoConnectionInfo as _, TlsCertificates};

use crate::{Error, Result};

/// An address that was understood.
pub(super) struct Address {
    /// Where the server is.
    pub(super) client: Client,
    /// What stands before every key.
    pub(super) prefix: String,
    /// Names of options that mean nothing here.
    pub(super) ignored: Vec<String>,
}

#[derive(Default)]
struct Options {
    prefix: String,
    database: Option<String>,
    checks_certificate: Option<bool>,
    ca: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    ignored: Vec<String>,
}

/// Reads an address; nothing is sent. Files that it names are read.
pub(super) fn parse(uri: &str) -> Result<Address> {
    let mut url = redis::parse_redis_url(uri)
        .filter(|url| matches!(url.scheme(), "redis" | "rediss"))
        .ok_or_else(|| broken("the redis address does not parse"))?;
    let options = Options::read(url.query_pairs())?;
    url.set_query(None);
    if let Some(database) = &options.database {
        url.set_path(database);
    }
    let is_tls = url.scheme() == "rediss";
    if is_tls {
        // Fails when a provider is installed already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        if options.checks_certificate == Some(false) {
            url.set_fragment(Some("insecure"));
        }
    }
    let info: ConnectionInfo = url
        .into_connection_info()
        .map_err(|error| broken(format!("the redis address is wrong: {error}")))?
        .set_tcp_settings(TcpSettings::default().set_nodelay(true));
    let client = match options.certificates()? {
        Some(certificates) if is_tls => Client::build_with_tls(info, certificates),
        _ => Client::open(info),
    };
    let client = client.map_err(|error| broken(format!("the redis address is wrong: {error}")))?;
    Ok(Address { client, prefix: options.prefix, ignored: options.ignored })
}

impl Options {
    fn read<'a>(
        pairs: impl Iterator<Item = (std::borrow::Cow<'a, str>, std::borrow::Cow<'a, str>)>,
    ) -> Result<Self> {
        let mut options = Self::default();
        for (name, value) in pairs {
            let value = value.into_owned();
            match name.as_ref() {
                "prefix" => options.prefix = value,
                "db" => options.database = Some(value),
                "ssl_cert_reqs" => {
                    options.checks_certificate = Some(match value.to_ascii_lowercase().as_str() {
                        "none" | "cert_none" => false,
                        "required" | "cert_required" | "optional" | "cert_optional" => true,
                        _ => return Err(broken("unknown ssl_cert_reqs in the redis address")),
                    });
                }
                "ssl_ca_certs" => options.ca = Some(value),
                "ssl_certfile" => options.certificate = Some(value),
                "ssl_keyfile" => options.key = Some(value),
                _ => options.ignored.push(name.into_owned()),
            }
        }
        Ok(options)
    }

    /// The certificates in the files that are named.
    fn certificates(&self) -> Result<Option<TlsCertificates>> {
        let read = |path: &String| {
            std::fs::read(path).map_err(|error| broken(format!("{path} cannot be read: {error}")))
        };
        let client_tls = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Some(ClientTlsConfig { client_cert: read(certificate)?, client_key: read(key)? })
            }
            (None, None) => None,
            _ => return Err(broken("ssl_certfile and ssl_keyfile are only useful together")),
        };
        let root_cert = self.ca.as_ref().map(read).transpose()?;
        Ok((client_tls.is_some() || root_cert.is_some())
            .then_some(TlsCertificates { client_tls, root_cert }))
    }
}

fn broken(why: impl Into<String>) -> Error {
    Error::Broken(why.into())
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use redis::ConnectionAddr;

    use super::*;

    fn read(uri: &str) -> Address {
        parse(uri).unwrap_or_else(|error| panic!("{uri}: {error}"))
    }

    #[test]
    fn every_part_of_an_address_is_read() {
        let address = read("redis://us%40er:p%3Aw@[::1]:7000/3?prefix=x%3A&socket_timeout=5");
        let info = address.client.get_connection_info();
        let ConnectionAddr::Tcp(host, port) = info.addr() else { panic!("{:?}", info.addr()) };
        assert!(host.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6()));
        assert_eq!((*port, info.redis_settings().db()), (7000, 3));
        assert_eq!(info.redis_settings().username(), Some("us@er"));
        assert_eq!(info.redis_settings().password(), Some("p:w"));
        assert_eq!(
            (address.prefix.as_str(), address.ignored),
            ("x:", vec!["socket_timeout".into()])
        );
        let info = read("redis://h?db=4").client;
        assert_eq!(info.get_connection_info().redis_settings().db(), 4);
        let ConnectionAddr::Tcp(host, 6379) = info.get_connection_info().addr() else { panic!() };
        assert_eq!(host, "h");
    }

    #[test]
    fn tls_checks_the_certificate_unless_told_otherwise() {
        for (uri, expected) in [
            ("rediss://h", false),
            ("rediss://h?ssl_cert_reqs=required", false),
            ("rediss://h?ssl_cert_reqs=none", true),
            ("rediss://h?ssl_cert_reqs=CERT_NONE", true),
        ] {
            let client = read(uri).client;
            let ConnectionAddr::TcpTls { insecure, .. } = client.get_connection_info().addr()
            else {
                panic!("{uri} is without TLS")
            };
            assert_eq!(*insecure, expected, "{uri}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused_without_showing_the_password() {
        for uri in [
            "redis://:secret@h/zero",
            "redis://:secret@h?db=x",
            "rediss://:secret@h?ssl_cert_reqs=maybe",
            "rediss://:secret@h?ssl_ca_certs=/nonexistent",
            "rediss://:secret@h?ssl_certfile=/nonexistent",
            "unix:///secret",
            "redis://",
        ] {
            let error = parse(uri).err().unwrap_or_else(|| panic!("{uri} was understood"));
            assert!(!error.to_string().contains("secret"), "{uri}: {error}");
        }
    }
}
