//! Who looks at the board: each browser profile is one viewer, with a seat of its own and with
//! the last credential it held in each place.
//!
//! The credential is kept here because the page cannot keep it: its script may not read an
//! HttpOnly cookie. It stays in memory, for *Send my old login*, and is gone with the process.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use app::Credential;
use axum::http::HeaderMap;

use super::cookies::cookie_in;
use super::place::Place;
use super::{House, random_hex};

/// How many viewers the board knows at a time. The one that was away longest makes room.
pub(super) const SEATS: usize = 64;

/// A viewer's id: 32 hex digits in a cookie of the board's own.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct ViewerId(String);

impl ViewerId {
    pub(super) fn new() -> Self {
        Self(random_hex())
    }

    /// The viewer that a request's cookie names. Browsers send cookies to every port of a host,
    /// so the name carries ours: two boards on one machine do not share their viewers.
    pub(super) fn of(house: &House, headers: &HeaderMap) -> Option<Self> {
        let id = cookie_in(headers, &Self::cookie_name(house))?;
        let well_formed = id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit());
        well_formed.then(|| Self(id.to_owned()))
    }

    /// The `Set-Cookie` value that hands this id out.
    pub(super) fn cookie(&self, house: &House) -> String {
        // Lax, or a link from elsewhere would open the page as a stranger.
        format!(
            "{}={}; HttpOnly; SameSite=Lax; Path=/",
            Self::cookie_name(house),
            self.0
        )
    }

    fn cookie_name(house: &House) -> String {
        format!("svj-viewer-{}", house.port)
    }
}

/// The viewers by id.
#[derive(Default)]
pub(super) struct Viewers {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    viewers: HashMap<ViewerId, Viewer>,
    /// Counts visits; the viewer with the smallest number was away longest.
    visits: u64,
}

struct Viewer {
    seat: usize,
    visit: u64,
    kept: HashMap<Place, Kept>,
}

/// What a viewer holds in one place, and what they held before.
#[derive(Default)]
struct Kept {
    now: Option<Credential>,
    old: Option<Credential>,
}

/// What an answer did to the viewer's credential in a place.
pub(super) enum Change {
    /// It handed out this one.
    HandedOut(Credential),
    /// It took back what the viewer held: they logged out, or the cookie was removed.
    TakenBack,
}

impl Viewers {
    /// The viewer's seat, one of [`SEATS`].
    pub(super) fn seat(&self, id: &ViewerId) -> usize {
        self.with(id, |viewer| viewer.seat)
    }

    /// Notes what an answer did.
    pub(super) fn note(&self, id: &ViewerId, place: &Place, change: Change) {
        self.with(id, |viewer| {
            let kept = viewer.kept.entry(place.clone()).or_default();
            let before = kept.now.take();
            if before.is_some() {
                kept.old = before;
            }
            if let Change::HandedOut(credential) = change {
                kept.now = Some(credential);
            }
        });
    }

    /// The credential that *Send my old login* sends: the one held before the present one, or
    /// the present one where there was none before.
    pub(super) fn old(&self, id: &ViewerId, place: &Place) -> Option<Credential> {
        self.with(id, |viewer| viewer.kept.get(place)?.old_or_now())
    }

    /// The places of which there is an old credential.
    pub(super) fn places_with_old(&self, id: &ViewerId) -> Vec<Place> {
        self.with(id, |viewer| {
            let mut places: Vec<Place> = viewer.kept.keys().cloned().collect();
            places.sort();
            places
        })
    }

    fn with<T>(&self, id: &ViewerId, f: impl FnOnce(&mut Viewer) -> T) -> T {
        // A panic in one handler must not shut out everybody else; the table is never half done.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.visits += 1;
        let visit = table.visits;
        if !table.viewers.contains_key(id) {
            let seat = table.free_seat();
            table.viewers.insert(id.clone(), Viewer::new(seat));
        }
        let viewer = table
            .viewers
            .entry(id.clone())
            .or_insert_with(|| Viewer::new(0));
        viewer.visit = visit;
        f(viewer)
    }
}

impl Table {
    fn free_seat(&mut self) -> usize {
        if self.viewers.len() < SEATS {
            return self.viewers.len();
        }
        let away_longest = self.viewers.iter().min_by_key(|(_, viewer)| viewer.visit);
        let id = away_longest.map(|(id, _)| id.clone());
        id.and_then(|id| self.viewers.remove(&id))
            .map_or(0, |viewer| viewer.seat)
    }
}

impl Viewer {
    fn new(seat: usize) -> Self {
        Self {
            seat,
            visit: 0,
            kept: HashMap::new(),
        }
    }
}

impl Kept {
    fn old_or_now(&self) -> Option<Credential> {
        self.old.clone().or_else(|| self.now.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::board::stage::{Pool, Way};

    fn id(n: usize) -> ViewerId {
        ViewerId(format!("{n:032x}"))
    }

    fn credential(text: &str) -> Change {
        Change::HandedOut(Credential::new(text.to_owned()))
    }

    fn place(pool: Pool) -> Place {
        Place::of(pool, &Way::Turns)
    }

    fn old(viewers: &Viewers, pool: Pool) -> Option<String> {
        viewers
            .old(&id(1), &place(pool))
            .map(Credential::into_revealed)
    }

    #[test]
    fn the_old_login_is_the_one_before_the_present_one() {
        let viewers = Viewers::default();
        assert_eq!(old(&viewers, Pool::SessionMemory), None);
        viewers.note(&id(1), &place(Pool::SessionMemory), credential("first"));
        assert_eq!(old(&viewers, Pool::SessionMemory).as_deref(), Some("first"));
        viewers.note(&id(1), &place(Pool::SessionMemory), Change::TakenBack);
        viewers.note(&id(1), &place(Pool::SessionMemory), Change::TakenBack);
        assert_eq!(old(&viewers, Pool::SessionMemory).as_deref(), Some("first"));
        viewers.note(&id(1), &place(Pool::SessionMemory), credential("second"));
        assert_eq!(old(&viewers, Pool::SessionMemory).as_deref(), Some("first"));
        viewers.note(&id(1), &place(Pool::SessionMemory), Change::TakenBack);
        assert_eq!(
            old(&viewers, Pool::SessionMemory).as_deref(),
            Some("second")
        );
        assert_eq!(old(&viewers, Pool::Jwt), None, "places never mix");
    }

    #[test]
    fn seats_are_bounded_and_the_one_away_longest_makes_room() {
        let viewers = Viewers::default();
        for n in 0..SEATS {
            assert_eq!(viewers.seat(&id(n)), n);
        }
        viewers.note(&id(1), &place(Pool::Jwt), credential("kept"));
        assert_eq!(viewers.seat(&id(SEATS)), 0, "viewer 0 was away longest");
        assert_eq!(
            viewers.seat(&id(0)),
            2,
            "and then viewer 2, since 1 was here again"
        );
        assert!(viewers.old(&id(1), &place(Pool::Jwt)).is_some());
    }
}
