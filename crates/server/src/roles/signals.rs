//! Signals of this process, and its duties when it is the first one of a container.

use rustix::process::{WaitOptions, getpid, wait};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals, caught from the moment this is made: none that comes while a role starts is lost. The
/// first process of a container would ignore them otherwise.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    /// Only the first process of a container inherits the children of others.
    orphans: Option<Signal>,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To end.
    Stop(Stop),
    /// To read the city database again.
    Reload,
}

/// A signal to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// SIGTERM
    Terminate,
    /// SIGINT
    Interrupt,
}

impl Stop {
    /// The name of the signal.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Terminate => "SIGTERM",
            Self::Interrupt => "SIGINT",
        }
    }

    /// The status of a process that ends without finishing its work, as shells have it.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }
}

impl Signals {
    /// Catches signals from now on.
    pub fn catch() -> std::io::Result<Self> {
        let is_first = getpid().is_init();
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            orphans: is_first.then(|| signal(SignalKind::child())).transpose()?,
        })
    }

    /// The next signal that asks for something.
    pub async fn next(&mut self) -> Asked {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Asked::Stop(Stop::Terminate),
                _ = self.interrupt.recv() => return Asked::Stop(Stop::Interrupt),
                _ = self.hang_up.recv() => return Asked::Reload,
                () = ended(&mut self.orphans) => bury(),
            }
        }
    }

    /// The next signal to end.
    pub async fn stop(&mut self) -> Stop {
        loop {
            if let Asked::Stop(stop) = self.next().await {
                return stop;
            }
        }
    }
}

/// Waits until a child has ended; for ever, where there are none to care for.
async fn ended(orphans: &mut Option<Signal>) {
    match orphans {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// Takes leave of every child that has ended. No part of this program waits for one of its own.
fn bury() {
    while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
}
