//! From the command line to a serving instance: the same way for both servers.

use std::future::Future;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tracing_subscriber::EnvFilter;

use crate::application::{Application, Parts};
use crate::clock::Clock;
use crate::instance::Instance;
use crate::memory::Memory;
use crate::metrics::Metrics;
use crate::once;
use crate::password::Hasher;
use crate::serve::{Drain, serve};
use crate::settings::Settings;
use crate::users::{self, Source, Users};

/// Why an instance did not start; one line for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A flag, a file or an address is wrong. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Something that must answer does not. Exit code 4.
    #[error("{0}")]
    Unreachable(String),
    /// The store did not come in the time that it was given. Exit code 4.
    #[error("--start-wait-ms: the store did not answer in that time; is its address right?")]
    NoStore,
}

impl StartError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Unreachable(_) | Self::NoStore => ExitCode::from(4),
        }
    }
}

/// Runs one instance until it is told to end, and returns its exit code.
///
/// `build` makes the memory; it gets the instance it is for. Everything else is the same for
/// every way of remembering: logs, accounts, listener, signals, drain.
pub fn start<M, B, F>(server: &str, settings: Settings, build: B) -> ExitCode
where
    M: Memory,
    B: FnOnce(Instance) -> F,
    F: Future<Output = Result<M, StartError>>,
{
    log_to_stderr();
    let outcome = runtime(settings.workers).and_then(|runtime| {
        let outcome = runtime.block_on(run(settings, build));
        // A thread that reads standard input waits in the system; to drop the runtime would be to
        // wait for it, and a drained instance would never end.
        runtime.shutdown_background();
        outcome
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{server}: {error}");
            error.exit_code()
        }
    }
}

/// Warnings only, unless `$RUST_LOG` says otherwise. hyper and tower-sessions speak up about every
/// idle connection, every unknown id and, while a store is down, every request: with thousands of
/// visitors that would be the log. What a store does is said by whoever talks to it.
fn log_to_stderr() {
    let quiet = "warn,hyper=error,tower_sessions=off,tower_sessions_core=off";
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(quiet));
    // A second instance in one process (a test) keeps the first one's log.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .try_init();
}

