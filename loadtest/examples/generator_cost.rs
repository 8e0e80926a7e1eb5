//! What the generator itself costs: CPU time per request of its whole process, beside wrk (and oha,
//! where it is installed) on one and the same server, in interleaved rounds.
//!
//! `cargo run --release -p loadtest --example generator_cost -- --rounds 8`

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Parser;
use loadtest::load::blocks;
use loadtest::load::draws::DrawPlan;
use loadtest::load::generator::{Closed, Pacing, Settings, run};
use loadtest::load::known::{Behaviour, Known};
use loadtest::load::request::{CredentialKind, Deserves, Request, Traffic, Visitor};
use loadtest::load::schedule::{Arrivals, Plan, Shard, Step};
use loadtest::load::stats::Effect;
use nix::sys::resource::{UsageWho, getrusage};

const VISITORS: u32 = 100;

#[derive(Parser)]
struct Args {
    /// Rounds; each contender runs once a round, in random order
    #[arg(long, default_value_t = 8)]
    rounds: usize,
    /// Seconds each contender runs in each round
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// Connections of each contender
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Requests a second of the open loop
    #[arg(long, default_value_t = 5_000.0)]
    rate: f64,
    /// A server that is already running, instead of one of our own
    #[arg(long)]
    server: Option<SocketAddr>,
    /// What is asked for
    #[arg(long, default_value = "/me")]
    path: String,
    /// The Authorization header sent by all
    #[arg(long, default_value = "Bearer valid")]
    authorization: String,
    /// A process of its own: `serve`, `closed` or `open`
    #[arg(long, hide = true)]
    role: Option<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    match (args.role.as_deref(), args.server) {
        (Some("serve"), _) => serve(),
        (Some(role), Some(server)) => generate(&args, role, server),
        _ => compare(&args),
    }
}

fn serve() -> Result<()> {
    let server = Known::start(Behaviour::default())?;
    println!("{}", server.address);
    // Ends with whoever started it.
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
    Ok(())
}

/// One round of our own generator, every answer checked, everything recorded.
fn generate(args: &Args, role: &str, server: SocketAddr) -> Result<()> {
    let headers = [("authorization", args.authorization.as_str())];
    let deserves = Deserves::status(200).saying(b"\"user\"");
    let get = ("GET", args.path.as_str());
    let request = Request::new(get, &server.to_string(), &headers, b"", deserves);
    let traffic = Traffic {
        targets: vec![server],
        visitors: vec![
            Visitor {
                requests: vec![request]
            };
            VISITORS as usize
        ],
    };
    let length = Duration::from_secs(args.seconds);
    let draws = DrawPlan {
        visitors: VISITORS,
        mix: vec![(CredentialKind::Valid, 1)],
    };
    let pacing = if role == "open" {
        let steps = vec![Step::constant(args.rate, length)];
        let plan = Plan {
            seed: 7,
            arrivals: Arrivals::Poisson,
            steps,
            draws,
        };
        Pacing::Open(plan.schedule(Shard::WHOLE)?)
    } else {
        Pacing::Closed(Closed {
            seed: 7,
            draws,
            think: Duration::ZERO,
            length,
        })
    };
    let settings = Settings {
        connections: args.connections,
        ..Settings::default()
    };
    let readings = run(
        traffic,
        &pacing,
        &settings,
        Instant::now() + Duration::from_millis(50),
    )?;
    let counts = &readings.tally.counts;
    ensure!(
        counts.wrong_answers.count + counts.wrong_accepts.count == 0,
        "{counts:?}"
    );
    let (intended, service) = readings.tally.latency();
    let us = |latency: u64| latency as f64 / 1e3;
    println!(
        "{} requests, lag p50 {:.0} p99 {:.0}, service p50 {:.0} p99 {:.0}, intended p99 {:.0} µs",
        readings.tally.answered(),
        us(readings.tally.lag.value_at_quantile(0.5)),
        us(readings.tally.lag.value_at_quantile(0.99)),
        us(service.value_at_quantile(0.5)),
        us(service.value_at_quantile(0.99)),
        us(intended.value_at_quantile(0.99)),
    );
    Ok(())
}

