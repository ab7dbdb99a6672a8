//! The command line: the table of all commands.

use std::ffi::{OsStr, OsString};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use ichnaea_store::Store;

use crate::admin::print;
use crate::clock::Clock;
use crate::config::setting::User;
use crate::config::{Config, Databases, Embedded, Invalid, Listen, Settings, show};
use crate::context::Context;
use crate::roles::signals::Signals;
use crate::roles::{self, Role};
use crate::{admin, logging, programs, sentry};

/// Wrong usage, as clap has it.
const EX_USAGE: u8 = 2;
/// A configuration that cannot be used; `EX_CONFIG` of sysexits.
const EX_CONFIG: u8 = 78;

/// Most threads that wait for files or names of hosts. Short work makes new ones whenever none has
/// become idle yet, up to 512 without this, and each keeps about a megabyte for itself.
const WAITING_THREADS: usize = 64;

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
        Settings come from variables, or from flags of the same name: DB_HOST is --db-host. \
        `ichnaea config` shows all of them.\n\n\
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
    Web {
        /// Make sure that the configuration can be used, and end: status 0 when it can
        #[arg(long)]
        check: bool,
        /// The original ignored what else was given.
        #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
        ignored: Vec<OsString>,
    },
    /// Runs background tasks
    #[command(after_help = "Any number may run. SIGTERM lets running tasks finish for 25 seconds \
        and gives back what is left.")]
    Worker,
    /// Sends due tasks to the workers
    #[command(after_help = "Several may run; one is active, the others stand by.")]
    Scheduler,
    /// Draws the data map and uploads it: `datamap --create --upload`
    #[command(
        after_help = "Runs once and ends. Workers do the same by themselves when MAP_INTERVAL \
        is set."
    )]
    Map,
    /// Draws the data map into the folder that the web role serves (`MAP_DIR`)
    #[command(
        name = "local_map",
        alias = "local-map",
        after_help = "Runs once and ends. Workers do the same by themselves when MAP_INTERVAL is set."
    )]
    LocalMap,
    /// Draws the data map and brings it to a bucket or folder
    #[command(after_help = admin::datamap::HELP)]
    Datamap(admin::datamap::Options),
    /// Opens a shell, or runs a program
    #[command(after_help = "Needs no configuration. Programs of the original are understood by \
        their names: alembic, apikey.py, db.py, sentry_test.py, celery call, run_check_db.sh and \
        others. Where there is no shell, as in the image, it is a prompt for commands of \
        ichnaea.\n\nExamples:\n  \
        ichnaea shell\n  \
        ichnaea shell alembic current\n  \
        ichnaea shell /app/ichnaea/scripts/apikey.py list")]
    Shell {
        /// The program and its arguments
        #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
        words: Vec<OsString>,
    },
    /// Shows every setting: its value, where it comes from, what it does
    #[command(after_help = "Passwords and other secrets are hidden. Exit status: 0 when the \
        settings can be used, 78 when not; what is wrong is said at the end.\n\nExamples:\n  \
        ichnaea config\n  \
        ichnaea config --json\n  \
        docker run --rm --env-file env.txt ichnaea config")]
    Config(admin::config::Options),
    /// Waits until the database can be used: six attempts, five seconds apart
    #[command(hide = true)]
    WaitForDatabase,
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
    /// Looks at everything an installation needs and says what to do about what is missing
    #[command(
        after_help = "Changes nothing, and answers within seconds whatever is away. Run it with \
        the settings of the role you wonder about.\n\n\
        Ends with status 0 when the service works, warnings or not, and 1 when it does not.\n\n\
        Examples:\n  \
        ichnaea doctor\n  \
        ichnaea doctor --problems\n  \
        ichnaea doctor --json | jq -r '.[] | select(.verdict == \"error\") | .what'"
    )]
    Doctor {
        #[command(flatten)]
        options: admin::doctor::Options,
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
    /// Writes extracts of what is known
    #[command(subcommand)]
    Export(admin::export::Command),
    /// Shows how many stations and observations there are, and how fast they become more
    #[command(
        after_help = "Totals are those of the table `stat`, which counters are brought into \
        every ten minutes.\n\nExamples:\n  \
        ichnaea stats\n  \
        ichnaea stats --regions"
    )]
    Stats(admin::stats::Options),
    /// Writes a whole installation into one file
    #[command(after_help = admin::dump::HELP)]
    Dump(admin::dump::Options),
    /// Brings in files of cells, tables of stations and logs of survey apps
    #[command(after_help = admin::import::HELP)]
    Import(admin::import::Import),
    /// Imports a file of cells as the original's tool did
    #[command(hide = true, alias = "load_cell_data")]
    LoadCellData {
        /// A file in the form of the public export
        filename: PathBuf,
        /// The original asked for a development environment; this goes without saying
        #[arg(long, hide = true)]
        yes: bool,
    },
    /// Reads a dump of a whole installation into an empty one
    #[command(after_help = admin::restore::HELP)]
    Restore(admin::restore::Options),
    /// Manages the database and its tables
    #[command(subcommand)]
    Db(admin::db::Command),
    /// Manages the tables in the words of the original's tool
    #[command(after_help = "A new set-up, and every upgrade of the software:\n  \
        ichnaea alembic stamp base       only on an empty database\n  \
        ichnaea alembic upgrade head\n\n\
        Where it stands:\n  \
        ichnaea alembic current\n  \
        ichnaea alembic history\n\n\
        It uses the account in SQLALCHEMY_URL, which must be allowed to change tables.")]
    Alembic(admin::alembic::Alembic),
    /// Shows and works off what waits between a report and the tables
    #[command(subcommand)]
    Pipeline(admin::pipeline::Command),
    /// Lists what is counted and measured
    Metrics {
        /// Write docs/metrics.md, which is about the log too
        #[arg(long)]
        markdown: bool,
    },
    /// Writes the description of the API, as JSON
    #[command(after_help = "OpenAPI 3.1, the same document as at /openapi.json.\n\nExamples:\n  \
        ichnaea openapi > openapi.json\n  \
        ichnaea openapi | jq -r '.paths | keys[]'")]
    Openapi,
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
    let words: Vec<OsString> = std::env::args_os().collect();
    // Called by the name of a program of the original?
    let code = match words.split_first().and_then(|(name, rest)| programs::lines(name, rest)) {
        Some(lines) => run_lines(lines),
        None => run_words(&words),
    };
    logging::flush();
    code
}

