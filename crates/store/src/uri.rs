//! Reads database addresses in the spellings that deployments of the original use.
//!
//! Passwords may contain any character, also `@`, `/` and `?` unescaped: everything up to the last
//! `@` is the account. Query parameters that mean nothing here (`charset`, time-outs of other
//! drivers) are ignored.

use std::path::PathBuf;

use mysql_async::{ClientIdentity, OptsBuilder, SslOpts};
use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// A database address that was understood.
pub(crate) enum Target {
    /// A file.
    SqliteFile(PathBuf),
    /// A database in memory that lives as long as the store.
    SqliteMemory,
    /// A server of the MySQL family.
    MySql(Box<OptsBuilder>),
}

const DEFAULT_PORT: u16 = 3306;

/// Reads an address. Errors name what is wrong with it, never the address itself: it may contain a
/// password.
pub(crate) fn parse(uri: &str) -> Result<Target> {
    if let Some(path) = uri.strip_prefix("sqlite:") {
        return match path.strip_prefix("//").unwrap_or(path) {
            "" => Err(Error::broken("the sqlite address names no file")),
            ":memory:" => Ok(Target::SqliteMemory),
            path => Ok(Target::SqliteFile(PathBuf::from(path))),
        };
    }
    let (scheme, rest) = uri.split_once("://").ok_or_else(|| Error::broken(
        "the database address has no scheme; expected sqlite:PATH or mysql://USER:PASSWORD@HOST/NAME",
    ))?;
    let family = scheme.split_once('+').map_or(scheme, |(family, _driver)| family);
    if !matches!(family, "mysql" | "mariadb") {
        return Err(Error::broken(format!("unknown database scheme {family:?}")));
    }
    mysql(rest).map(|options| Target::MySql(Box::new(options)))
}

/// The query parameters of an address that mean nothing here.
pub(crate) fn ignored(uri: &str) -> Vec<String> {
    let place = uri.rsplit_once('@').map_or(uri, |(_account, place)| place);
    let query = match place.split_once('?') {
        Some((_, query)) if !uri.starts_with("sqlite:") => query,
        _ => return Vec::new(),
    };
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    names.filter(|name| !name.is_empty() && !is_known(name)).map(str::to_owned).collect()
}

/// Is this the name of a parameter that is honoured, or of one that asks for what is done anyway?
fn is_known(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "charset" || Parameters::default().set(&name, String::new())
}

fn mysql(rest: &str) -> Result<OptsBuilder> {
    let (account, place) = rest.rsplit_once('@').map_or((None, rest), |(a, p)| (Some(a), p));
    let (place, query) = place.split_once('?').unwrap_or((place, ""));
    let (host_port, database) = place.split_once('/').unwrap_or((place, ""));
    let (host, port) = host_and_port(host_port)?;
    if database.is_empty() {
        return Err(Error::broken("the database address names no database"));
    }
    let (user, password) =
        match account.map(|account| account.split_once(':').unwrap_or((account, ""))) {
            Some((user, password)) => (Some(decoded(user)?), Some(decoded(password)?)),
            None => (None, None),
        };
    let parameters = Parameters::read(query)?;
    Ok(OptsBuilder::default()
        .ip_or_hostname(host)
        .tcp_port(port)
        .user(user.filter(|user| !user.is_empty()))
        .pass(password.filter(|password| !password.is_empty()))
        .db_name(Some(decoded(database)?))
        .prefer_socket(false)
        .socket(parameters.socket.clone())
        .ssl_opts(parameters.tls()?))
}

fn host_and_port(text: &str) -> Result<(String, u16)> {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':').unwrap_or(rest)),
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let port = match port {
        "" => DEFAULT_PORT,
        digits => digits.parse().map_err(|_| Error::broken("the database port is not a number"))?,
    };
    Ok((if host.is_empty() { "localhost" } else { host }.to_owned(), port))
}

