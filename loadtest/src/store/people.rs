//! Those who write while something happens to the store: newcomers who log in, leavers who log
//! out, renewers who trade a refresh token, and those who had logged out before.
//!
//! What each was told is compared with what is true afterwards: a log-out that was confirmed must
//! have happened, one that failed may have.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::{join_all, try_join_all};
use tokio::time::{Instant, sleep};

use crate::answer::{Answer, Outcome};
use crate::crowd::Company;
use crate::pools::INSTANCES;
use crate::scene::Scene;
use crate::ticket::Ticket;
use crate::visitors::{Visitor, steadfast};

/// How many leave, had left before, and renew.
pub const OF_EACH: usize = 4;

/// How often somebody tries to log in before anything has happened.
const TRIES: usize = 5;

/// How long an order to end a login may take to reach everybody.
const SPREADS_WITHIN: Duration = Duration::from_secs(10);

/// How often it is asked whether it has.
const ASK_AGAIN: Duration = Duration::from_millis(50);

/// They.
#[derive(Debug)]
pub struct People {
    /// Logged in, and about to log out.
    pub leavers: Vec<Leaver>,
    /// The credentials of logins that were ended before; none where a log-out ends nothing.
    pub ended: Vec<Ticket>,
    /// Logged in, with a refresh token; none where there are no such tokens.
    pub renewers: Vec<Visitor>,
}

/// Somebody who logs out, and a copy of the credential.
#[derive(Debug)]
pub struct Leaver {
    visitor: Visitor,
    kept: Ticket,
}

impl People {
    /// Has them log in, and some log out again.
    ///
    /// # Errors
    /// When a login or a log-out is refused.
    pub async fn gather(company: &Company) -> anyhow::Result<People> {
        let properties = &company.scene.arm.properties;
        let leavers = leavers(company, OF_EACH).await?;
        let mut ended = Vec::new();
        if properties.ends_logins() {
            for visitor in many(company, OF_EACH).await? {
                ended.push(ticket(&visitor, &company.scene)?);
                let answer = visitor.log_out(&company.scene.balanced).await;
                if answer.outcome != Outcome::Recognised {
                    bail!("a log-out was answered {}", answer.reason);
                }
            }
            until_refused(&company.scene, &ended).await?;
        }
        let renewers = match properties.refreshes {
            true => many(company, OF_EACH).await?,
            false => Vec::new(),
        };
        Ok(People {
            leavers,
            ended,
            renewers,
        })
    }

    /// Nobody, where nobody is to write.
    pub fn nobody() -> People {
        People {
            leavers: Vec::new(),
            ended: Vec::new(),
            renewers: Vec::new(),
        }
    }

    /// How many of the logins that were ended before are accepted at either instance.
    pub async fn accepted_again(&self, scene: &Scene) -> usize {
        let mut accepted = 0;
        for ticket in &self.ended {
            accepted += usize::from(is_accepted_anywhere(ticket, scene).await);
        }
        accepted
    }

    /// Every renewer trades its token.
    pub async fn renew(&mut self, scene: &Scene) -> Vec<Answer> {
        let mut answers = Vec::new();
        for renewer in &mut self.renewers {
            answers.extend(renewer.refresh(&scene.balanced).await);
        }
        answers
    }
}

impl Leaver {
    /// Logs out.
    pub async fn leave(&self, scene: &Scene) -> Answer {
        self.leave_at(&scene.balanced).await
    }

    /// Logs out there.
    pub async fn leave_at(&self, base: &str) -> Answer {
        self.visitor.log_out(base).await
    }

    /// Whether the login has ended, whatever was answered. Where tokens are renewed it has if
    /// this one cannot be any more.
    pub async fn is_gone(&mut self, scene: &Scene) -> bool {
        if scene.arm.properties.refreshes {
            let answer = self.visitor.refresh(&scene.balanced).await;
            return answer.is_some_and(|answer| answer.outcome == Outcome::Refused);
        }
        !is_accepted_anywhere(&self.kept, scene).await
    }
}

/// So many who have logged in, and may log out.
///
/// # Errors
/// When a login is refused.
pub async fn leavers(company: &Company, count: usize) -> anyhow::Result<Vec<Leaver>> {
    let leaver = |visitor: Visitor| {
        let kept = ticket(&visitor, &company.scene)?;
        anyhow::Ok(Leaver { visitor, kept })
    };
    many(company, count)
        .await?
        .into_iter()
        .map(leaver)
        .collect()
}

/// Somebody who tried to log in, and what was answered.
#[derive(Debug, Clone)]
pub struct Newcomer {
    /// The user's name.
    pub user: String,
    /// What was answered.
    pub answer: Answer,
}

/// Somebody new tries to log in.
pub async fn knock(company: &Company) -> Newcomer {
    let mut visitor = newcomer(company);
    let answer = visitor.log_in(&company.scene.balanced).await;
    let user = visitor.account.name;
    Newcomer { user, answer }
}

/// So many at once.
pub async fn knock_together(company: &Company, count: usize) -> Vec<Newcomer> {
    join_all((0..count).map(|_| knock(company))).await
}

fn newcomer(company: &Company) -> Visitor {
    let scene = &company.scene;
    let interface = Arc::clone(&scene.interface);
    Visitor::new(steadfast(scene.arm), interface, company.site.fresh())
}

async fn many(company: &Company, count: usize) -> anyhow::Result<Vec<Visitor>> {
    let logins = (0..count).map(async |_| {
        let mut visitor = newcomer(company);
        for n in 1.. {
            let answer = visitor.log_in(&company.scene.balanced).await;
            if visitor.login.is_some() {
                break;
            }
            // A busy machine may keep a store from answering in time though nothing is wrong.
            if answer.outcome != Outcome::Failed || n == TRIES {
                bail!("a login was answered {}", answer.reason);
            }
        }
        Ok(visitor)
    });
    try_join_all(logins).await
}

fn ticket(visitor: &Visitor, scene: &Scene) -> anyhow::Result<Ticket> {
    let ticket = visitor.ticket(&scene.balanced, "/me");
    ticket.context("a visitor who logged in has a credential")
}

async fn is_accepted_anywhere(ticket: &Ticket, scene: &Scene) -> bool {
    for name in INSTANCES {
        let answer = ticket.at(&scene.direct(name)).show().await;
        if answer.outcome == Outcome::Recognised {
            return true;
        }
    }
    false
}

async fn until_refused(scene: &Scene, ended: &[Ticket]) -> anyhow::Result<()> {
    let until = Instant::now() + SPREADS_WITHIN;
    for ticket in ended {
        while is_accepted_anywhere(ticket, scene).await {
            if Instant::now() > until {
                bail!("a login works {SPREADS_WITHIN:?} after its log-out");
            }
            sleep(ASK_AGAIN).await;
        }
    }
    Ok(())
}
