//! What a run on a target stands on: arms as the file describes them, each found to answer, and
//! users that may log in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::arm::{as_arm, lives};
use super::file::TargetArm;
use super::{Target, statistics, wrong};
use crate::arms::Arm;
use crate::events::Needs;
use crate::failure::Failure;
use crate::interface::Interface;
use crate::lab::Lab;
use crate::pools::{INSTANCES, Lives};
use crate::rig::random;
use crate::scene::{Addresses, Scene, Standing};
use crate::visitors::{Account, plain_http};

/// What a run on a target stands on.
#[derive(Debug)]
pub struct Ground {
    target: Target,
    arms: Vec<Found>,
    next: AtomicU32,
    seed: u64,
}

/// An arm of a target that answered.
#[derive(Debug)]
struct Found {
    arm: &'static Arm,
    addresses: Addresses,
    lives: Lives,
    interface: Arc<Interface>,
    lab: Option<Lab>,
}

impl Ground {
    /// Finds these arms of the target, or all; asks each address once.
    ///
    /// # Errors
    /// When an arm is not in the file, an address does not answer, or instances cannot be told
    /// apart; one line that names file, field and remedy.
    pub async fn find(target: Target, names: &[String], seed: u64) -> Result<Ground, Failure> {
        let known: Vec<_> = target.file.arms.iter().map(|arm| &*arm.arm).collect();
        if let Some(unknown) = names.iter().find(|name| !known.contains(&name.as_str())) {
            return Err(Failure::Usage(format!(
                "--arms: there is no arm {unknown:?} in {}; use one or more of {}",
                target.path.display(),
                known.join(",")
            )));
        }
        let mut arms = Vec::new();
        for (n, described) in target.file.arms.iter().enumerate() {
            if names.is_empty() || names.contains(&described.arm) {
                arms.push(found(&target, n, described).await?);
                counted(&target, &described.arm).await?;
            }
        }
        Ok(Ground {
            target,
            arms,
            next: AtomicU32::new(0),
            seed,
        })
    }

    /// The arms that were found.
    pub fn arms(&self) -> Vec<&'static Arm> {
        self.arms.iter().map(|found| found.arm).collect()
    }

    /// How long its logins live.
    pub fn lives(&self, arm: &Arm) -> Lives {
        self.found(arm).map_or(Lives::USUAL, |found| found.lives)
    }

    /// The arm as something to play on.
    ///
    /// # Errors
    /// None for an arm of this target.
    pub fn scene(&self, arm: &'static Arm) -> anyhow::Result<Scene> {
        let found = self.found(arm);
        let found = found.ok_or_else(|| anyhow::anyhow!("{} is not in the file", arm.name))?;
        Ok(Scene {
            arm,
            balanced: found.addresses.balanced.clone(),
            standing: Standing::Target(found.addresses.clone()),
            lives: found.lives,
            random: random(self.seed, arm.name),
            lab: found.lab.clone(),
            interface: Arc::clone(&found.interface),
            store: None,
            backstage: None,
        })
    }

    /// A user; after the last one comes the first again.
    pub fn fresh(&self) -> Account {
        let n = self.next.fetch_add(1, Ordering::Relaxed);
        let user = self.target.file.users.user(n);
        Account {
            name: user.user,
            password: user.password,
        }
    }

    /// Why what `needs` this cannot be played on `arm`, if it cannot.
    pub fn cannot_play(&self, arm: &Arm, needs: Needs) -> Option<&'static str> {
        let found = self.found(arm);
        let ours = found.is_some_and(|found| found.interface.is_ours());
        let lab = found.is_some_and(|found| found.lab.is_some());
        match needs {
            Needs::Requests => None,
            Needs::OurServers => (!ours).then_some(
                "the target file describes no such request: only this project's servers are known \
                 to have it",
            ),
            Needs::Exit if !ours => {
                Some("only this project's servers can be asked to end: the target has no lab")
            }
            Needs::Exit => (!lab).then_some(
                "an instance ends on request only by its lab, and the target file names no \
                 lab_secret_file",
            ),
            Needs::Backstage => Some("the target's keys, balancer and load are not ours to change"),
            Needs::Lab => (!ours || !lab).then_some(
                "it is played through the servers' lab, and the target file names no \
                 lab_secret_file",
            ),
            Needs::Processes => {
                Some("the target's processes are not ours to signal and to start again")
            }
            Needs::OwnStore | Needs::StoreThatKeeps => {
                Some("the target's store, if it has one, is not ours to strike")
            }
        }
    }

    /// How often the balancer tried requests to `arm` again since it was started, if it says so.
    ///
    /// # Errors
    /// When its statistics cannot be read any more.
    pub async fn retries(&self, arm: &Arm) -> anyhow::Result<Option<u64>> {
        match &self.target.file.haproxy_statistics {
            Some(page) => statistics::retries(page, arm.name).await,
            None => Ok(None),
        }
    }

    /// Why nobody can know what a request to `arm` costs, if nobody can.
    pub fn cannot_measure(&self, arm: &Arm) -> Option<&'static str> {
        let found = self.found(arm);
        if !found.is_some_and(|found| found.interface.is_ours()) {
            return Some(
                "only this project's servers are known to say how much CPU time they used",
            );
        }
        let lab = found.is_some_and(|found| found.lab.is_some());
        (!lab).then_some(
            "visitors log in by the lab, a hundred at a time, and the target file names no \
             lab_secret_file",
        )
    }

    /// Its arms, each pool of instances once: asked directly, a policy of the balancer's makes no
    /// difference.
    pub fn pools(&self) -> Vec<&'static Arm> {
        let mut pools: Vec<&Found> = Vec::new();
        for found in &self.arms {
            let same = |one: &&&Found| one.addresses.instances == found.addresses.instances;
            if pools.iter().find(same).is_none() {
                pools.push(found);
            }
        }
        pools.into_iter().map(|found| found.arm).collect()
    }

    /// Who runs where, in words; no addresses, since records are published.
    pub fn topology(&self) -> BTreeMap<String, String> {
        let label = match self.target.file.label.as_str() {
            "" => "one that somebody else started",
            label => label,
        };
        let facts = [
            ("target", label),
            ("balancer", "the target's own"),
            ("instances", "two an arm, the target's own"),
        ];
        let facts = facts.map(|(name, fact)| (name.to_owned(), fact.to_owned()));
        BTreeMap::from(facts)
    }

    fn found(&self, arm: &Arm) -> Option<&Found> {
        self.arms.iter().find(|found| found.arm.name == arm.name)
    }
}

