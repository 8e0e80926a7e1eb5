//! Is an instance one to send requests to? Asked at an interval, on a connection of its own, so
//! that the answer says something of the instance and nothing of the rotation.

use std::sync::{Arc, Weak};
use std::time::Duration;

use http::StatusCode;

use super::control::UpstreamHealth;
use super::upstream::Upstream;
use crate::probe::{self, Readiness};

/// How long an instance may take to say that it is ready. Not shorter with a shorter interval: a
/// machine that is busy is slow, which is not the same as down.
const CHECK_WAIT: Duration = Duration::from_secs(1);

/// How many checks in a row it takes to believe that an instance is gone, or back.
const IN_A_ROW: u32 = 2;

/// Checks `upstream` once, and goes on until nobody else holds it.
pub(super) async fn watch(upstream: Arc<Upstream>, interval: Duration) {
    let mut record = Record::default();
    check(&upstream, &mut record).await;
    let upstream = Arc::downgrade(&upstream);
    tokio::spawn(go_on(upstream, record, interval));
}

async fn go_on(upstream: Weak<Upstream>, mut record: Record, interval: Duration) {
    loop {
        tokio::time::sleep(interval).await;
        let Some(upstream) = upstream.upgrade() else {
            return;
        };
        check(&upstream, &mut record).await;
        upstream.sweep();
    }
}

async fn check(upstream: &Upstream, record: &mut Record) {
    let readiness = probe::ready(upstream.address, CHECK_WAIT).await;
    let said = said(readiness, &upstream.served_by);
    let health = record.judge(upstream.health(), said);
    upstream.set_health(health);
}

#[derive(Debug, Clone, Copy)]
enum Said {
    Ready,
    NotReady,
    Nothing,
}

fn said(readiness: Option<Readiness>, served_by: &str) -> Said {
    let Some(Readiness {
        status,
        served_by: who,
    }) = readiness
    else {
        return Said::Nothing;
    };
    // The port of an instance that died may have become somebody else's.
    if who.is_some_and(|who| who != served_by) {
        return Said::Nothing;
    }
    match status {
        StatusCode::OK => Said::Ready,
        StatusCode::SERVICE_UNAVAILABLE => Said::NotReady,
        _ => Said::Nothing,
    }
}

/// What came in a row.
#[derive(Debug, Default)]
struct Record {
    ready: u32,
    silent: u32,
}

impl Record {
    fn judge(&mut self, health: UpstreamHealth, said: Said) -> UpstreamHealth {
        let (ready, silent) = match said {
            Said::Ready => (self.ready + 1, 0),
            Said::NotReady => (0, 0),
            Said::Nothing => (0, self.silent + 1),
        };
        (self.ready, self.silent) = (ready, silent);
        match (said, health) {
            // The first word on an instance is all there is to go by.
            (Said::Ready, UpstreamHealth::Unknown) => UpstreamHealth::Up,
            (Said::Nothing, UpstreamHealth::Unknown) => UpstreamHealth::Down,
            (Said::Ready, _) if ready >= IN_A_ROW => UpstreamHealth::Up,
            (Said::Nothing, _) if silent >= IN_A_ROW => UpstreamHealth::Down,
            // It says so itself: there is nothing to be made sure of by asking twice.
            (Said::NotReady, _) => UpstreamHealth::Draining,
            (_, health) => health,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use UpstreamHealth::{Down, Draining, Unknown, Up};

    fn judged(says: &[Said]) -> Vec<UpstreamHealth> {
        let mut record = Record::default();
        let mut health = Unknown;
        let mut judged = Vec::new();
        for &said in says {
            health = record.judge(health, said);
            judged.push(health);
        }
        judged
    }

    #[test]
    fn two_in_a_row_to_go_down_and_two_to_come_back() {
        use Said::{NotReady, Nothing, Ready};
        assert_eq!(judged(&[Ready, Nothing, Nothing]), [Up, Up, Down]);
        assert_eq!(judged(&[Ready, Nothing, Ready, Nothing]), [Up, Up, Up, Up]);
        assert_eq!(judged(&[Nothing, Ready, Ready]), [Down, Down, Up]);
        assert_eq!(judged(&[Nothing, Ready, Nothing, Ready]), [Down; 4]);
        assert_eq!(
            judged(&[Ready, NotReady, Ready, Ready]),
            [Up, Draining, Draining, Up]
        );
        assert_eq!(
            judged(&[Ready, NotReady, Nothing, Nothing]),
            [Up, Draining, Draining, Down]
        );
    }

    #[test]
    fn an_answer_of_somebody_else_is_none() {
        let readiness = |who: &str| {
            Some(Readiness {
                status: StatusCode::OK,
                served_by: Some(who.to_owned()),
            })
        };
        assert!(matches!(said(readiness("jwt-a"), "jwt-a"), Said::Ready));
        assert!(matches!(said(readiness("jwt-b"), "jwt-a"), Said::Nothing));
        assert!(matches!(said(None, "jwt-a"), Said::Nothing));
    }
}
