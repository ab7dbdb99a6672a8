//! One connection to a Redis server, shared by all callers, made when needed and replaced when it
//! fails.
//!
//! The library's own connection manager is not enough: it keeps a refused login for ever, and a
//! connection that swallows requests without an answer (a firewall that lost its state) for as
//! long as TCP lets it. Here every error that speaks against the connection replaces it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, FromRedisValue, Pipeline, RedisError,
    ServerErrorKind, ToRedisArgs,
};
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::address::{self, Address};
use crate::{Error, Options, Result};

/// An answer that did not come for this long may never come.
const LONG_WAIT: Duration = Duration::from_millis(800);

/// One connection, or none yet.
type Slot = Arc<OnceCell<MultiplexedConnection>>;

/// How to reach the server, and the connection in use.
pub(super) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    connect_timeout: Duration,
    current: Mutex<Slot>,
}

/// A script and the digest by which the server knows it.
pub(super) struct Script {
    text: &'static str,
    digest: String,
}

impl Script {
    pub(super) fn new(text: &'static str) -> Self {
        Self { text, digest: redis::Script::new(text).get_hash().to_owned() }
    }
}

impl Link {
    /// Prepares a link; nothing is sent. The second value is the key prefix named in the address.
    pub(super) fn open(uri: &str, options: &Options) -> Result<(Self, String)> {
        let Address { client, prefix, .. } = address::parse(uri)?;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(options.connect_timeout))
            .set_response_timeout(Some(options.response_timeout));
        let link = Self {
            client,
            config,
            connect_timeout: options.connect_timeout,
            current: Mutex::default(),
        };
        Ok((link, prefix))
    }

    /// Sends a request that may be repeated without harm, once more if the connection turns out
    /// to be dead: that is how the end of the server is first seen.
    pub(super) async fn repeat<T: FromRedisValue>(&self, request: &Cmd) -> Result<T> {
        match self.send(request).await {
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => {
                self.send(request).await
            }
            answer => answer,
        }
        .map_err(|error| explain(&error))
    }

    /// Runs a script that may be repeated without harm; see [`repeat`](Self::repeat).
    pub(super) async fn repeat_script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[impl ToRedisArgs],
        args: &[Vec<u8>],
    ) -> Result<T> {
        match self.repeat(&script_call("EVALSHA", &script.digest, keys, args)).await {
            Err(error) if is_unknown_script(&error) => {
                self.repeat(&script_call("EVAL", script.text, keys, args)).await
            }
            answer => answer,
        }
    }

    /// Runs a script. A server that does not know it (it was restarted) is sent the text.
    pub(super) async fn script<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[impl ToRedisArgs],
        args: &[Vec<u8>],
    ) -> Result<T> {
        let known = script_call("EVALSHA", &script.digest, keys, args);
        match self.send(&known).await.map_err(|error| explain(&error)) {
            Err(error) if is_unknown_script(&error) => {
                let call = script_call("EVAL", script.text, keys, args);
                self.send(&call).await.map_err(|error| explain(&error))
            }
            answer => answer,
        }
    }

    /// Sends commands that the server runs without anything in between; all of them or, when it does not
    /// take one in, none. Nothing is sent again.
    pub(super) async fn transaction(&self, commands: &Pipeline) -> Result<()> {
        self.send(commands).await.map_err(|error| explain(&error))
    }

    async fn send<T: FromRedisValue>(&self, request: &impl Request) -> redis::RedisResult<T> {
        let slot = Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        let attempt =
            Attempt { link: self, slot: &slot, started: Instant::now(), has_ended: false };
        let connect = slot.get_or_try_init(|| {
            self.client.get_multiplexed_async_connection_with_config(&self.config)
        });
        let answer = match timeout(self.connect_timeout, connect).await {
            Ok(Ok(connection)) => request.send(connection.clone()).await,
            Ok(Err(error)) => Err(error),
            Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
        };
        attempt.has_ended();
        if answer.as_ref().is_err_and(speaks_against_connection) {
            self.replace(&slot);
        }
        answer
    }

    /// Has the next call connect anew, unless somebody saw to that already.
    fn replace(&self, slot: &Slot) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&current, slot) {
            *current = Slot::default();
        }
    }
}

/// One command or several.
trait Request {
    async fn send<T: FromRedisValue>(&self, on: MultiplexedConnection) -> redis::RedisResult<T>;
}

impl Request for Cmd {
    async fn send<T: FromRedisValue>(
        &self,
        mut on: MultiplexedConnection,
    ) -> redis::RedisResult<T> {
        self.query_async(&mut on).await
    }
}

impl Request for Pipeline {
    async fn send<T: FromRedisValue>(
        &self,
        mut on: MultiplexedConnection,
    ) -> redis::RedisResult<T> {
        self.query_async(&mut on).await
    }
}

/// A request whose answer is waited for.
struct Attempt<'a> {
    link: &'a Link,
    slot: &'a Slot,
    started: Instant,
    has_ended: bool,
}

impl Attempt<'_> {
    fn has_ended(mut self) {
        self.has_ended = true;
    }
}

impl Drop for Attempt<'_> {
    /// A caller that went away after so long speaks against the connection: if all of them are less
    /// patient than the time-out, nobody else is left to notice that it is dead.
    fn drop(&mut self) {
        if !self.has_ended && self.started.elapsed() >= LONG_WAIT {
            self.link.replace(self.slot);
        }
    }
}

fn script_call(verb: &str, script: &str, keys: &[impl ToRedisArgs], args: &[Vec<u8>]) -> Cmd {
    let mut call = redis::cmd(verb);
    call.arg(script).arg(keys.len()).arg(keys).arg(args);
    call
}

/// A new connection may do better: this one is gone or silent, or leads to a server that lost its
/// role.
fn speaks_against_connection(error: &RedisError) -> bool {
    // A transaction that is not taken in does not say at first sight why.
    use ServerErrorKind::{ExecAbort, MasterDown, ReadOnly};
    error.is_io_error()
        || error.is_unrecoverable_error()
        || matches!(error.kind(), ErrorKind::Server(ReadOnly | MasterDown | ExecAbort))
}

/// What the server says when it cannot work just now.
const TEMPORARY: [&str; 9] = [
    "BUSY",
    "CLUSTERDOWN",
    "LOADING",
    "MASTERDOWN",
    "MISCONF",
    "NOREPLICAS",
    "OOM",
    "READONLY",
    "TRYAGAIN",
];

const UNKNOWN_SCRIPT: &str = "NOSCRIPT";

fn is_unknown_script(error: &Error) -> bool {
    matches!(error, Error::Broken(text) if text == UNKNOWN_SCRIPT)
}

fn explain(error: &RedisError) -> Error {
    let text = error.to_string();
    if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript) {
        return Error::Broken(UNKNOWN_SCRIPT.into());
    }
    // Before version 7 the code of an error inside a script stands in the middle of the message.
    let is_temporary = error.code().is_some_and(|code| TEMPORARY.contains(&code))
        || text.split([' ', '-', ':']).any(|word| TEMPORARY.contains(&word));
    if error.is_io_error() || is_temporary { Error::Unavailable(text) } else { Error::Broken(text) }
}
