//! The command line: the table of all commands.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::{CommandFactory as _, Parser, Subcommand};
use ichnaea_store::Store;

use crate::clock::Clock;
use crate::config::{Config, Embedded, Invalid, Listen, Settings};
use crate::context::Context;
use crate::roles::{self, Role};
use crate::{admin, logging, sentry};

/// Wrong usage, as clap has it.
const EX_USAGE: u8 = 2;
/// A configuration that cannot be used; `EX_CONFIG` of sysexits.
const EX_CONFIG: u8 = 78;

/// A network geolocation service: it finds a device by the Wi-Fi access points, Bluetooth beacons
/// and cells around it, and learns where these are from the reports that devices send in.
#[derive(Parser, Debug)]
#[command(
    name = "ichnaea",
    version,
    arg_required_else_help = true,
    after_help = "Start with `ichnaea serve`: everything in one process, with its data in files \
        under ./data. `ichnaea COMMAND --help` has examples.",
    after_long_help = "Start with `ichnaea serve`: everything in one process, with its data in \
        files under ./data.\n\n\
        On several machines, give all of them the same database and Redis and run the roles \
        apart:\n\n  \
        export DB_READWRITE_URI=mysql://location:secret@db/location REDIS_URI=redis://cache/0\n  \
        ichnaea db migrate\n  \
        ichnaea web --port 8000     any number of times\n  \
        ichnaea worker              any number of times\n  \
        ichnaea scheduler           twice, for safety; one is active\n\n\
        Exit status: 0 done, 1 failed, 2 wrong usage, 78 configuration that cannot be used."
)]
pub struct Cli {
    #[command(flatten)]
    settings: Settings,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Runs everything in one process: web, worker and scheduler
    #[command(after_help = "Brings the tables up to date first, and makes an API key when there \
        is none.\n\nExamples:\n  \
        ichnaea serve\n  \
        ichnaea serve --demo --port 8080\n  \
        ichnaea serve --db-readwrite-uri sqlite:/srv/ichnaea.sqlite")]
    Serve {
        /// Fill empty tables with invented stations in a few cities, to try things out
        #[arg(long)]
        demo: bool,
    },
    /// Answers requests
    #[command(after_help = "Starts even while the database or Redis is away, and answers as well \
        as it can.\n\nExamples:\n  \
        ichnaea web\n  \
        ichnaea web --port 8080 --bind 127.0.0.1")]
    Web,
    /// Runs background tasks
    #[command(after_help = "Any number may run. SIGTERM lets running tasks finish for 25 seconds \
        and gives back what is left.")]
    Worker,
    /// Sends due tasks to the workers
    #[command(after_help = "Several may run; one is active, the others stand by.")]
    Scheduler,
    /// Manages API keys
    #[command(after_help = "Examples:\n  \
        ichnaea apikey create our-app\n  \
        ichnaea apikey list\n  \
        ichnaea apikey show our-app\n  \
        ichnaea apikey set our-app maxreq=1000")]
    Apikey {
        #[command(subcommand)]
        command: Option<admin::apikey::Command>,
    },
    /// Manages who gets the reports that come in
    #[command(after_help = "Examples:\n  \
        ichnaea export-config list\n  \
        ichnaea export-config set internal batch=1")]
    ExportConfig {
        #[command(subcommand)]
        command: Option<admin::export_config::Command>,
    },
    /// Shows and changes what can be set while the service runs
    #[command(after_help = "Examples:\n  \
        ichnaea settings list\n  \
        ichnaea settings set global_locate_sample_rate 20")]
    Settings {
        #[command(subcommand)]
        command: Option<admin::settings::Command>,
    },
    /// Sends an event to Sentry, to see that it arrives
    #[command(
        alias = "sentry_test",
        after_help = "Examples:\n  \
        ichnaea sentry-test cli\n  \
        ichnaea sentry-test worker"
    )]
    SentryTest {
        #[command(subcommand)]
        command: Option<admin::sentry_test::Command>,
    },
    /// Manages the tables of the database
    #[command(subcommand)]
    Db(admin::db::Command),
    /// Shows and works off what waits between a report and the tables
    #[command(subcommand)]
    Pipeline(admin::pipeline::Command),
    /// Lists background tasks and runs them by hand
    #[command(subcommand)]
    Task(admin::task::Command),
    /// Asks the server of this machine or container whether it lives
    #[command(after_help = "Exit status: 0 when `/__lbheartbeat__` is answered with 200, else 1. \
        Takes the port from the same variables as `web`.\n\nExamples:\n  \
        ichnaea healthcheck\n  \
        ichnaea healthcheck --port 8080")]
    Healthcheck {
        /// Ask the first process of this container, where its command line says that it listens;
        /// there is nothing to ask, and all is well, when it is of another role
        #[arg(long)]
        first_process: bool,
    },
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    // Fails only when it was done before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let Cli { settings, command } = Cli::parse();
    let is_role = matches!(command, Command::Web { .. } | Command::Worker | Command::Scheduler);
    let format = logging::Format::choose(settings.is_development(), is_role);
    logging::start(&settings.logging_level(), format);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(run(&settings, command));
            // A look-up of a host name may hang for long; nothing waits for it any more.
            runtime.shutdown_background();
            result
        }
        Err(failure) => Err(anyhow::Error::from(failure).into()),
    };
    let code = match result {
        Ok(code) => code,
        Err(Failure::Config(problems)) => {
            problems.iter().for_each(complain);
            // Flags are usage, whatever else is wrong.
            let is_usage = problems.iter().any(|problem| problem.is_flag);
            ExitCode::from(if is_usage { EX_USAGE } else { EX_CONFIG })
        }
        Err(Failure::Other(failure)) => {
            sentry::report_end(&failure);
            complain(format!("{failure:#}"));
            ExitCode::FAILURE
        }
    };
    sentry::finish();
    code
}

