//! Waiting for what somebody else does: an instance ends, an engine starts it again, a balancer
//! sees it. Nobody can be asked, so all of it is seen from outside.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::Policy;
use reqwest::Url;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use crate::answer::{Answer, Outcome};
use crate::arms::Arm;
use crate::interface::Interface;
use crate::lab::Lab;
use crate::scene::Addresses;
use crate::visitors::plain_http;

/// How long after a change a balancer must have seen it, with a health check a second, as most have
/// it: three that fail, and one for good measure.
pub const SEEN_BY_BALANCER: Duration = Duration::from_secs(4);

/// How long an instance may take to end that said it would.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// How long an engine and a balancer may take until an instance is back.
const BACK_PATIENCE: Duration = Duration::from_secs(60);

/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

/// How many answers in a row must be good, and come from everybody, before a balancer counts as
/// settled.
const IN_A_ROW: usize = 6;

/// Asks an instance to exit, and returns when it has.
///
/// An engine may start it again before anybody could see its port closed; but a connection that was
/// open to the old process ends with it.
pub async fn until_gone(lab: &Lab, base: &str) -> anyhow::Result<()> {
    let url = Url::parse(base).context("an address of the target")?;
    let host = url.host_str().context("an address without a host")?;
    let port = url.port_or_known_default().unwrap_or(80);
    let mut line = TcpStream::connect((host, port)).await?;
    lab.exit(base).await?;
    let mut byte = [0];
    match timeout(END_PATIENCE, line.read(&mut byte)).await {
        // It ended, in whichever way.
        Ok(Ok(0) | Err(_)) => Ok(()),
        Ok(Ok(_)) => bail!("{base} spoke without being asked"),
        Err(_) => bail!("{base} said that it would exit, and did not in {END_PATIENCE:?}"),
    }
}

/// Waits until an instance answers again.
pub async fn until_back(interface: &Interface, base: &str) -> anyhow::Result<()> {
    let end = Instant::now() + BACK_PATIENCE;
    loop {
        let answer = asked(interface, base).await;
        if answer.outcome != Outcome::Failed {
            return Ok(());
        }
        if Instant::now() > end {
            bail!(
                "{base} did not come back in {BACK_PATIENCE:?}: {}",
                answer.reason
            );
        }
        sleep(LOOK).await;
    }
}

/// Waits until both instances answer, and until the balancer sends requests to both where its
/// policy lets one see that.
pub async fn until_settled(
    interface: &Interface,
    addresses: &Addresses,
    arm: &Arm,
) -> anyhow::Result<()> {
    for base in &addresses.instances {
        until_back(interface, base).await?;
    }
    let wanted = match arm.policy {
        Policy::RoundRobin | Policy::Sticky | Policy::LeastConnections => 2,
        Policy::SourceHash => 1,
    };
    let end = Instant::now() + BACK_PATIENCE;
    let mut last = Vec::new();
    loop {
        let answer = asked(interface, &addresses.balanced).await;
        if answer.outcome == Outcome::Failed {
            last.clear();
        } else {
            last.push(answer.served_by.clone());
        }
        if last.len() >= IN_A_ROW {
            last.drain(..last.len() - IN_A_ROW);
            if last.iter().collect::<BTreeSet<_>>().len() >= wanted {
                return Ok(());
            }
        }
        if Instant::now() > end {
            bail!(
                "after {BACK_PATIENCE:?}, {} answers {} by {} alone",
                addresses.balanced,
                answer.reason,
                answer.served_by
            );
        }
        if answer.outcome == Outcome::Failed || last.len() >= IN_A_ROW {
            sleep(LOOK).await;
        }
    }
}

/// Asks who one is, without a credential.
async fn asked(interface: &Interface, base: &str) -> Answer {
    let request = interface.who_am_i(&plain_http(), base);
    Answer::read(interface, request, interface.is(None)).await
}
