//! The visitors of an arm, and what they do together: log in, ask in rounds, ask without pause
//! while something happens.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use cluster::Policy;
use futures_util::StreamExt as _;
use futures_util::future::join_all;
use futures_util::stream;
use rand::seq::SliceRandom as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::answer::{Answer, Outcome};
use crate::pools::Lives;
use crate::record::Client;
use crate::scene::{Scene, short};
use crate::site::Site;
use crate::tally::{Observed, Visited};
use crate::visitors::{Visitor, kinds};

/// Visitors of each kind.
pub const VISITORS: usize = 20;

/// Rounds of asking through the balancer.
pub const ROUNDS: usize = 10;

/// Logins at a time: an instance checks one password after the other anyway.
const LOGINS_AT_A_TIME: usize = 4;

/// What a visitor thinks between two requests while something happens.
const PAUSE: Duration = Duration::from_millis(50);

/// How long newcomers wait before the next one tries to log in: each costs a password check.
const KNOCK_PAUSE: Duration = Duration::from_millis(250);

/// An arm that is up, with its visitors: what the survival events are played on.
#[derive(Debug)]
pub struct Company {
    /// What it stands on.
    pub site: Site,
    /// The arm.
    pub scene: Scene,
    /// Its visitors, one crowd for each kind of client.
    pub crowds: Vec<Crowd>,
}

/// Visitors of one kind.
#[derive(Debug)]
pub struct Crowd {
    /// Their kind.
    pub kind: Client,
    /// They themselves.
    pub visitors: Vec<Visitor>,
}

impl Company {
    /// An arm with visitors of every kind that fits it, none of them logged in yet.
    pub fn gather(site: Site, scene: Scene) -> Company {
        let crowd = |kind: &Client| Crowd {
            kind: *kind,
            visitors: (0..VISITORS)
                .map(|_| stranger(*kind, &scene, &site))
                .collect(),
        };
        let crowds = kinds(scene.arm).iter().map(crowd).collect();
        Company {
            site,
            scene,
            crowds,
        }
    }

    /// The same arm once more beside it, with a store and visitors of its own, instances that have
    /// these flags too, and, if asked for, a proxy before the store.
    ///
    /// # Errors
    /// When it does not come up, or there is no cluster to bring it up on.
    pub async fn beside(&self, flags: &[&str], through_proxy: bool) -> anyhow::Result<Company> {
        let rig = self.site.rig().context("no cluster of our own")?;
        let arm = self.scene.arm;
        let scene = rig.set_up_with(arm, Lives::USUAL, arm.server, flags, through_proxy);
        Ok(Company::gather(self.site.clone(), scene.await?))
    }

    /// Logs in, through the balancer, everybody whose login does not work any more where it was
    /// made. Whoever lost it comes back as somebody new: with an empty jar, so that a sticky
    /// cookie of an earlier event does not decide where the login is taken.
    ///
    /// # Errors
    /// When a login is refused.
    pub async fn make_whole(&mut self) -> anyhow::Result<()> {
        self.scene.settled().await?;
        for crowd in &mut self.crowds {
            let scene = &self.scene;
            let checked = stream::iter(&crowd.visitors)
                .map(|visitor| is_logged_in(visitor, scene))
                .buffered(LOGINS_AT_A_TIME);
            let well: Vec<bool> = checked.collect().await;
            let mut lost: Vec<&mut Visitor> = crowd
                .visitors
                .iter_mut()
                .zip(well)
                .filter_map(|(visitor, well)| (!well).then_some(visitor))
                .collect();
            for visitor in &mut lost {
                **visitor = stranger(crowd.kind, scene, &self.site);
            }
            log_in_all(lost, &scene.balanced).await?;
        }
        Ok(())
    }

    /// Each visitor asks, in rounds; before each round lots are drawn for the order, or strict
    /// turns of the visitors would alias with those of the balancer.
    pub async fn ask_in_rounds(
        &mut self,
        crowd: usize,
        rounds: usize,
        whom: impl Fn(&Scene, &Visitor) -> String,
    ) -> Vec<Visited> {
        let visitors = &self.crowds[crowd].visitors;
        let mut visits: Vec<_> = visitors.iter().map(visited).collect();
        let mut order: Vec<_> = (0..visitors.len()).collect();
        for _ in 0..rounds {
            order.shuffle(&mut self.scene.random);
            for &n in &order {
                let base = whom(&self.scene, &visitors[n]);
                visits[n].answers.push(visitors[n].ask(&base).await);
            }
        }
        for (visitor, visited) in visitors.iter().zip(&mut visits) {
            visited.kept = is_logged_in(visitor, &self.scene).await;
        }
        visits
    }

