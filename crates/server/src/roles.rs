//! The roles of a process: web, worker, scheduler, or all of them at once.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use crate::config::Listen;
use crate::context::Context;
use crate::metrics::endpoint;
use crate::seen;
use crate::tasks::{runner, scheduler};

pub mod secret;
pub mod serve;
pub mod shell;
pub mod signals;

use signals::{Asked, Signals};

/// The part of the service a process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Answers requests.
    Web,
    /// Runs tasks.
    Worker,
    /// Sends due tasks to the workers.
    Scheduler,
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Worker => "worker",
            Self::Scheduler => "scheduler",
        }
    }
}

/// Says when to stop.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<bool>);

impl Shutdown {
    /// A handle, and the end that asks for the stop.
    #[must_use]
    pub fn new() -> (watch::Sender<bool>, Self) {
        let (sender, receiver) = watch::channel(false);
        (sender, Self(receiver))
    }

    /// Ends when a stop is requested, at once when it was before.
    pub async fn requested(&mut self) {
        // An error means that the other end is gone: nobody is left to wait for.
        let _ = self.0.wait_for(|requested| *requested).await;
    }
}

/// Listens for requests.
pub async fn bind(listen: Listen) -> anyhow::Result<tokio::net::TcpListener> {
    listen_on(listen.bind, listen.port).await
}

/// Listens on one address; where the machine has no IPv6, every address means every IPv4 address.
async fn listen_on(address: IpAddr, port: u16) -> anyhow::Result<tokio::net::TcpListener> {
    let bound = match tokio::net::TcpListener::bind((address, port)).await {
        Err(error) if address.is_ipv6() && address.is_unspecified() && lacks_ipv6(&error) => {
            tokio::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await
        }
        bound => bound,
    };
    bound.with_context(|| format!("cannot listen on {address} port {port}"))
}

/// Does this error say that there is no IPv6, rather than that the port is taken or forbidden?
fn lacks_ipv6(error: &std::io::Error) -> bool {
    !matches!(error.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied)
}

/// Plays some roles until a signal, or until one of them fails; then stops the others too. A
/// second signal ends everything at once; what was begun is then taken up by other processes.
pub async fn run(
    context: Arc<Context>,
    roles: &[Role],
    listener: Option<tokio::net::TcpListener>,
    signals: Signals,
) -> anyhow::Result<ExitCode> {
    let (stop, shutdown) = Shutdown::new();
    let endpoint = match context.config.metrics_port {
        None => None,
        Some(port) => {
            let listener = listen_on(context.config.metrics_bind, port).await;
            let listener = listener.context("the Prometheus endpoint (METRICS_PORT)")?;
            info!(address = %listener.local_addr()?, "Prometheus finds the metrics at /metrics");
            let (context, mut shutdown) = (Arc::clone(&context), shutdown.clone());
            let requested = async move { shutdown.requested().await };
            Some(tokio::spawn(endpoint::serve(context, listener, requested)))
        }
    };
    let handles = Arc::clone(&context);
    let result = play(context, roles, listener, signals, stop, shutdown).await;
    if let Some(endpoint) = endpoint {
        endpoint.abort();
    }
    tokio::join!(handles.metrics.flush(), handles.reader.close(), handles.writer.close());
    result
}

async fn play(
    context: Arc<Context>,
    roles: &[Role],
    mut listener: Option<tokio::net::TcpListener>,
    mut signals: Signals,
    stop: watch::Sender<bool>,
    shutdown: Shutdown,
) -> anyhow::Result<ExitCode> {
    let mut parts = JoinSet::new();
    let logs = context.config.logs_start_and_stop;
    let reloading = Arc::clone(&context);
    for &role in roles {
        let (context, mut shutdown) = (Arc::clone(&context), shutdown.clone());
        match role {
            Role::Web => {
                let Some(listener) = listener.take() else { continue };
                if logs {
                    info!(address = %listener.local_addr()?, "web server is ready");
                }
                let requested = async move { shutdown.requested().await };
                let serve = crate::http::serve(context, listener, requested);
                parts.spawn(async move { (role, serve.await) });
            }
            Role::Worker => {
                parts.spawn(async move {
                    let run = runner::run(Arc::clone(&context), shutdown);
                    (role, seen::during(&context, seen::Kind::Worker, run).await)
                });
            }
            Role::Scheduler => {
                parts.spawn(async move {
                    let run = scheduler::run(Arc::clone(&context), shutdown);
                    (role, seen::during(&context, seen::Kind::Scheduler, run).await)
                });
            }
        }
    }
    let mut result = Ok(());
    loop {
        let ended = tokio::select! {
            asked = signals.next() => {
                match asked {
                    Asked::Reload => reload(Arc::clone(&reloading), roles),
                    Asked::Stop(signal) if *stop.borrow() => {
                        warn!(signal = signal.name(), "ending at once");
                        return Ok(ExitCode::from(signal.status()));
                    }
                    Asked::Stop(signal) => {
                        if logs {
                            info!(signal = signal.name(), "stopping");
                        }
                        let _ = stop.send(true);
                    }
                }
                continue;
            }
            ended = parts.join_next() => ended,
        };
        let Some(ended) = ended else { return result.map(|()| ExitCode::SUCCESS) };
        let failure = match ended {
            Ok((_, Ok(()))) => None,
            Ok((role, Err(failure))) => Some(failure.context(format!("{} failed", role.name()))),
            Err(failure) => Some(anyhow::Error::from(failure).context("a role failed")),
        };
        if let Some(failure) = failure {
            if result.is_ok() {
                result = Err(failure);
            } else {
                error!("{failure:#}");
            }
        }
        let _ = stop.send(true);
    }
}

/// Looks at the city database now, not at the next of the regular times.
fn reload(context: Arc<Context>, roles: &[Role]) {
    if roles.contains(&Role::Web) {
        // Reading a large file must not hold up requests.
        tokio::task::spawn_blocking(move || {
            if !context.geoip.reload() {
                info!("the city database is the same as before");
            }
        });
    }
}