/// Why a command failed.
enum Failure {
    /// The configuration cannot be used.
    Config(Vec<Invalid>),
    /// Anything else.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(failure: anyhow::Error) -> Self {
        Self::Other(failure)
    }
}

impl From<Vec<Invalid>> for Failure {
    fn from(problems: Vec<Invalid>) -> Self {
        Self::Config(problems)
    }
}

async fn run(settings: &Settings, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve { demo } => {
            let config = settings.resolve(Embedded::Create)?;
            sentry::start(config.sentry.as_ref(), sentry::App::Web)?;
            roles::serve::run(config, demo).await?;
        }
        Command::Web => {
            let config = settings.resolve(Embedded::IfPresent)?;
            sentry::start(config.sentry.as_ref(), sentry::App::Web)?;
            let context = open(config).await?;
            let listener = roles::bind(context.config.listen).await?;
            roles::run(context, &[Role::Web], Some(listener)).await?;
        }
        Command::Worker => {
            start_reports(settings)?;
            roles::run(open_without_geoip(settings).await?, &[Role::Worker], None).await?;
        }
        Command::Scheduler => {
            start_reports(settings)?;
            roles::run(open_without_geoip(settings).await?, &[Role::Scheduler], None).await?;
        }
        Command::Apikey { command: None } => print_usage("apikey"),
        Command::Apikey { command: Some(command) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            let store = open_store(&config.databases.read_write, &config)?;
            return Ok(status(admin::apikey::run(&store, command).await?));
        }
        Command::ExportConfig { command: None } => print_usage("export-config"),
        Command::ExportConfig { command: Some(command) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            let store = open_store(&config.databases.read_write, &config)?;
            return Ok(status(admin::export_config::run(&store, command).await?));
        }
        Command::Settings { command: None } => print_usage("settings"),
        Command::Settings { command: Some(command) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            make_folders(&config)?;
            let kv = open_kv(&config).await?;
            admin::settings::run(&*kv, command).await?;
        }
        Command::SentryTest { command: None } => print_usage("sentry-test"),
        Command::SentryTest { command: Some(admin::sentry_test::Command::Cli) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            sentry::start(config.sentry.as_ref(), sentry::App::Test)?;
            return Ok(status(admin::sentry_test::cli(&Clock::default())));
        }
        Command::SentryTest { command: Some(admin::sentry_test::Command::Worker) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            make_folders(&config)?;
            let kv = open_kv(&config).await?;
            admin::sentry_test::worker(&*kv, &Clock::default()).await?;
        }
        Command::Db(command) => {
            let config = settings.resolve(Embedded::IfPresent)?;
            make_folders(&config)?;
            let store = open_store(&config.databases.ddl, &config)?;
            if !admin::db::run(&store, command).await? {
                return Ok(ExitCode::FAILURE);
            }
        }
        Command::Pipeline(command) => {
            admin::pipeline::run(open_without_geoip(settings).await?, command).await?;
        }
        Command::Task(admin::task::Command::List) => admin::task::list(),
        Command::Task(admin::task::Command::Run { name, shard }) => {
            admin::task::run(open_without_geoip(settings).await?, name, shard).await?;
        }
        Command::Healthcheck { first_process: false } => {
            admin::healthcheck::run(settings.listen()).await?;
        }
        Command::Healthcheck { first_process: true } => {
            if let Some(listen) = listens(&admin::healthcheck::first_process()?) {
                admin::healthcheck::run(listen).await?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Starts the reports of worker and scheduler.
fn start_reports(settings: &Settings) -> Result<(), Failure> {
    let config = settings.resolve(Embedded::IfPresent)?;
    Ok(sentry::start(config.sentry.as_ref(), sentry::App::Task)?)
}

/// The status of a command that may refuse.
fn status(is_done: bool) -> ExitCode {
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What a command prints when it is called without anything to do.
fn print_usage(command: &str) {
    let mut all = Cli::command();
    all.build();
    if let Some(command) = all.find_subcommand_mut(command) {
        // Nobody reads any more: nothing to do about it.
        let _ = command.print_help();
    }
}

async fn open(config: Config) -> anyhow::Result<Arc<Context>> {
    make_folders(&config)?;
    Ok(Arc::new(Context::open(config).await?))
}

/// Where the role with this command line listens, when it does.
fn listens(words: &[String]) -> Option<Listen> {
    let Cli { settings, command } = Cli::try_parse_from(words).ok()?;
    matches!(command, Command::Web | Command::Serve { .. }).then(|| settings.listen())
}

/// Opens everything but the city database, which only the web role asks.
async fn open_without_geoip(settings: &Settings) -> Result<Arc<Context>, Failure> {
    let config = settings.resolve(Embedded::IfPresent)?;
    Ok(open(Config { geoip_path: None, ..config }).await?)
}

fn open_store(uri: &str, config: &Config) -> anyhow::Result<Store> {
    let options = ichnaea_store::Options {
        max_connections: 2,
        wait: config.backend_timeout,
        ..ichnaea_store::Options::default()
    };
    Ok(Store::open(uri, &options)?)
}

async fn open_kv(config: &Config) -> anyhow::Result<Arc<dyn ichnaea_kv::KeyValue>> {
    let options = ichnaea_kv::Options {
        response_timeout: config.backend_timeout,
        ..ichnaea_kv::Options::default()
    };
    Ok(ichnaea_kv::open(&config.redis_uri, &options).await?)
}

/// Makes the folders that the embedded files are to be in.
pub(crate) fn make_folders(config: &Config) -> anyhow::Result<()> {
    let databases = &config.databases;
    for uri in [&databases.read_write, &databases.read_only, &databases.ddl, &config.redis_uri] {
        let Some(folder) = uri.strip_prefix("sqlite:").and_then(|file| Path::new(file).parent())
        else {
            continue;
        };
        std::fs::create_dir_all(folder).with_context(|| {
            format!("cannot make the folder {}", PathBuf::from(folder).display())
        })?;
    }
    Ok(())
}

fn complain(problem: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "ichnaea: {problem}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::REDIS_URI;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn only_roles_that_listen_are_asked_for_their_health() {
        let port = |line: &str| {
            let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
            listens(&words).map(|listen| listen.port)
        };
        assert_eq!(port("/usr/local/bin/ichnaea web --port 8080"), Some(8080));
        assert_eq!(port("ichnaea serve --demo --port 8081"), Some(8081));
        for line in ["ichnaea worker", "ichnaea scheduler", "ichnaea nonsense", "ichnaea", ""] {
            assert_eq!(port(line), None, "{line}");
        }
    }

    #[test]
    fn settings_may_stand_before_and_after_the_command() {
        for line in [
            &["ichnaea", "--redis-uri", "sqlite:x", "pipeline", "status", "--json"][..],
            &["ichnaea", "pipeline", "status", "--json", "--redis-uri", "sqlite:x"],
        ] {
            let cli = Cli::try_parse_from(line).unwrap();
            assert_eq!(cli.settings.text(&REDIS_URI), Some("sqlite:x"));
        }
    }
}