/// The table of commands; long help texts of roles name the settings that they read.
fn command_line() -> clap::Command {
    let roles = [
        ("serve", &[User::Web, User::Worker, User::Scheduler][..]),
        ("web", &[User::Web]),
        ("worker", &[User::Worker]),
        ("scheduler", &[User::Scheduler]),
        ("map", &[User::Map]),
        ("local_map", &[User::Map]),
        ("datamap", &[User::Map]),
    ];
    roles.into_iter().fold(Cli::command(), |all, (role, users)| {
        all.mut_subcommand(role, |role| {
            let examples = role.get_after_help().map(ToString::to_string).unwrap_or_default();
            role.after_long_help(format!("{examples}\n\n{}", show::help(users)))
        })
    })
}

/// Runs command lines one after the other, until one fails.
fn run_lines(lines: Result<Vec<Vec<OsString>>, String>) -> ExitCode {
    match lines {
        Err(why) => {
            complain(why);
            ExitCode::FAILURE
        }
        Ok(lines) => {
            for words in lines {
                let words = std::iter::once(OsString::from("ichnaea")).chain(words);
                let code = run_words(&words.collect::<Vec<_>>());
                if code != ExitCode::SUCCESS {
                    return code;
                }
            }
            ExitCode::SUCCESS
        }
    }
}

/// Runs one command line; the first word is the name of the program.
fn run_words(words: &[OsString]) -> ExitCode {
    let parsed = command_line().try_get_matches_from(words);
    let Cli { settings, command } = match parsed.and_then(|found| Cli::from_arg_matches(&found)) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, words),
    };
    if let Some(banner) = command.banner() {
        print(banner);
    }
    if let Command::Shell { words } = command {
        return shell(words);
    }
    let is_role_of_original = matches!(
        command,
        Command::Web { .. }
            | Command::Worker
            | Command::Scheduler
            | Command::Alembic(_)
            | Command::Map
            | Command::LocalMap
    );
    let is_verbose = matches!(&command, Command::Datamap(options) if options.is_verbose());
    let is_development = is_verbose || settings.is_development();
    let format = logging::Format::choose(is_development, is_role_of_original);
    let level = if is_verbose { "DEBUG".to_owned() } else { settings.logging_level() };
    logging::start(&level, format);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(settings.threads()).max_blocking_threads(WAITING_THREADS);
    let result = match runtime.enable_all().build() {
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
        Err(Failure::Config(problems)) => refuse_settings(&problems),
        Err(Failure::Other(failure)) => {
            sentry::report_end(&failure);
            complain(format!("{failure:#}"));
            ExitCode::FAILURE
        }
    };
    sentry::finish();
    code
}

