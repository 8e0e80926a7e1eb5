//! What an instance and the store say of themselves, as viewers see it.

use std::time::Duration;

use cluster::{Instance, Redis};
use serde::Deserialize;

use super::stage::{Held, InstanceState, InstanceView, StageError, StoreView};
use crate::lab::Lab;

/// An instance that takes longer to say what it holds is shown as silent.
const LOOK_TIMEOUT: Duration = Duration::from_millis(500);

/// What an instance holds now.
pub(super) async fn at(instance: &Instance, lab: &Lab) -> InstanceView {
    let unknown = |state| InstanceView::unknown(instance.name(), state);
    match instance.state() {
        cluster::InstanceState::Dead => return unknown(InstanceState::Dead),
        cluster::InstanceState::Frozen => return unknown(InstanceState::Frozen),
        cluster::InstanceState::Running => {}
    }
    asking(
        instance.name(),
        &format!("http://{}", instance.address()),
        lab,
    )
    .await
}

/// What an instance that should run says that it holds.
pub(super) async fn asking(name: &str, base: &str, lab: &Lab) -> InstanceView {
    match lab.state::<LabState>(base, LOOK_TIMEOUT).await {
        Ok(lab) => InstanceView {
            name: name.to_owned(),
            state: InstanceState::Running,
            logins: lab.logins,
            held: lab.held,
            keys: lab.keys.into_iter().map(|key| key.fingerprint).collect(),
        },
        Err(error) => {
            tracing::debug!(%error, instance = name, "an instance is silent");
            InstanceView::unknown(name, InstanceState::Silent)
        }
    }
}

/// What there is to see of the store.
pub(super) fn at_store(redis: &Redis) -> StoreView {
    let how = redis.how();
    StoreView {
        state: match redis.state() {
            cluster::InstanceState::Running => InstanceState::Running,
            cluster::InstanceState::Frozen => InstanceState::Frozen,
            cluster::InstanceState::Dead => InstanceState::Dead,
        },
        what: format!("Redis {}, {how}", redis.version()),
        not_ours: (!redis.ours()).then(|| StageError::NotOurStore.to_string()),
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
