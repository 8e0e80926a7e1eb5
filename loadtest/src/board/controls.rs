//! What strikes the servers of everybody: acts, the background's load, and where a room is. Each
//! needs the token that stands in the page.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::HeaderMap;

use super::House;
use super::guard;
use super::refusal::Refusal;
use super::room::Setting;
use super::stage::{Act, StageError};
use super::traffic::Order;

/// A control request's body, once it is clear that this viewer may send one.
fn ordered<T: serde::de::DeserializeOwned>(
    house: &House,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<T, Refusal> {
    guard::shows_token(house, headers)?;
    serde_json::from_slice(body).map_err(|_| Refusal::Body)
}

pub(super) type Done = Result<Json<serde_json::Value>, Refusal>;

pub(super) async fn act(State(house): State<Arc<House>>, headers: HeaderMap, body: Bytes) -> Done {
    if house.rules.read_only {
        return Err(Refusal::ReadOnly);
    }
    let act: Act = ordered(&house, &headers, &body)?;
    match house.live.act(act).await {
        Ok(()) => Ok(Json(serde_json::json!({}))),
        Err(StageError::NoSuchInstance(_)) => Err(Refusal::NoInstance),
        Err(StageError::NoStore(why)) => Err(Refusal::NoStore(why)),
        Err(StageError::NotOurStore) => Err(Refusal::NotOurStore),
        Err(StageError::NotThisAccount(_)) => Err(Refusal::NotThisAccount),
        Err(error) => {
            tracing::warn!(%error, "a control did not work");
            Err(Refusal::Failed)
        }
    }
}

/// How much the background sends. It is a load on the servers: who may strike them may do this.
pub(super) async fn traffic(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Bytes,
) -> Done {
    if house.rules.read_only {
        return Err(Refusal::ReadOnly);
    }
    let order: Order = ordered(&house, &headers, &body)?;
    if !order.is_bounded() {
        return Err(Refusal::Body);
    }
    house.traffic.order(order);
    house.live.poke();
    Ok(Json(serde_json::json!({})))
}

/// Where the presenter of a room is. Breaks nothing, so that it works on a locked board as well.
pub(super) async fn setting(
    State(house): State<Arc<House>>,
    headers: HeaderMap,
    body: Bytes,
) -> Done {
    let setting: Setting = ordered(&house, &headers, &body)?;
    if !house.rules.room || !setting.is_sound() {
        return Err(Refusal::Body);
    }
    house.live.set(setting);
    Ok(Json(serde_json::json!({})))
}