/// Says what is wrong with settings, if anything, and which status that is.
pub(crate) fn refuse_settings(problems: &[Invalid]) -> ExitCode {
    problems.iter().for_each(complain);
    if problems.is_empty() {
        ExitCode::SUCCESS
    } else if problems.iter().any(|problem| problem.is_flag) {
        // Flags are usage, whatever else is wrong.
        ExitCode::from(EX_USAGE)
    } else {
        ExitCode::from(EX_CONFIG)
    }
}

/// Says why a command line is not understood. A role that does not exist gets the answer of the
/// original: a line with those that do, and status 1.
fn refuse(error: &clap::Error, words: &[OsString]) -> ExitCode {
    let unknown = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) => words.get(1).is_some_and(|word| word == name.as_str()),
        _ => false,
    };
    if unknown {
        let roles = "serve|web|worker|scheduler|map|local_map|shell|alembic";
        complain(format!("there is no role or command {:?}", words[1].to_string_lossy()));
        complain(format!("usage: ichnaea {roles} [ARGUMENTS]; all commands: ichnaea --help"));
        return ExitCode::FAILURE;
    }
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(EX_USAGE))
}

/// The role `shell`.
fn shell(words: Vec<OsString>) -> ExitCode {
    let Some((program, arguments)) = words.split_first() else {
        return roles::shell::interactive();
    };
    // A file of somebody else that happens to have the name of a program of the original.
    let is_other = roles::shell::is_file_of_others(Path::new(program));
    if let Some(lines) = programs::lines(program, arguments)
        && !is_other
    {
        return run_lines(lines);
    }
    let name = program.to_str().unwrap_or_default();
    if Cli::command().find_subcommand(name).is_some() || name == "help" {
        let words = std::iter::once(OsString::from("ichnaea")).chain(words);
        return run_words(&words.collect::<Vec<_>>());
    }
    roles::shell::become_program(program, arguments)
}

impl Command {
    /// What the original's start script printed for a role, which run books wait for.
    const fn banner(&self) -> Option<&'static str> {
        match self {
            Self::Web { .. } => Some("Starting Web Server"),
            Self::Worker => Some("Starting Celery Worker"),
            Self::Scheduler => Some("Starting Celery Scheduler"),
            Self::Map | Self::LocalMap => Some("Creating datamaps image tiles."),
            Self::Shell { words } if words.is_empty() => Some("Opening shell"),
            _ => None,
        }
    }

    /// Whether it ends only when it is told to.
    const fn is_role(&self) -> bool {
        matches!(self, Self::Serve { .. } | Self::Web { .. } | Self::Worker | Self::Scheduler)
    }
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
    let mut signals = Signals::catch().context("signals cannot be caught")?;
    if command.is_role() {
        return run_role(settings, command, signals).await;
    }
    if let Command::Pipeline(command) = command {
        // It has something to give back when it is interrupted.
        let context = open_for_command(settings).await?;
        return Ok(status(admin::pipeline::run(context, command, &mut signals).await?));
    }
    // So have these: what was drawn, and a last line.
    let options = match command {
        Command::Map => Some(admin::datamap::Options::map()),
        Command::LocalMap => Some(admin::datamap::Options::local_map(settings.map_folder())),
        Command::Datamap(ref options) => Some(options.clone()),
        _ => None,
    };
    if let Some(options) = options {
        return datamap(settings, options, &mut signals).await;
    }
    tokio::select! {
        ended = run_command(settings, command) => ended,
        stop = signals.stop() => Ok(ExitCode::from(stop.status())),
    }
}

