//! The route that this server adds: `/lab/counter`, one change of a session's record, to be raced
//! against another. The application guards everything under `/lab`.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use app::{Memory as _, Problem, Reason};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::oneshot;
use tower_sessions::Session;

use crate::memory::SessionMemory;

/// The name of the count in a session's record.
const COUNT: &str = "count";
/// How long a request is held at most.
const HELD_FOR_MAX: Duration = Duration::from_secs(5);

/// The route, to be put behind tower-sessions' layer.
pub(crate) fn counter(memory: SessionMemory, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/lab/counter", post(count))
        .with_state((memory, gate))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    /// Read the record, then wait until so many requests to this instance have read theirs.
    #[serde(default)]
    barrier: usize,
}

/// `POST /lab/counter`: adds one to the count in the session's record. The record is read here
/// and saved by tower-sessions' layer after this handler, as with any session.
async fn count(
    State((memory, gate)): State<(SessionMemory, Arc<Gate>)>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    memory.recall(&mut parts).await.map_err(|problem| {
        let challenge = memory.challenge();
        problem.challenge(challenge)
    })?;
    let Count { barrier } = app::body::json(&parts.headers, body).await?;
    let session: &Session = parts.extensions.get().ok_or(Reason::Internal)?;
    let internal = |_| Problem::from(Reason::Internal);
    let count: u64 = session.get(COUNT).await.map_err(internal)?.unwrap_or(0);
    let met = gate.pass(barrier).await;
    session.insert(COUNT, count + 1).await.map_err(internal)?;
    Ok(Json(json!({ "count": count + 1, "met": met })).into_response())
}

/// Holds requests until there are enough of them.
#[derive(Debug, Default)]
pub(crate) struct Gate(Mutex<Vec<oneshot::Sender<()>>>);

impl Gate {
    /// How many requests wait here.
    pub(crate) fn held(&self) -> u64 {
        self.waiting().len() as u64
    }

    /// Waits until `enough` requests wait here, this one included. False: too long.
    async fn pass(&self, enough: usize) -> bool {
        let Some(opened) = self.wait(enough) else {
            return true;
        };
        tokio::time::timeout(HELD_FOR_MAX, opened).await.is_ok()
    }

    fn wait(&self, enough: usize) -> Option<oneshot::Receiver<()>> {
        let mut held = self.waiting();
        if held.len() + 1 < enough {
            let (open, opened) = oneshot::channel();
            held.push(open);
            return Some(opened);
        }
        if enough > 0 {
            for open in held.drain(..) {
                // Who gave up in this very moment is not waiting any more.
                let _ = open.send(());
            }
        }
        None
    }

    /// Those who gave up do not count.
    fn waiting(&self) -> MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|waiting| !waiting.is_closed());
        held
    }
}