    /// Everybody asks through the balancer, again and again, while `happening` goes on; then once
    /// more each. The result has one observation for each crowd, in their order.
    ///
    /// # Errors
    /// When `happening` fails.
    pub async fn ask_while<T>(
        &self,
        happening: impl Future<Output = anyhow::Result<T>>,
    ) -> anyhow::Result<(T, Vec<Vec<Visited>>)> {
        let (stop, stopped) = watch::channel(false);
        let asking = join_all(self.crowds.iter().map(|crowd| {
            let visits = crowd.visitors.iter().enumerate().map(|(n, visitor)| {
                // Not all at the same moment: people do not march in step.
                let late = PAUSE * n as u32 / VISITORS as u32;
                keep_asking(visitor, &self.scene, late, stopped.clone())
            });
            join_all(visits)
        }));
        let happening = async {
            let result = happening.await;
            stop.send_replace(true);
            result
        };
        let (result, visits) = tokio::join!(happening, asking);
        Ok((result?, visits))
    }

    /// Next time, everybody is somebody new: where the balancer pinned them elsewhere meanwhile,
    /// their logins are well and never asked for again.
    pub fn leave_if_pinned(&mut self) {
        if self.scene.arm.policy != Policy::Sticky {
            return;
        }
        for visitor in self.crowds.iter_mut().flat_map(|crowd| &mut crowd.visitors) {
            visitor.login = None;
        }
    }

    /// Someone new, not logged in.
    pub fn newcomer(&self) -> Visitor {
        stranger(self.crowds[0].kind, &self.scene, &self.site)
    }

    /// An observation for each crowd, from what `ask_while` returned.
    pub fn observe(
        &self,
        visits: Vec<Vec<Visited>>,
        make: impl Fn(Client) -> Observed,
    ) -> Vec<Observed> {
        self.crowds
            .iter()
            .zip(visits)
            .map(|(crowd, visits)| Observed {
                visits,
                ..make(crowd.kind)
            })
            .collect()
    }
}

fn stranger(kind: Client, scene: &Scene, site: &Site) -> Visitor {
    Visitor::new(kind, Arc::clone(&scene.interface), site.fresh())
}

/// Whether the visitor's login still works: at the instance that took it, or, if that is dead,
/// wherever the balancer sends it.
pub(crate) async fn is_logged_in(visitor: &Visitor, scene: &Scene) -> bool {
    if visitor.login.is_none() {
        return false;
    }
    let name = short(visitor.taken_by());
    let base = match scene.is_running(name) {
        true => scene.direct(name),
        false => scene.balanced.clone(),
    };
    visitor.ask(&base).await.outcome == Outcome::Recognised
}

async fn log_in_all(visitors: Vec<&mut Visitor>, base: &str) -> anyhow::Result<()> {
    let mut logins = stream::iter(visitors)
        .map(async |visitor| (visitor.log_in(base).await, visitor))
        .buffered(LOGINS_AT_A_TIME);
    while let Some((answer, visitor)) = logins.next().await {
        if visitor.login.is_none() {
            bail!(
                "{} could not log in at {base}: {}",
                visitor.account.name,
                answer.reason
            );
        }
    }
    Ok(())
}

/// The part in a cell of a visitor who has not asked yet.
pub(crate) fn visited(visitor: &Visitor) -> Visited {
    let login = visitor.login.as_ref();
    Visited {
        taken_by: login
            .map(|login| login.taken_by.clone())
            .unwrap_or_default(),
        logged_in: login.map_or_else(Instant::now, |login| login.at),
        answers: Vec::new(),
        under: Vec::new(),
        kept: false,
    }
}

async fn keep_asking(
    visitor: &Visitor,
    scene: &Scene,
    late: Duration,
    mut stopped: watch::Receiver<bool>,
) -> Visited {
    let mut visited = visited(visitor);
    let mut wait = late;
    loop {
        tokio::select! {
            () = sleep(wait) => {}
            _ = stopped.wait_for(|stopped| *stopped) => break,
        }
        visited.answers.push(visitor.ask(&scene.balanced).await);
        wait = PAUSE;
    }
    visited.kept = is_logged_in(visitor, scene).await;
    visited
}

/// Newcomers who try to log in, one after the other, while `happening` goes on.
pub async fn log_in_while<T>(
    company: &Company,
    happening: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(T, Vec<Answer>)> {
    let mut answers = Vec::new();
    let knocking = async {
        loop {
            let mut newcomer = company.newcomer();
            answers.push(newcomer.log_in(&company.scene.balanced).await);
            sleep(KNOCK_PAUSE).await;
        }
    };
    let result = tokio::select! {
        result = happening => result?,
        never = knocking => never,
    };
    Ok((result, answers))
}