async fn found(target: &Target, n: usize, described: &TargetArm) -> Result<Found, Failure> {
    let arm = as_arm(target, described);
    let base = |address: &str| address.trim_end_matches('/').to_owned();
    let addresses = Addresses {
        balanced: base(&described.balanced),
        instances: INSTANCES.map(|name| base(described.instances.address(name))),
    };
    let mut interface = match (&described.properties, &target.file.requests.credential) {
        (Some(_), Some(place)) => Interface::described(target.file.requests.clone(), place.clone()),
        _ => Interface::of(arm).asked_with(target.file.requests.clone()),
    };
    let at = format!("arms[{n}]");
    said_at(
        target,
        &format!("{at}.balanced"),
        &addresses.balanced,
        &interface,
    )
    .await?;
    let mut names: Vec<String> = Vec::new();
    for (name, address) in INSTANCES.iter().zip(&addresses.instances) {
        let field = format!("{at}.instances.{name}");
        let said = said_at(target, &field, address, &interface).await?;
        let header = &target.file.requests.instance_header;
        let said = said.ok_or_else(|| {
            let why = format!(
                "{field}: {address} answered without the header {header}, so nobody could tell who \
                 answered; have each instance send its name, and name the header in \
                 requests.instance_header"
            );
            wrong(&target.path, &why)
        })?;
        let wanted = format!("{}-{name}", arm.pool);
        if described.properties.is_none() && said != wanted {
            let why = format!(
                "{field}: {address} calls itself {said}, which should be {wanted}; correct the \
                 address, or say in {at}.pool what the pool is called"
            );
            return Err(wrong(&target.path, &why));
        }
        if names.contains(&said) {
            let why = format!(
                "{field}: {address} calls itself {said}, as the other instance does; have {header} \
                 differ, or correct the address"
            );
            return Err(wrong(&target.path, &why));
        }
        interface.learn(said.clone(), wanted);
        names.push(said);
    }
    Ok(Found {
        arm,
        addresses,
        lives: lives(described),
        interface: Arc::new(interface),
        lab: target.lab(described)?,
    })
}

/// Looks whether the balancer counts what it tries again for this arm, where it is said to.
async fn counted(target: &Target, arm: &str) -> Result<(), Failure> {
    let Some(page) = &target.file.haproxy_statistics else {
        return Ok(());
    };
    match statistics::retries(page, arm).await {
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            let why = format!("haproxy_statistics: {page} shows no backend named {arm}");
            Err(wrong(&target.path, &why))
        }
        Err(error) => Err(Failure::Unreachable(format!(
            "--target {}: haproxy_statistics: {error:#}; start it, or correct the address",
            target.path.display()
        ))),
    }
}

/// Asks an address who one is, without a credential: what the one who answers calls itself.
async fn said_at(
    target: &Target,
    field: &str,
    base: &str,
    interface: &Interface,
) -> Result<Option<String>, Failure> {
    match interface.who_am_i(&plain_http(), base).send().await {
        Ok(response) => Ok(interface.said_by(response.headers()).map(str::to_owned)),
        Err(error) => {
            let why = match (error.is_timeout(), error.is_connect()) {
                (true, _) => "does not answer in time",
                (_, true) => "does not take a connection",
                _ => "does not answer",
            };
            Err(Failure::Unreachable(format!(
                "--target {}: {field}: {base} {why}; start it, or correct the address",
                target.path.display()
            )))
        }
    }
}