async fn run_role(
    settings: &Settings,
    command: Command,
    signals: Signals,
) -> Result<ExitCode, Failure> {
    let config = match command {
        Command::Serve { .. } => settings.resolve_web(Embedded::Create)?,
        Command::Web { .. } => settings.resolve_web(Embedded::IfPresent)?,
        _ => Config { geoip_path: None, ..settings.resolve(Embedded::IfPresent)? },
    };
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    let app = match command {
        Command::Serve { .. } | Command::Web { .. } => sentry::App::Web,
        _ => sentry::App::Task,
    };
    sentry::start(config.sentry.as_ref(), app)?;
    for name in settings.without_effect() {
        tracing::debug!("{name} has no effect");
    }
    Ok(match command {
        Command::Serve { demo } => roles::serve::run(config, demo, signals).await?,
        Command::Web { check, ignored } => {
            if !ignored.is_empty() {
                tracing::warn!("ignored arguments: {}", ignored.join(OsStr::new(" ")).display());
            }
            if config.statsd.is_none() {
                tracing::warn!("STATSD_HOST not set; no statsd configured");
            }
            make_folders(&config)?;
            let context = Arc::new(Context::open(roles::secret::settle(config)?).await?);
            if check {
                return Ok(ExitCode::SUCCESS);
            }
            let listener = roles::bind(context.config.listen).await?;
            roles::run(context, &[Role::Web], Some(listener), signals).await?
        }
        Command::Worker => roles::run(open(config).await?, &[Role::Worker], None, signals).await?,
        _ => roles::run(open(config).await?, &[Role::Scheduler], None, signals).await?,
    })
}

