//! Where a connection finds its next request: pacing as data, the one place in which an open and a
//! closed loop differ.

use super::draws::Draws;
use super::request::CredentialKind;
use super::schedule::Entry;

/// A request that a connection has taken upon itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    /// When to send it.
    pub(super) due_ns: u64,
    pub(super) index: u32,
    pub(super) visitor: u32,
    pub(super) kind: CredentialKind,
}

/// Requests for the connections to one address, in order.
pub(super) enum Source {
    /// Each at its own time, whether earlier ones are answered or not.
    ///
    /// A connection that is free takes the next one, early enough to sleep until it is due:
    /// together they serve as one queue with many counters, and no dispatcher stands between.
    Open {
        entries: std::vec::IntoIter<Entry>,
        length_ns: u64,
    },
    /// Each some time after the answer to the one before.
    Closed {
        draws: Box<dyn Iterator<Item = (u32, CredentialKind)>>,
        think_ns: u64,
        length_ns: u64,
        index: u32,
    },
}

impl Source {
    /// These requests, each at its time.
    pub(super) fn open(entries: Vec<Entry>, length_ns: u64) -> Source {
        Source::Open {
            entries: entries.into_iter(),
            length_ns,
        }
    }

    /// Requests without end for those visitors who go to one address.
    pub(super) fn closed(
        mut draws: Draws,
        goes_here: impl Fn(u32, CredentialKind) -> bool + 'static,
        think_ns: u64,
        length_ns: u64,
    ) -> Source {
        let draws = std::iter::repeat_with(move || draws.draw());
        Source::Closed {
            draws: Box::new(draws.filter(move |(visitor, kind)| goes_here(*visitor, *kind))),
            think_ns,
            length_ns,
            index: 0,
        }
    }

    /// The next request for a connection that is free since `now_ns`; none if the time is over.
    pub(super) fn next(&mut self, now_ns: u64) -> Option<Ticket> {
        match self {
            Source::Open { entries, length_ns } => {
                if now_ns > *length_ns {
                    return None;
                }
                entries.next().map(|entry| Ticket {
                    due_ns: entry.intended_ns,
                    index: entry.index,
                    visitor: entry.visitor,
                    kind: entry.kind,
                })
            }
            Source::Closed {
                draws,
                think_ns,
                length_ns,
                index,
            } => {
                let due_ns = now_ns + *think_ns;
                if due_ns >= *length_ns {
                    return None;
                }
                let (visitor, kind) = draws.next()?;
                *index = index.wrapping_add(1);
                Some(Ticket {
                    due_ns,
                    index: *index - 1,
                    visitor,
                    kind,
                })
            }
        }
    }
}
