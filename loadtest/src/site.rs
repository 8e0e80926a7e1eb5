//! What a run of the matrix stands on: a cluster of its own, or a target that somebody else has
//! started. On either, arms are set up as [`Scene`]s.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use app::users::DEMO_USERS;
use cluster::Crash;
use reqwest::Method;
use serde_json::json;

use crate::answer::{Outcome, Wanted};
use crate::arms::{Arm, Server};
use crate::book::Book;
use crate::cli::RunArgs;
use crate::describe::{describe, describe_target};
use crate::events::Needs;
use crate::pools::{INSTANCES, Lives};
use crate::record::{self, Group};
use crate::rig::Rig;
use crate::run::{self, Footing};
use crate::scene::Scene;
use crate::target::Target;
use crate::target::ground::Ground;
use crate::visitors::{Account, Visitor, steadfast};

/// What a run of the matrix stands on.
#[derive(Debug, Clone)]
pub enum Site {
    /// Processes of its own.
    Cluster(Arc<Rig>),
    /// What somebody else has started.
    Target(Arc<Ground>),
}

/// The book of a run, and what it stands on: the target that a file describes, found to answer, or
/// else a cluster with what `arms` need. Nothing if somebody stopped it meanwhile.
///
/// # Errors
/// When the file is wrong, the target or a Redis that was named does not answer, a process does not
/// come up, or the book cannot be written.
pub async fn begin(
    target: Option<&Path>,
    args: &RunArgs,
    arms: &[&Arm],
    typed: String,
) -> anyhow::Result<Option<(Book, Site)>> {
    // A target that does not answer leaves no folder behind.
    let ground = match target.map(Target::load).transpose()? {
        Some(target) => {
            let finding = Ground::find(target, &args.arms, args.seed);
            match run::unless_interrupted(finding).await {
                Some(ground) => Some(ground?),
                None => return Ok(None),
            }
        }
        None => None,
    };
    let book = Book::open(args.out.as_deref(), args.seed, typed)?;
    if let Some(ground) = ground {
        let site = Site::Target(Arc::new(ground));
        run::note_environment(&book, &site);
        return Ok(Some((book, site)));
    }
    let rig = run::raise_for(&book, args, arms).await?;
    Ok(rig.map(|rig| (book, Site::Cluster(rig))))
}

impl Site {
    /// An arm as it stands in a record.
    pub fn describe(&self, arm: &Arm) -> record::Arm {
        match self {
            Self::Cluster(rig) => describe(arm, rig.cannot_run(arm)),
            Self::Target(ground) => describe_target(arm, ground.lives(arm)),
        }
    }

    /// Why `arm` cannot run, if it cannot.
    pub fn cannot_run(&self, arm: &Arm) -> Option<String> {
        match self {
            Self::Cluster(rig) => rig.cannot_run(arm),
            Self::Target(_) => None,
        }
    }

    /// Why what `needs` this cannot be played on `arm`, if it cannot.
    pub fn cannot_play(&self, arm: &Arm, needs: Needs) -> Option<&'static str> {
        match self {
            Self::Cluster(rig) => rig.cannot_strike(needs),
            Self::Target(ground) => ground.cannot_play(arm, needs),
        }
    }

    /// Whether an event of this group can be anything to `arm`: what happens to a store is nothing
    /// to an arm that has none. Of a target nobody knows what it asks.
    pub fn concerns(&self, group: Group, arm: &Arm) -> bool {
        let without = matches!(self, Self::Cluster(_)) && !arm.server.needs_store();
        !(group == Group::Store && without)
    }

    /// Sets an arm up. `server` is the arm's own, except in a test of the instrument itself. A
    /// target's settings and lifetimes are what they are.
    ///
    /// # Errors
    /// When an instance does not come up.
    pub async fn set_up(
        &self,
        arm: &'static Arm,
        lives: Lives,
        server: Server,
    ) -> anyhow::Result<Scene> {
        match self {
            Self::Cluster(rig) => rig.set_up(arm, lives, server).await,
            Self::Target(ground) => ground.scene(arm),
        }
    }

    /// How often a target's balancer tried requests to `arm` again so far, if it says so. Our own
    /// says on each answer how often it tried.
    ///
    /// # Errors
    /// When what it says cannot be read any more.
    pub async fn retries(&self, arm: &Arm) -> anyhow::Result<Option<u64>> {
        match self {
            Self::Cluster(_) => Ok(None),
            Self::Target(ground) => ground.retries(arm).await,
        }
    }

    /// The cluster, for what only a cluster can do.
    pub fn rig(&self) -> Option<&Rig> {
        match self {
            Self::Cluster(rig) => Some(rig),
            Self::Target(_) => None,
        }
    }

    /// A user that nobody has had; of a target with few users, one that was had longest ago.
    pub fn fresh(&self) -> Account {
        match self {
            Self::Cluster(rig) => Account::of_load_user(rig.users.fresh()),
            Self::Target(ground) => ground.fresh(),
        }
    }

    /// The same, and who may read the records. Accounts of a target are out of reach, so an admin
    /// is asked there.
    ///
    /// # Errors
    /// When the accounts do not answer, or the admin is refused.
    pub async fn fresh_accountant(&self, scene: &Scene) -> anyhow::Result<Account> {
        let user = self.fresh();
        if let Self::Cluster(rig) = self {
            rig.make_accountant(&user.name).await?;
            return Ok(user);
        }
        let path = format!("/admin/users/{}", user.name);
        let change = json!({"role": "accountant"});
        as_admin(scene, Method::PATCH, &path, &change).await?;
        Ok(user)
    }
}

/// The demo's admin.
pub fn admin() -> Account {
    let [ada, ..] = &DEMO_USERS;
    Account {
        name: ada.name.to_owned(),
        password: ada.password.to_owned(),
    }
}

/// Sends a request as the demo's admin, to `a`.
///
/// # Errors
/// When it is refused.
pub async fn as_admin(
    scene: &Scene,
    method: Method,
    path: &str,
    body: &serde_json::Value,
) -> anyhow::Result<()> {
    let base = scene.direct(INSTANCES[0]);
    let kind = steadfast(scene.arm);
    let mut admin = Visitor::new(kind, Arc::clone(&scene.interface), admin());
    let answer = admin.log_in(&base).await;
    if admin.login.is_none() {
        bail!("the admin could not log in at {base}: {}", answer.reason);
    }
    let answer = admin
        .send(method, &base, path, Some(body), Wanted::Success)
        .await;
    match answer.outcome {
        Outcome::Recognised => Ok(()),
        _ => bail!("{path} was answered {} to an admin", answer.reason),
    }
}

impl Footing for Site {
    fn topology(&self) -> BTreeMap<String, String> {
        match self {
            Self::Cluster(rig) => rig.topology(),
            Self::Target(ground) => ground.topology(),
        }
    }

    fn versions(&self) -> BTreeMap<String, String> {
        match self {
            Self::Cluster(rig) => rig.versions(),
            Self::Target(_) => BTreeMap::new(),
        }
    }

    fn crashes(&self) -> Vec<Crash> {
        match self {
            Self::Cluster(rig) => rig.crashes(),
            Self::Target(_) => Vec::new(),
        }
    }

    fn store_is_foreign(&self) -> bool {
        match self {
            Self::Cluster(rig) => rig.store_is_foreign(),
            Self::Target(_) => false,
        }
    }

    async fn strike(&self) -> anyhow::Result<()> {
        match self {
            Self::Cluster(rig) => rig.strike().await.context("the cluster does not end"),
            Self::Target(_) => Ok(()),
        }
    }
}