/// Who is compared, each as a command that prints `N requests` somewhere.
fn contenders(args: &Args, server: SocketAddr) -> Result<Vec<(&'static str, Command)>> {
    let ours = |role: &str| -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--role", role, "--server", &server.to_string()]);
        command.args(["--path", &args.path, "--authorization", &args.authorization]);
        command.args(["--seconds", &args.seconds.to_string()]);
        command.args(["--connections", &args.connections.to_string()]);
        command.args(["--rate", &args.rate.to_string()]);
        Ok(command)
    };
    let url = format!("http://{server}{}", args.path);
    let authorization = format!("authorization: {}", args.authorization);
    let (seconds, connections) = (format!("{}s", args.seconds), args.connections.to_string());
    let mut wrk = Command::new("wrk");
    wrk.args([
        "-t1",
        "-c",
        &connections,
        "-d",
        &seconds,
        "-H",
        &authorization,
        &url,
    ]);
    let mut oha = Command::new("oha");
    oha.args([
        "--no-tui",
        "--output-format",
        "csv",
        "-z",
        &seconds,
        "-c",
        &connections,
    ]);
    oha.args(["-H", &authorization, &url]);
    let mut all = vec![
        ("wrk", wrk),
        ("closed loop", ours("closed")?),
        ("open loop", ours("open")?),
    ];
    if Command::new("oha")
        .arg("--version")
        .stdout(Stdio::null())
        .status()
        .is_ok()
    {
        all.push(("oha", oha));
    }
    Ok(all)
}

fn compare(args: &Args) -> Result<()> {
    let mut child = Command::new(std::env::current_exe()?)
        .args(["--role", "serve"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut line = String::new();
    let out = child.stdout.take().context("its output is piped")?;
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut line)?;
    let server = args.server.map_or_else(|| line.trim().parse(), Ok)?;
    let mut contenders = contenders(args, server)?;
    let mut costs = vec![Vec::new(); contenders.len()];
    for (round, order) in blocks::order(contenders.len(), args.rounds, 7)
        .into_iter()
        .enumerate()
    {
        for at in order {
            let (name, command) = &mut contenders[at];
            let before = children_cpu()?;
            let output = command
                .output()
                .with_context(|| format!("cannot start {name}"))?;
            let cpu = children_cpu()? - before;
            let text = String::from_utf8_lossy(&output.stdout);
            ensure!(
                output.status.success(),
                "{name}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            let requests = requests(&text).with_context(|| format!("{name} printed {text}"))?;
            let us = cpu.as_secs_f64() * 1e6 / requests;
            let notes = text
                .split_once(", lag")
                .map_or("", |(_, notes)| notes.trim());
            println!("round {round} {name:<12} {requests:>9} requests {us:6.2} µs {notes}");
            costs[at].push(us);
        }
    }
    println!(
        "\nCPU per request of the whole process, median of {} rounds",
        args.rounds
    );
    for ((name, _), costs_of) in contenders.iter().zip(&costs) {
        let effect =
            Effect::between(costs_of, &costs[0], 7).context("every round costs something")?;
        let [low, high] = effect.ratio_interval.unwrap_or([f64::NAN; 2]);
        let ratio = effect.ratio;
        println!(
            "{name:<12} {:6.2} µs  {ratio:.2} x wrk [{low:.2}, {high:.2}]",
            median(costs_of)
        );
    }
    drop(child.stdin.take());
    child.wait()?;
    Ok(())
}

/// CPU time of all children that have ended.
fn children_cpu() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let parts = [usage.user_time(), usage.system_time()];
    let us = parts.map(|time| time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64);
    Ok(Duration::from_micros(us.iter().sum()))
}

/// The number before the word `requests`; oha's table of requests counts by its lines.
fn requests(text: &str) -> Option<f64> {
    if text.starts_with("request-start") {
        return Some(text.lines().count() as f64 - 1.0);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words
        .iter()
        .position(|word| *word == "requests" || *word == "requests,")?;
    words.get(at.checked_sub(1)?)?.parse().ok()
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    (sorted[middle] + sorted[(sorted.len() - 1) / 2]) / 2.0
}
