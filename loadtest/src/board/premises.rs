//! What the board's own instances are started with: accounts, a secret for `/lab`, and flags.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cluster::{InstanceSpec, PoolSpec};

use super::crowd::VISITORS;
use super::stage::{Lane, Pool};
use super::viewers::SEATS;
use super::{BoardError, random_hex};
use crate::lab::Lab;

const INSTANCES: [&str; 2] = ["a", "b"];

/// What is the same for all pools of one board.
pub(super) struct Premises {
    accounts: PathBuf,
    lab: Lab,
    /// Somebody else's store may hold keys like ours.
    key_prefix: String,
}

impl Premises {
    /// Creates the accounts: the three people, one guest for each seat, and the background's.
    pub(super) async fn create(work_dir: &Path) -> Result<Self, BoardError> {
        let accounts = work_dir.join("board-accounts.sqlite");
        app::users::create(&accounts, (SEATS + VISITORS) as u32).await?;
        Ok(Self {
            accounts,
            lab: Lab::new(random_hex()),
            key_prefix: format!("svj-board:{}:", &random_hex()[..8]),
        })
    }

    pub(super) fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Two instances of `pool`, with keys from `keys` and the store at `store`.
    pub(super) fn pool(&self, pool: Pool, keys: &Path, store: Option<&str>) -> PoolSpec {
        let mut args = match pool {
            Pool::SessionMemory => words(&["server-session", "--store", "memory"]),
            Pool::SessionRedis => words(&["server-session", "--store", "redis"]),
            Pool::Jwt => words(&["server-jwt"]),
            Pool::JwtDenylist => words(&["server-jwt", "--revoke", "deny-list"]),
        };
        if pool.lane() == Lane::Jwt {
            args.extend(words(&["--keys"]));
            args.push(keys.into());
        }
        args.extend(words(&["--lab", "--accounts"]));
        args.push(self.accounts.clone().into());
        let mut env = vec![("LAB_SECRET".into(), self.lab.secret().into())];
        if let Some(url) = store {
            args.extend(words(&["--key-prefix", &self.key_prefix]));
            // In the environment: a URL may hold a password, and a command line is public.
            env.push(("REDIS_URL".into(), url.into()));
        }
        let instances = INSTANCES.map(|name| InstanceSpec {
            name: name.to_owned(),
            args: args.clone(),
            env: env.clone(),
        });
        PoolSpec {
            name: pool.as_str().to_owned(),
            instances: instances.into(),
        }
    }
}

fn words(texts: &[&str]) -> Vec<OsString> {
    texts.iter().map(OsString::from).collect()
}
