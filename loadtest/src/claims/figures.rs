//! One figure of one side, in one turn. It judges every answer and formats nothing.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use reqwest::header::SET_COOKIE;
use serde_json::{Value, json};
use tokio::process::Command;

use super::{Count, Load, Trouble};
use crate::load::draws::DrawPlan;
use crate::load::gate::{self, Facts};
use crate::load::generator::{self, Closed, Pacing, Settings};
use crate::load::request::{Deserves, Request, Traffic, Visitor};

/// From the call to the first request, so that connections are open by then.
const LEAD: Duration = Duration::from_millis(100);

/// How often each login asks behind a balancer.
const ROUNDS: usize = 6;

/// Somebody who is logged in: a name, and the header that proves it.
#[derive(Clone)]
pub struct Login {
    user: String,
    /// Its name and value.
    header: (&'static str, String),
}

/// The header is a credential, which no log should see.
impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

impl Login {
    /// The bytes of the header line.
    pub fn line_bytes(&self) -> usize {
        let (name, value) = &self.header;
        format!("{name}: {value}\r\n").len()
    }
}

/// What is sent to log `user` in.
fn credentials(user: &str) -> Value {
    json!({ "username": user, "password": app::users::LOAD_PASSWORD })
}

/// Logs so many of the load users in.
///
/// # Errors
/// When one of them is refused.
pub async fn log_in(address: SocketAddr, users: u32) -> anyhow::Result<Vec<Login>> {
    let client = reqwest::Client::new();
    let mut logins = Vec::new();
    for number in 0..users {
        let user = format!("load-{number:05}");
        let request = client
            .post(format!("http://{address}/login"))
            .json(&credentials(&user));
        let answer = request.send().await?.error_for_status()?;
        let cookie = answer.headers().get(SET_COOKIE).map(|value| value.to_str());
        let cookie = cookie
            .transpose()?
            .and_then(|value| value.split(';').next());
        let cookie = cookie.map(str::to_owned);
        let shown: Value = answer.json().await?;
        let header = match (shown["access_token"].as_str(), cookie) {
            (Some(token), _) => ("authorization", format!("Bearer {token}")),
            (None, Some(cookie)) => ("cookie", cookie),
            (None, None) => anyhow::bail!("a login brought neither cookie nor token"),
        };
        logins.push(Login { user, header });
    }
    Ok(logins)
}

/// Asks one server in a closed loop. `pids` are the processes whose CPU time counts.
///
/// # Errors
/// When an answer is wrong, or nothing is answered.
pub async fn asked(
    (address, pids): (SocketAddr, &[u32]),
    logins: &[Login],
    (load, count): (Load, Count),
    (turn, seed): (Duration, u64),
) -> anyhow::Result<f64> {
    let traffic = traffic(address, logins, load.logs_in);
    let pacing = Pacing::Closed(Closed {
        seed,
        draws: DrawPlan::valid(traffic.visitors.len() as u32),
        think: Duration::from_millis(load.pause_ms),
        length: turn,
    });
    let settings = Settings {
        connections: load.connections,
        ..Settings::default()
    };
    let before = cpu_ns(pids)?;
    let go = move || generator::run(traffic, &pacing, &settings, Instant::now() + LEAD);
    let readings = tokio::task::spawn_blocking(go).await??;
    let cpu_ns = cpu_ns(pids)? - before;
    if let Some(invalid) = gate::judge(&Facts::from(&readings)).first() {
        return Err(Trouble::Invalid(invalid.to_string()).into());
    }
    Ok(match count {
        Count::PerSecond => readings.achieved_rps(),
        Count::PerCpuSecond => readings.tally.answered() as f64 * 1e9 / cpu_ns as f64,
    })
}

fn cpu_ns(pids: &[u32]) -> anyhow::Result<u64> {
    let mut sum = 0;
    for &pid in pids {
        sum += cluster::accounting::cpu_ns(pid)?;
    }
    Ok(sum)
}

/// Each login asks who it is; where logins are mixed in, it also logs in, just as often.
fn traffic(address: SocketAddr, logins: &[Login], logs_in: bool) -> Traffic {
    let host = address.to_string();
    let mut visitors = Vec::new();
    for login in logins {
        let known =
            || Deserves::status(200).saying(format!("\"user\":\"{}\"", login.user).as_bytes());
        let header = [(login.header.0, login.header.1.as_str())];
        let page = Request::new(("GET", "/me"), &host, &header, b"", known());
        visitors.push(Visitor {
            requests: vec![page],
        });
        if logs_in {
            let json = [("content-type", "application/json")];
            let body = credentials(&login.user).to_string();
            let login = Request::new(("POST", "/login"), &host, &json, body.as_bytes(), known());
            visitors.push(Visitor {
                requests: vec![login],
            });
        }
    }
    Traffic {
        targets: vec![address],
        visitors,
    }
}

/// Of requests for these logins, which keep their cookies, the share that is recognised.
///
/// # Errors
/// When an answer is neither yes nor no.
pub async fn recognised(address: SocketAddr, logins: &[Login], seed: u64) -> anyhow::Result<f64> {
    let client = reqwest::Client::new();
    let mut random = Pcg64::seed_from_u64(seed);
    let (mut known, mut asked) = (0_u32, 0_u32);
    for _ in 0..ROUNDS {
        // Strict turns would alias with the balancer's own.
        let mut order: Vec<_> = logins.iter().collect();
        order.shuffle(&mut random);
        for login in order {
            let (name, value) = &login.header;
            let request = client
                .get(format!("http://{address}/me"))
                .header(*name, value);
            match request.send().await?.status().as_u16() {
                200 => known += 1,
                401 => {}
                other => {
                    return Err(
                        Trouble::Invalid(format!("GET /me was answered with {other}")).into(),
                    );
                }
            }
            asked += 1;
        }
    }
    Ok(f64::from(known) / f64::from(asked))
}

/// Runs a script that prints its figure as `{"per_second": N}`.
///
/// # Errors
/// When it fails or prints something else.
pub async fn printed(mut script: Command, patience: Duration) -> anyhow::Result<f64> {
    script.kill_on_drop(true).stdin(std::process::Stdio::null());
    let output = tokio::time::timeout(patience, script.output());
    let output = output.await.context("a script did not end in time")??;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let last = said
            .lines()
            .rfind(|line| line.contains("Error"))
            .unwrap_or("it says nothing");
        return Err(
            Trouble::Invalid(format!("a script ended with {}: {last}", output.status)).into(),
        );
    }
    let figure: Value = serde_json::from_slice(&output.stdout).context("a script's figure")?;
    let figure = figure["per_second"]
        .as_f64()
        .context("a script printed no per_second")?;
    Ok(figure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login() -> Login {
        Login {
            user: "load-00000".to_owned(),
            header: ("cookie", "id=secret".to_owned()),
        }
    }

    #[test]
    fn logins_and_pages_are_mixed_one_to_one() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let mixed = traffic(address, &[login(), login()], true);
        let of = |method: &[u8]| {
            let first = mixed.visitors.iter().map(|visitor| &visitor.requests[0]);
            first
                .filter(|request| request.bytes().starts_with(method))
                .count()
        };
        assert_eq!((of(b"GET "), of(b"POST ")), (2, 2));
        assert_eq!(traffic(address, &[login()], false).visitors.len(), 1);
    }

    #[test]
    fn a_line_is_counted_with_its_name_and_no_log_shows_it() {
        assert_eq!(login().line_bytes(), "cookie: id=secret\r\n".len());
        assert!(!format!("{:?}", login()).contains("secret"));
    }
}