fn decoded(text: &str) -> Result<String> {
    let text = percent_decode_str(text).decode_utf8();
    Ok(text.map_err(|_| Error::broken("the database address is not valid text"))?.into_owned())
}

/// The query parameters that mean something.
#[derive(Default)]
struct Parameters {
    socket: Option<String>,
    mode: Option<String>,
    ca: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
    /// False when the address says that the host name need not be in the certificate.
    checks_name: bool,
    /// True when the address asks for TLS without saying how strict.
    wanted: bool,
}

impl Parameters {
    fn read(query: &str) -> Result<Self> {
        let mut parameters = Self { checks_name: true, ..Self::default() };
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            parameters.set(&name.to_ascii_lowercase(), decoded(value)?);
        }
        Ok(parameters)
    }

    /// Takes one parameter; false when its name means nothing.
    fn set(&mut self, name: &str, value: String) -> bool {
        let is_on = matches!(value.to_ascii_lowercase().as_str(), "true" | "1" | "yes" | "on");
        match name {
            "unix_socket" => self.socket = Some(value),
            "ssl_mode" | "ssl-mode" | "sslmode" => self.mode = Some(value),
            "ssl_ca" | "ssl-ca" => self.ca = Some(value.into()),
            "ssl_cert" | "ssl-cert" => self.certificate = Some(value.into()),
            "ssl_key" | "ssl-key" => self.key = Some(value.into()),
            "ssl_check_hostname" | "ssl_verify_identity" => self.checks_name = is_on,
            "ssl" | "require_ssl" => self.wanted = is_on,
            _ => return false,
        }
        true
    }

    /// How strict TLS is, in the words of MySQL's `ssl_mode`. A CA without a mode means what it
    /// means to the original's driver: check the chain and the name. The driver cannot try TLS and
    /// fall back, so `PREFERRED` is read as no TLS, which is what it gives against most servers.
    fn tls(&self) -> Result<Option<SslOpts>> {
        let mode = self.mode.as_deref().map(str::to_ascii_uppercase);
        let (checks_chain, checks_name) = match mode.as_deref() {
            Some("DISABLED" | "PREFERRED") => return Ok(None),
            Some("REQUIRED") if self.ca.is_none() => (false, false),
            Some("REQUIRED" | "VERIFY_CA") => (true, false),
            Some("VERIFY_IDENTITY") => (true, true),
            Some(_) => return Err(Error::broken("unknown ssl_mode in the database address")),
            None if self.ca.is_some() || self.certificate.is_some() => (true, self.checks_name),
            None if self.wanted => (true, self.checks_name),
            None => return Ok(None),
        };
        let identity = match (&self.certificate, &self.key) {
            (Some(certificate), Some(key)) => {
                Some(ClientIdentity::new(certificate.clone().into(), key.clone().into()))
            }
            (None, None) => None,
            _ => return Err(Error::broken("ssl_cert and ssl_key are only useful together")),
        };
        Ok(Some(
            SslOpts::default()
                .with_root_certs(self.ca.iter().map(|path| path.clone().into()).collect())
                .with_disable_built_in_roots(self.ca.is_some())
                .with_client_identity(identity)
                .with_danger_accept_invalid_certs(!checks_chain)
                .with_danger_skip_domain_validation(!checks_name),
        ))
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::Opts;

    use super::*;

    fn server(uri: &str) -> Opts {
        match parse(uri) {
            Ok(Target::MySql(options)) => Opts::from(*options),
            Ok(_) => panic!("{uri} is a file"),
            Err(error) => panic!("{uri}: {error}"),
        }
    }

    #[test]
    fn every_spelling_of_a_server_address_is_understood() {
        for scheme in [
            "mysql",
            "mysql+pymysql",
            "mysql+mysqlconnector",
            "mysql+mysqldb",
            "mariadb",
            "mariadb+pymysql",
        ] {
            let opts =
                server(&format!("{scheme}://jo%40x:p%2Fw%3A%25@db:3307/location?charset=utf8&x"));
            assert_eq!(opts.user(), Some("jo@x"), "{scheme}");
            assert_eq!(opts.pass(), Some("p/w:%"), "{scheme}");
            assert_eq!((opts.ip_or_hostname(), opts.tcp_port()), ("db", 3307), "{scheme}");
            assert_eq!(opts.db_name(), Some("location"), "{scheme}");
            assert!(opts.ssl_opts().is_none(), "{scheme}");
        }
    }

    #[test]
    fn missing_parts_have_the_usual_values() {
        let opts = server("mysql://db/location");
        assert_eq!((opts.user(), opts.pass(), opts.tcp_port()), (None, None, 3306));
        let opts = server("mysql://root@[::1]:3310/x");
        assert_eq!((opts.ip_or_hostname(), opts.tcp_port()), ("::1", 3310));
        assert_eq!(server("mysql://u:a@b/c?d@h/x").pass(), Some("a@b/c?d"));
        assert_eq!(server("mysql://u@/x").ip_or_hostname(), "localhost");
    }

    #[test]
    fn tls_is_as_strict_as_the_address_says() {
        // (parameters, accepts any chain, accepts any name)
        for (query, expected) in [
            ("", None),
            ("ssl_mode=DISABLED&ssl_ca=/ca", None),
            ("ssl_mode=preferred", None),
            ("ssl_mode=REQUIRED", Some((true, true))),
            ("ssl_mode=VERIFY_CA&ssl_ca=/ca", Some((false, true))),
            ("ssl_mode=VERIFY_IDENTITY", Some((false, false))),
            ("ssl_ca=/ca", Some((false, false))),
            ("ssl_ca=/ca&ssl_check_hostname=false", Some((false, true))),
            ("ssl=true", Some((false, false))),
        ] {
            let opts = server(&format!("mysql://h/x?{query}"));
            let seen = opts
                .ssl_opts()
                .map(|tls| (tls.accept_invalid_certs(), tls.skip_domain_validation()));
            assert_eq!(seen, expected, "{query}");
        }
    }

    #[test]
    fn a_wrong_address_is_refused_without_showing_the_password() {
        for uri in [
            "",
            "location",
            "sqlite:",
            "postgres://u:secret@h/x",
            "mysql://u:secret@h",
            "mysql://u:secret@h/",
            "mysql://u:secret@h:port/x",
            "mysql://u:secret%FF@h/x",
            "mysql://u:secret@h/x?ssl_mode=maybe",
            "mysql://u:secret@h/x?ssl_cert=/c&ssl_mode=REQUIRED",
        ] {
            match parse(uri) {
                Err(Error::Broken(why)) => assert!(!why.contains("secret"), "{uri}: {why}"),
                Err(other) => panic!("{uri}: {other}"),
                Ok(_) => panic!("{uri} was accepted"),
            }
        }
    }

    #[test]
    fn parameters_without_a_meaning_are_told_apart() {
        let uri =
            "mysql://u:p?x=1@h/x?charset=utf8&ssl_ca=/ca&read_timeout=3&SSL-MODE=x&local_infile";
        assert_eq!(ignored(uri), ["read_timeout", "local_infile"]);
        assert_eq!(ignored("mysql://u:p?x=1@h/x"), Vec::<String>::new());
        assert_eq!(ignored("sqlite:what?x=1"), Vec::<String>::new());
    }

    #[test]
    fn files_and_memory_are_told_apart() {
        assert!(matches!(parse("sqlite::memory:"), Ok(Target::SqliteMemory)));
        for (uri, file) in [
            ("sqlite:data/x.db", "data/x.db"),
            ("sqlite:/data/x.db", "/data/x.db"),
            ("sqlite:///data/x.db", "/data/x.db"),
        ] {
            match parse(uri) {
                Ok(Target::SqliteFile(path)) => assert_eq!(path, PathBuf::from(file)),
                _ => panic!("{uri}"),
            }
        }
    }
}
