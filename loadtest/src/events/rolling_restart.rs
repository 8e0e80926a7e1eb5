//! `rolling-restart`: what a deployment does several times a day.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::LocalBoxFuture;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use super::{Event, Needs, Play};
use crate::answer::Answer;
use crate::arms::Issuers;
use crate::crowd::{Company, log_in_while};
use crate::expected::Happening;
use crate::pools::INSTANCES;
use crate::record::{Group, Wanted};
use crate::tally::{LoginTried, Observed};

/// The event.
pub static EVENT: Event = Event {
    name: "rolling-restart",
    label: "rolling restart",
    story: "While everybody asks through the balancer and three connections loiter, A and then B \
            is told to end (SIGTERM), drains, and is started again; newcomers go on logging in.",
    group: Group::Instances,
    wanted: Wanted::Recognised,
    needs: Needs::Processes,
    play: Play::Visitors(play),
};

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.make_whole().await?;
        let scene = &company.scene;
        let rolling = async {
            let mut restarts = Vec::new();
            for name in INSTANCES {
                let instance = scene.instance(name).context("no process to signal")?;
                let loiterers = Loiterers::at(instance.address()).await?;
                instance.terminate().await?;
                drop(loiterers);
                restarts.push((instance.served_by(), Instant::now()));
                instance.start().await?;
                scene.settled().await?;
            }
            Ok(restarts)
        };
        let ((restarts, logins), visits) =
            company.ask_while(log_in_while(company, rolling)).await?;
        // Where one instance alone can sign, nobody can log in while it is away.
        let always = scene.arm.properties.issuers == Issuers::All;
        let tried = |answer: &Answer| LoginTried {
            answer: answer.clone(),
            must_succeed: always.then_some(true),
        };
        Ok(company.observe(visits, |kind| Observed {
            restarts: restarts.clone(),
            logins: logins.iter().map(tried).collect(),
            ..Observed::new(EVENT.name, Happening::Restarted, kind)
        }))
    })
}

/// How long one waits between two bytes who sends them one by one.
const BETWEEN_BYTES: Duration = Duration::from_millis(100);

/// Connections that an instance must not wait for when it ends: one that says nothing, one that has
/// sent half a request, and one whose body comes byte by byte.
struct Loiterers {
    _silent: TcpStream,
    _half_sent: TcpStream,
    slow: JoinHandle<()>,
}

impl Loiterers {
    async fn at(instance: SocketAddr) -> anyhow::Result<Loiterers> {
        let _silent = TcpStream::connect(instance).await?;
        let mut half_sent = TcpStream::connect(instance).await?;
        half_sent.write_all(b"GET /me HTTP/1.1\r\nHo").await?;
        let mut slow = TcpStream::connect(instance).await?;
        slow.write_all(
            b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
              Content-Length: 1000\r\n\r\n",
        )
        .await?;
        let slow = tokio::spawn(async move {
            // Until nobody listens any more.
            while slow.write_all(b" ").await.is_ok() {
                sleep(BETWEEN_BYTES).await;
            }
        });
        Ok(Loiterers {
            _silent,
            _half_sent: half_sent,
            slow,
        })
    }
}

impl Drop for Loiterers {
    fn drop(&mut self) {
        self.slow.abort();
    }
}