#[expect(clippy::too_many_lines, reason = "one arm for each command")]
async fn run_command(settings: &Settings, command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Serve { .. }
        | Command::Web { .. }
        | Command::Worker
        | Command::Scheduler
        | Command::Pipeline(_)
        | Command::Map
        | Command::LocalMap
        | Command::Datamap(_)
        | Command::Shell { .. } => {}
        Command::Config(options) => return Ok(admin::config::run(settings, options)?),
        Command::WaitForDatabase => {
            let config = settings.resolve(Embedded::IfPresent)?;
            let store = open_store(&config.databases.ddl, config.backend_timeout)?;
            return Ok(status(admin::db::wait(&store).await));
        }
        Command::Apikey { command: None } => print_usage("apikey"),
        Command::Apikey { command: Some(command) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            let store = open_store(&config.databases.read_write, config.backend_timeout)?;
            return Ok(status(admin::apikey::run(&store, command).await?));
        }
        Command::ExportConfig { command: None } => print_usage("export-config"),
        Command::ExportConfig { command: Some(command) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            let store = open_store(&config.databases.read_write, config.backend_timeout)?;
            return Ok(status(admin::export_config::run(&store, command).await?));
        }
        Command::Settings { command: None } => print_usage("settings"),
        Command::Settings { command: Some(command) } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            make_folders(&config)?;
            let kv = open_kv(&config).await?;
            admin::settings::run(&*kv, command).await?;
        }
        Command::Doctor { options } => {
            let config = settings.resolve(Embedded::IfPresent)?;
            return Ok(status(admin::doctor::run(&config, options).await?));
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
        Command::Export(command) => return export(settings, &command).await,
        Command::Dump(options) if options.table.is_given() => {
            return dump_table(settings, &options.table).await;
        }
        Command::Stats(options) => {
            let store = open_reader(settings)?;
            admin::stats::run(&store, &options).await?;
        }
        Command::Dump(options) if options.needs_no_database() => {
            return Ok(status(admin::dump::run_check(&options).await?));
        }
        Command::Dump(options) => {
            let config = settings.resolve(Embedded::IfPresent)?;
            return Ok(status(admin::dump::run(&config, &options).await?));
        }
        Command::Restore(options) => {
            let config = settings.resolve(Embedded::Create)?;
            make_folders(&config)?;
            return Ok(status(admin::restore::run(&config, &options).await?));
        }
        Command::Db(command) => {
            let databases = settings.databases(Embedded::IfPresent)?;
            make_folders_of(&databases)?;
            return Ok(status(
                admin::db::run(&databases, settings.backend_timeout(), command).await?,
            ));
        }
        Command::Alembic(command) => {
            alembic(settings, command).await?;
        }
        Command::Import(options) => {
            let context = open_for_command(settings).await?;
            return Ok(ExitCode::from(admin::import::run(context, options).await?));
        }
        Command::LoadCellData { filename, yes: _ } => {
            let context = open_for_command(settings).await?;
            return Ok(status(admin::import::load_cell_data(context, filename).await?));
        }
        Command::Metrics { markdown } => admin::metrics::run(markdown),
        Command::Openapi => print(crate::openapi::json().trim_end()),
        Command::Task(admin::task::Command::List) => admin::task::list(),
        Command::Task(admin::task::Command::Send { name, shard }) => {
            let context = open_for_command(settings).await?;
            admin::task::send(&context, name, shard).await?;
        }
        Command::Task(admin::task::Command::Run { name, shard }) => {
            admin::task::run(open_for_command(settings).await?, name, shard).await?;
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

/// Draws the data map: arguments, then errors are reported, then what does not fit together, then
/// the bucket, then work.
async fn datamap(
    settings: &Settings,
    options: admin::datamap::Options,
    signals: &mut Signals,
) -> Result<ExitCode, Failure> {
    if options.is_idle() {
        print_usage("datamap");
        return Ok(ExitCode::SUCCESS);
    }
    // What is only uploaded needs no database, so none has to be named.
    let embedded = if options.draws() { Embedded::IfPresent } else { Embedded::Create };
    let config = settings.resolve_map(embedded);
    if let Ok(config) = &config {
        sentry::start(config.sentry.as_ref(), sentry::App::Datamap)?;
    }
    if !options.fit() {
        print_usage("datamap");
        return Ok(ExitCode::FAILURE);
    }
    let config = config?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    Ok(admin::datamap::run(config, options, signals).await?)
}

async fn export(
    settings: &Settings,
    command: &admin::export::Command,
) -> Result<ExitCode, Failure> {
    let store = open_reader(settings)?;
    Ok(status(admin::export::run(&store, command, Clock::default().now()).await?))
}

async fn dump_table(
    settings: &Settings,
    options: &admin::dump::table::Options,
) -> Result<ExitCode, Failure> {
    let store = open_reader(settings)?;
    Ok(status(admin::dump::table::run(&store, options).await?))
}

/// The database as commands see it that only read.
fn open_reader(settings: &Settings) -> Result<Store, Failure> {
    let databases = settings.databases(Embedded::IfPresent)?;
    Ok(open_store(&databases.read_only, settings.backend_timeout())?)
}

async fn alembic(settings: &Settings, command: admin::alembic::Alembic) -> Result<(), Failure> {
    // Logs belong to standard error, and so does this: what is printed is compared by scripts.
    let _ = writeln!(std::io::stderr().lock(), "Running Alembic");
    let databases = match settings.databases(Embedded::IfPresent) {
        Ok(databases) => databases,
        Err(_) if command.run_without_database() => return Ok(()),
        Err(problems) => {
            // Nothing at all was given: in the words of the original, then in ours.
            if !settings.names_database() {
                complain("SQLALCHEMY_URL is not specified in the environment");
            }
            return Err(problems.into());
        }
    };
    make_folders_of(&databases)?;
    let store = open_store(&databases.ddl, settings.backend_timeout())?;
    Ok(command.run(&store, &databases).await?)
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

/// Opens everything but the city database, which only the web role asks: it may take more memory than all
/// the rest.
async fn open(config: Config) -> anyhow::Result<Arc<Context>> {
    make_folders(&config)?;
    let config = Config { geoip_path: None, ..config };
    Ok(Arc::new(Context::open(config).await?))
}

/// Where the role with this command line listens, when it does.
fn listens(words: &[String]) -> Option<Listen> {
    let Cli { settings, command } = Cli::try_parse_from(words).ok()?;
    matches!(command, Command::Web { .. } | Command::Serve { .. }).then(|| settings.listen())
}

/// The same for a command.
async fn open_for_command(settings: &Settings) -> Result<Arc<Context>, Failure> {
    Ok(open(settings.resolve(Embedded::IfPresent)?).await?)
}

fn open_store(uri: &str, wait: Duration) -> anyhow::Result<Store> {
    Ok(Store::open(uri, &admin::store_options(wait))?)
}

pub(crate) async fn open_kv(config: &Config) -> anyhow::Result<Arc<dyn ichnaea_kv::KeyValue>> {
    let options = ichnaea_kv::Options {
        response_timeout: config.backend_timeout,
        ..ichnaea_kv::Options::default()
    };
    Ok(ichnaea_kv::open(&config.redis_uri, &options).await?)
}

/// Makes the folders that the embedded files are to be in.
pub(crate) fn make_folders(config: &Config) -> anyhow::Result<()> {
    make_folders_of(&config.databases)?;
    make_folder(&config.redis_uri)
}

fn make_folders_of(databases: &Databases) -> anyhow::Result<()> {
    databases.each().into_iter().try_for_each(|(_, uri)| make_folder(uri))
}

fn make_folder(uri: &str) -> anyhow::Result<()> {
    let Some(folder) = uri.strip_prefix("sqlite:").and_then(|file| Path::new(file).parent()) else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", PathBuf::from(folder).display()))
}

/// Prints one line about what is wrong.
pub(crate) fn complain(problem: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "ichnaea: {problem}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::table::REDIS_URI;

    #[test]
    fn the_command_line_is_consistent() {
        command_line().debug_assert();
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
