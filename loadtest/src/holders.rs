//! Logins that the lab makes, without their password checks, and what is asked with them.
//!
//! A visitor is a person with a jar; a holder is somebody with a copy of a credential, who keeps it
//! whatever happens. Keys, clocks and races are about credentials, and there hundreds are cheap.

use std::net::IpAddr;

use anyhow::Context as _;
use rand::seq::SliceRandom as _;

use crate::answer::Answer;
use crate::crowd::Company;
use crate::expected::circumstance::Circumstance;
use crate::scene::Scene;
use crate::tally::Visited;
use crate::ticket::Ticket;
use crate::visitors::TIMEOUT;

/// Somebody with a copy of a credential.
#[derive(Debug, Clone)]
pub struct Holder {
    /// The instance that took the login, as in `x-served-by`.
    pub taken_by: String,
    /// Whose login it is.
    pub user: String,
    /// The credential.
    pub ticket: Ticket,
}

impl Holder {
    /// Asks at `base` who this is.
    pub async fn ask(&self, base: &str) -> Answer {
        self.ticket.at(base).asking("/me", &self.user).show().await
    }

    /// The part in a cell of somebody who has not asked yet.
    pub fn visited(&self) -> Visited {
        Visited::of(&self.taken_by)
    }
}

impl Company {
    /// New logins, so many, made at the instance of that name.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub async fn holders(&self, name: &str, count: usize) -> anyhow::Result<Vec<Holder>> {
        let users: Vec<_> = (0..count).map(|_| self.site.fresh().name).collect();
        let scene = &self.scene;
        let made = scene.lab()?.log_in(&scene.direct(name), &users).await;
        let made = made.with_context(|| format!("logins at {name}"))?;
        let holder = |(user, ticket)| Holder {
            taken_by: scene.served_by(name),
            user,
            ticket,
        };
        Ok(users.into_iter().zip(made).map(holder).collect())
    }

    /// So many new logins in all, divided among the instances that can log people in.
    ///
    /// # Errors
    /// When one of them cannot be made.
    pub async fn holders_everywhere(&self, count: usize) -> anyhow::Result<Vec<Holder>> {
        let takers: Vec<_> = self.scene.takers().collect();
        let mut holders = Vec::new();
        for name in &takers {
            holders.extend(self.holders(name, count / takers.len()).await?);
        }
        Ok(holders)
    }

    /// Each holder asks through the balancer, in rounds of an order drawn by lot; `under` says what
    /// an answer is to be judged by.
    pub async fn holders_ask_in_rounds(
        &mut self,
        holders: &[Holder],
        rounds: usize,
        under: impl Fn(&Holder, &Answer) -> Circumstance,
    ) -> Vec<Visited> {
        let mut visits: Vec<_> = holders.iter().map(Holder::visited).collect();
        let mut order: Vec<_> = (0..holders.len()).collect();
        for _ in 0..rounds {
            order.shuffle(&mut self.scene.random);
            for &n in &order {
                let answer = holders[n].ask(&self.scene.balanced).await;
                let under = under(&holders[n], &answer);
                visits[n].note(answer, under);
            }
        }
        visits
    }
}

/// What an instance says it holds, as far as events ask.
#[derive(Debug, serde::Deserialize)]
pub struct Holds {
    keys: Vec<HeldKey>,
    counts: Vec<(String, u64)>,
}

#[derive(Debug, serde::Deserialize)]
struct HeldKey {
    fingerprint: String,
    signs: bool,
}

impl Holds {
    /// What the instance of that name says.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn at(scene: &Scene, name: &str) -> anyhow::Result<Holds> {
        let base = scene.direct(name);
        scene.lab()?.state(&base, TIMEOUT).await
    }

    /// The fingerprint of the key that signs, or, where none does, of the first.
    pub fn fingerprint(&self) -> Option<&str> {
        let mut signing = self.keys.iter().filter(|key| key.signs);
        let key = signing.next().or(self.keys.first())?;
        Some(&key.fingerprint)
    }

    /// What it counts under that name.
    pub fn count(&self, name: &str) -> Option<u64> {
        let mut counts = self.counts.iter().filter(|(counted, _)| counted == name);
        counts.next().map(|(_, count)| *count)
    }
}

/// One of many addresses of this machine: on Linux all of 127.0.0.0/8 is.
pub fn address(n: usize) -> IpAddr {
    let [low, high] = [n % 250, n / 250 % 250].map(|part| part as u8 + 2);
    IpAddr::from([127, 7, high, low])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_differ_and_none_is_the_usual_one() {
        let all: std::collections::BTreeSet<_> = (0..1_000).map(address).collect();
        assert_eq!(all.len(), 1_000);
        assert!(all.iter().all(|address| address.is_loopback()));
        assert!(!all.contains(&IpAddr::from([127, 0, 0, 1])));
    }

    #[test]
    fn what_an_instance_says_is_found_by_its_name() {
        let said = serde_json::json!({
            "pool": "jwt", "counts": [["tokens_issued_total", 3], ["requests_held", 1]],
            "keys": [
                {"kid": "k1", "fingerprint": "aa", "signs": false},
                {"kid": "k2", "fingerprint": "bb", "signs": true},
            ],
        });
        let holds: Holds = serde_json::from_value(said).unwrap();
        assert_eq!(holds.fingerprint(), Some("bb"));
        assert_eq!(
            (holds.count("requests_held"), holds.count("x")),
            (Some(1), None)
        );
    }
}
