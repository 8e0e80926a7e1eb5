//! The stage over an embedded cluster: two pools of the board's own, behind a balancer process
//! of its own, which no run touches.
//!
//! Every seat has two addresses at that balancer, one for each lane. So each viewer's requests
//! take turns between A and B for that viewer, however many others click at the same time: each
//! address rotates by itself, over the same instances.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cluster::{ArmSpec, Balancer, Cluster, Instance, InstanceSpec, Policy, Pool, PoolSpec};
use futures_util::future::{join_all, try_join_all};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::stage::{Act, Held, InstanceState, InstanceView, Lane, LaneView, Stage, StageError};
use super::viewers::SEATS;
use super::{BoardError, random_hex, upstream};

const INSTANCES: [&str; 2] = ["a", "b"];
/// An instance that takes longer to say what it holds is shown as silent.
const LOOK_TIMEOUT: Duration = Duration::from_millis(500);

/// Two pools, a balancer, and the addresses that seats have there so far.
pub struct Embedded {
    session: Pool,
    jwt: Pool,
    balancer: Balancer,
    /// By seat; within it by lane, in the order of [`Lane::ALL`].
    addresses: Mutex<Vec<[Option<SocketAddr>; 2]>>,
    client: reqwest::Client,
    lab_secret: String,
}

impl Embedded {
    /// Creates accounts and secret in `work_dir`, and starts pools and balancer.
    ///
    /// # Errors
    /// When a file cannot be written, or a process does not come up.
    pub async fn start(cluster: &Cluster, work_dir: &Path) -> Result<Self, BoardError> {
        let accounts = work_dir.join("board-accounts.sqlite");
        app::users::create(&accounts, 0).await?;
        let secret = write_secret(work_dir).map_err(BoardError::Secret)?;
        let lab_secret = random_hex();
        let spec = |lane: Lane, kind: &[OsString]| PoolSpec {
            name: lane.pool().to_owned(),
            instances: INSTANCES
                .map(|name| instance(name, kind, &accounts, &lab_secret))
                .into(),
        };
        let session = spec(
            Lane::Session,
            &words(&["server-session", "--store", "memory"]),
        );
        let mut jwt = words(&["server-jwt", "--secret-file"]);
        jwt.push(secret.into());
        let (session, jwt, balancer) = tokio::try_join!(
            cluster.pool(session),
            cluster.pool(spec(Lane::Jwt, &jwt)),
            cluster.balancer(),
        )?;
        let addresses = Mutex::new(vec![[None; 2]; SEATS]);
        Ok(Self {
            session,
            jwt,
            balancer,
            addresses,
            client: upstream::client(),
            lab_secret,
        })
    }

    fn pool(&self, lane: Lane) -> &Pool {
        match lane {
            Lane::Session => &self.session,
            Lane::Jwt => &self.jwt,
        }
    }

    async fn look_at(&self, instance: &Instance) -> InstanceView {
        if instance.state() == cluster::InstanceState::Dead {
            return InstanceView::unknown(instance.name(), InstanceState::Dead);
        }
        match self.ask(instance.address()).await {
            Ok(lab) => InstanceView {
                name: instance.name().to_owned(),
                state: InstanceState::Running,
                logins: lab.logins,
                held: lab.held,
                keys: lab.keys.into_iter().map(|key| key.fingerprint).collect(),
            },
            Err(error) => {
                tracing::debug!(%error, instance = instance.name(), "an instance is silent");
                InstanceView::unknown(instance.name(), InstanceState::Silent)
            }
        }
    }

    async fn ask(&self, address: SocketAddr) -> reqwest::Result<LabState> {
        let asked = self.client.get(format!("http://{address}/lab/state"));
        let answer = asked
            .timeout(LOOK_TIMEOUT)
            .header("x-lab-secret", &self.lab_secret)
            .send()
            .await?;
        answer.error_for_status()?.json().await
    }
}

#[async_trait::async_trait]
impl Stage for Embedded {
    async fn balancer(&self, lane: Lane, seat: usize) -> Result<SocketAddr, StageError> {
        // Held while the balancer opens an address: two requests of one seat must get the same.
        let mut addresses = self.addresses.lock().await;
        let seat_number = seat % SEATS;
        let place = &mut addresses[seat_number][lane as usize];
        if let Some(address) = *place {
            return Ok(address);
        }
        let arm = ArmSpec {
            arm: format!("board-{lane}-{seat_number}"),
            policy: Policy::RoundRobin,
            pool: self.pool(lane),
            issuer: None,
            address: None,
        };
        let address = self.balancer.listen(arm).await?;
        *place = Some(address);
        Ok(address)
    }

    async fn look(&self) -> Vec<LaneView> {
        join_all(Lane::ALL.map(async |lane| {
            let instances = self.pool(lane).instances();
            let looks = instances.iter().map(|instance| self.look_at(instance));
            LaneView {
                lane,
                instances: join_all(looks).await,
            }
        }))
        .await
    }

    async fn act(&self, act: Act, instance: &str) -> Result<(), StageError> {
        let struck = Lane::ALL.map(|lane| {
            let found = self.pool(lane).instance(instance);
            found.ok_or_else(|| StageError::NoSuchInstance(instance.to_owned()))
        });
        let struck = struck.into_iter().collect::<Result<Vec<_>, _>>()?;
        try_join_all(struck.iter().map(async |instance| {
            let dead = instance.state() == cluster::InstanceState::Dead;
            match act {
                // Somebody else pressed first, or it crashed: it is as it should be.
                Act::Kill if dead => Ok(()),
                Act::Start if !dead => Ok(()),
                Act::Kill => instance.kill().await,
                Act::Start => instance.start().await,
            }
        }))
        .await?;
        Ok(())
    }
}

/// What `/lab/state` says, as far as the board shows it.
#[derive(Deserialize)]
struct LabState {
    logins: Option<u64>,
    held: Vec<Held>,
    keys: Vec<LabKey>,
}

#[derive(Deserialize)]
struct LabKey {
    fingerprint: String,
}

fn instance(name: &str, kind: &[OsString], accounts: &Path, lab_secret: &str) -> InstanceSpec {
    let mut args = kind.to_vec();
    args.extend(words(&["--lab", "--accounts"]));
    args.push(accounts.into());
    InstanceSpec {
        name: name.to_owned(),
        args,
        env: vec![("LAB_SECRET".into(), lab_secret.into())],
    }
}

fn words(texts: &[&str]) -> Vec<OsString> {
    texts.iter().map(OsString::from).collect()
}

/// The one secret that both JWT instances share, readable by nobody else.
fn write_secret(work_dir: &Path) -> std::io::Result<PathBuf> {
    let path = work_dir.join("board-secret");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&path)?;
    file.write_all(&rand::random::<[u8; 32]>())?;
    Ok(path)
}
