//! Sessions in tower-sessions' own `MemoryStore`, as it is shipped: what one gets without asking.
//!
//! It keeps every record for two weeks after its last change, and its memory for ever, whatever
//! `--idle-ms` and `--absolute-ms` say. It saves whatever it is given: a request that was on its
//! way while its login was ended brings the login back, and of two changes one is lost. It cannot
//! be asked whose sessions it holds, or how many.

use app::{Clock, Ended, Login, Role, Status};
use async_trait::async_trait;
use axum::Router;
use serde_json::Value;
use tower_sessions::MemoryStore;

use super::{CookieSettings, Store, Unanswered};
use crate::carry::CarryLayer;
use crate::record;

/// How long tower-sessions keeps a record that has no expiry of its own.
const KEPT_MS: u64 = 14 * 24 * 60 * 60 * 1000;

/// The store as it is shipped.
#[derive(Debug, Clone)]
pub struct StockStore {
    store: MemoryStore,
    clock: Clock,
}

impl StockStore {
    /// An empty store.
    pub fn new(clock: Clock) -> Self {
        Self {
            store: MemoryStore::default(),
            clock,
        }
    }

    /// Other logins of a user are out of reach: they end by themselves.
    fn out_of_reach(&self) -> Ended {
        Ended::At {
            at_ms: self.clock.now_ms() + KEPT_MS,
        }
    }
}

#[async_trait]
impl Store for StockStore {
    fn around(&self, routes: Router, cookie: &CookieSettings, carry: CarryLayer) -> Router {
        super::around(self.store.clone(), routes, cookie, carry)
    }

    fn written(&self, login: &Login) -> Value {
        record::object(login)
    }

    async fn login_begins(&self) -> Result<(), Unanswered> {
        Ok(())
    }

    fn one_ended(&self) -> Ended {
        Ended::Everywhere
    }

    async fn end_all(&self, _: &str) -> Ended {
        self.out_of_reach()
    }

    async fn set_role(&self, _: &str, _: Role) -> Ended {
        self.out_of_reach()
    }

    fn withholds_removals(&self) -> bool {
        false
    }

    fn is_up(&self) -> Option<bool> {
        None
    }

    async fn status(&self) -> Status {
        Status::default()
    }
}
