//! `ichnaea healthcheck`: asks the server of this machine or container whether it lives.
//!
//! An image from scratch has no `curl` for its health check, so the program asks itself. The same
//! check stands in the image for every role: of a role that does not listen there is nothing to
//! ask, and that its process lives the engine knows already.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::config::Listen;

/// Bound on the whole check; less than the engine's patience, so that it sees the reason.
const TIMEOUT: Duration = Duration::from_secs(4);
/// Asked without a proxy, and of no backend.
const REQUEST: &[u8] =
    b"GET /__lbheartbeat__ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
const HEALTHY: &[u8] = b"HTTP/1.1 200 ";
/// The first process of a container, its words separated by zero bytes.
const FIRST_PROCESS: &str = "/proc/1/cmdline";

/// Asks the server that listens there; an error when it does not answer with 200.
pub async fn run(listen: Listen) -> anyhow::Result<()> {
    let mut problem = anyhow!("nothing to ask");
    for address in addresses(listen.bind) {
        let server = SocketAddr::new(address, listen.port);
        match tokio::time::timeout(TIMEOUT, ask(server)).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(failure)) => problem = failure.context(server),
            Err(_) => bail!("{server}: no answer within {} seconds", TIMEOUT.as_secs()),
        }
    }
    Err(problem)
}

async fn ask(server: SocketAddr) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(REQUEST).await?;
    let mut head = [0; HEALTHY.len()];
    stream.read_exact(&mut head).await.context("no complete answer")?;
    ensure!(head == HEALTHY, "answered {}", String::from_utf8_lossy(&head).trim_end());
    Ok(())
}

/// Where a server that listens on `bind` is found from the same machine.
fn addresses(bind: IpAddr) -> Vec<IpAddr> {
    match bind {
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => vec![Ipv4Addr::LOCALHOST.into()],
        one => vec![one],
    }
}

/// The command line of this container's first process from our own name on, which an init program
/// (`docker run --init`) may stand before; empty when it is not ours.
pub fn first_process() -> anyhow::Result<Vec<String>> {
    let words = std::fs::read(FIRST_PROCESS).context(FIRST_PROCESS)?;
    Ok(from_our_name(&words))
}

fn from_our_name(command_line: &[u8]) -> Vec<String> {
    let words = command_line.split(|byte| *byte == 0).filter(|word| !word.is_empty());
    let words = words.map(|word| String::from_utf8_lossy(word).into_owned());
    let is_ours = |word: &String| Path::new(word).file_name().is_some_and(|name| name == "ichnaea");
    words.skip_while(|word| !is_ours(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_on_every_address_is_asked_on_the_loopback() {
        let text = |bind: &str| {
            let found = addresses(bind.parse().unwrap());
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(text("::"), ["127.0.0.1", "::1"]);
        assert_eq!(text("0.0.0.0"), ["127.0.0.1"]);
        assert_eq!(text("10.1.2.3"), ["10.1.2.3"]);
    }

    #[test]
    fn our_words_are_found_behind_an_init_program() {
        let line = b"/sbin/docker-init\0--\0/usr/local/bin/ichnaea\0web\0--port\08080\0";
        assert_eq!(from_our_name(line), ["/usr/local/bin/ichnaea", "web", "--port", "8080"]);
        assert_eq!(from_our_name(b"ichnaea\0worker\0"), ["ichnaea", "worker"]);
        assert!(from_our_name(b"/lib/systemd/systemd\0").is_empty());
        assert!(from_our_name(b"").is_empty());
    }
}