/// One worker is the main thread itself: no hand-over between threads on the measured path.
fn runtime(workers: u16) -> Result<tokio::runtime::Runtime, StartError> {
    let mut builder = match workers {
        1 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    if workers > 1 {
        builder.worker_threads(workers.into());
    }
    builder
        .enable_all()
        .build()
        .map_err(|error| StartError::Usage(format!("--workers {workers}: {error}")))
}

/// The accounts. A file is made by whoever starts the instances, unless they are told to; a
/// Postgres by themselves.
async fn open_users(settings: &Settings) -> Result<Users, StartError> {
    let usage = StartError::Usage;
    match settings.source() {
        None => Err(usage(
            "--accounts: name a file, or set DATABASE_URL".to_owned(),
        )),
        Some(Source::File(path)) if settings.make_accounts => {
            users::find_or_make(&path, settings.load_users)
                .await
                .map_err(|error| {
                    usage(format!(
                        "--make-accounts: {error}; name a file in a folder you may write to"
                    ))
                })
        }
        Some(source @ Source::File(_)) => Users::open(source).await.map_err(|error| {
            usage(format!(
                "--accounts: {error}; with --make-accounts it is made and seeded"
            ))
        }),
        Some(source @ Source::Postgres(_)) => {
            let create = || Users::create(source.clone(), settings.load_users);
            waiting(settings.start_wait(), create).await.map_err(|error| {
                usage(format!(
                    "DATABASE_URL: {error}; write it like postgres://user:password@host/database"
                ))
            })
        }
    }
}

/// How often is tried again what may come yet.
const TRY_AGAIN: Duration = Duration::from_millis(250);

/// Does what `attempt` does; where that fails, tries again for as long as `wait` says.
///
/// # Errors
/// What the last attempt failed with.
pub async fn waiting<T, E>(
    wait: Option<Duration>,
    attempt: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    let end = Instant::now() + wait.unwrap_or_default();
    loop {
        match attempt().await {
            Err(_) if Instant::now() + TRY_AGAIN < end => tokio::time::sleep(TRY_AGAIN).await,
            done => return done,
        }
    }
}

/// Waits as long as somebody wants this instance to stay away.
async fn held(hold_file: Option<&Path>) {
    let Some(file) = hold_file.filter(|file| file.exists()) else {
        return;
    };
    tracing::warn!("not started while {} is there", file.display());
    while file.exists() {
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn run<M, B, F>(mut settings: Settings, build: B) -> Result<(), StartError>
where
    M: Memory,
    B: FnOnce(Instance) -> F,
    F: Future<Output = Result<M, StartError>>,
{
    settings.lab_secret = lab_secret(&settings)?;
    held(settings.hold_file.as_deref()).await;
    let users = open_users(&settings).await?;
    let instance = Instance {
        pool: settings.pool.clone(),
        name: settings.instance.clone(),
        clock: Clock::default(),
        secure_cookies: settings.secure_cookies,
    };
    let hasher = Hasher::start(hash_threads(&settings)).map_err(|error| {
        StartError::Usage(format!(
            "--hash-permits: cannot start the password threads: {error}"
        ))
    })?;
    let memory = build(instance.clone()).await?;
    let listener = TcpListener::bind(settings.listen).await.map_err(|error| {
        StartError::Usage(format!(
            "--listen {}: {error}; choose another port",
            settings.listen
        ))
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| StartError::Usage(format!("--listen {}: {error}", settings.listen)))?;

    let drain = Drain::new(
        Duration::from_millis(settings.drain_wait_ms),
        Duration::from_millis(settings.drain_deadline_ms),
    );
    let application = Application::new(Parts {
        memory,
        instance,
        users,
        hasher,
        metrics: Arc::new(Metrics::default()),
        lab_secret: settings.lab_secret,
        read_user_each_request: settings.read_user_each_request,
        draining: drain.flag(),
    });
    let told_to_end = told_to_end(settings.end_with_stdin)
        .map_err(|error| StartError::Usage(format!("signals cannot be caught: {error}")))?;
    if !settings.quiet {
        // The one line on standard output, flushed: a parent process waits for it.
        println!("LISTENING {address}");
        let _ = io::stdout().flush();
    }
    serve(application, listener, drain, told_to_end).await;
    Ok(())
}

/// `--lab` without a good secret is refused: it would open the controls to anybody.
fn lab_secret(settings: &Settings) -> Result<Option<String>, StartError> {
    if !settings.lab {
        return Ok(None);
    }
    let (place, secret) = match &settings.lab_secret_file {
        Some(path) => {
            let made = once::file(path, || Ok(once::secret().into_bytes()));
            let read = made.and_then(|bytes| String::from_utf8(bytes).map_err(io::Error::other));
            let secret = read.map_err(|error| {
                StartError::Usage(format!(
                    "--lab-secret-file {}: {error}; name a file in a folder you may write to",
                    path.display()
                ))
            })?;
            ("the secret in --lab-secret-file", secret.trim().to_owned())
        }
        None => {
            let secret = std::env::var("LAB_SECRET").map_err(|_| {
                StartError::Usage(
                    "--lab: set $LAB_SECRET to a secret of 16 characters or more".to_owned(),
                )
            })?;
            ("$LAB_SECRET", secret)
        }
    };
    if secret.len() < 16 {
        return Err(StartError::Usage(format!(
            "--lab: {place} is too short; use 16 characters or more"
        )));
    }
    Ok(Some(secret))
}

/// As many password checks at a time as this instance's share of the machine's cores.
fn hash_threads(settings: &Settings) -> usize {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    match settings.hash_permits {
        Some(permits) => permits.into(),
        None => (cores / usize::from(settings.instances_on_host)).max(1),
    }
}

/// Waits until this instance is told to end: SIGTERM, Ctrl-C, or the end of standard input.
///
/// Signals are caught from this call on, not from the first poll of what it returns: whoever read
/// `LISTENING` may send one at once.
fn told_to_end(with_stdin: bool) -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminated, mut interrupted) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    let stdin_ends = async move {
        if with_stdin {
            let mut stdin = tokio::io::stdin();
            let mut ignored = [0; 64];
            while !matches!(stdin.read(&mut ignored).await, Ok(0) | Err(_)) {}
            // The parent is gone, and so is whoever would wait for a drain.
            std::process::exit(0);
        }
        std::future::pending::<()>().await;
    };
    Ok(async move {
        tokio::select! {
            () = stdin_ends => {}
            _ = terminated.recv() => {}
            _ = interrupted.recv() => {}
        }
    })
}
