//! What strikes the servers of everybody: acts, the background's load, and where a room is. Each
//! needs the token that stands in the page. And the way to a pool, which is started when somebody
//! first wants to see it.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::HeaderMap;

use super::House;
use super::guard;
use super::refusal::Refusal;
use super::room::Setting;
use super::stage::{Act, Pool, StageError, Way};
use super::traffic::Order;
use super::viewers::ViewerId;

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
    // In a task of its own: a page that is closed meanwhile must not leave an act half done.
    let live = Arc::clone(&house.live);
    let acted = tokio::spawn(async move { live.act(act).await });
    match acted.await.map_err(|_| Refusal::Failed)? {
        Ok(()) => Ok(Json(serde_json::json!({}))),
        Err(StageError::NoSuchInstance(_)) => Err(Refusal::NoInstance),
        Err(StageError::NoStore(why)) => Err(Refusal::NoStore(why)),
        Err(StageError::NotHere(why)) => Err(Refusal::NotHere(why)),
        Err(StageError::NotOurStore) => Err(Refusal::NotOurStore),
        Err(StageError::NotThisAccount(_)) => Err(Refusal::NotThisAccount),
        Err(error) => {
            tracing::warn!(%error, "a control did not work");
            Err(Refusal::Failed)
        }
    }
}

/// Starts a pool that nobody asked yet, so that there is something to see.
pub(super) async fn open(
    State(house): State<Arc<House>>,
    Path(pool): Path<String>,
    headers: HeaderMap,
) -> Done {
    ViewerId::of(&house, &headers).ok_or(Refusal::NoViewer)?;
    let pool = pool.parse().map_err(|()| Refusal::NotFound)?;
    address(&house, pool, &Way::Direct("a".to_owned()), 0).await?;
    house.live.poke();
    Ok(Json(serde_json::json!({})))
}

/// Where to send a request; starts the pool at its first.
pub(super) async fn address(
    house: &House,
    pool: Pool,
    way: &Way,
    seat: usize,
) -> Result<SocketAddr, Refusal> {
    // In a task of its own: whoever goes away while a pool starts must not leave half of one.
    let (stage, way) = (Arc::clone(&house.stage), way.clone());
    let found = tokio::spawn(async move { stage.address(pool, &way, seat).await });
    match found.await.map_err(|_| Refusal::Failed)? {
        Ok(address) => Ok(address),
        Err(StageError::NoSuchInstance(_)) => Err(Refusal::NoInstance),
        Err(StageError::NoStore(why)) => Err(Refusal::NoStore(why)),
        Err(StageError::NotHere(why)) => Err(Refusal::NotHere(why)),
        Err(error) => {
            tracing::warn!(%error, %pool, "a pool cannot be had");
            Err(Refusal::Silent)
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
