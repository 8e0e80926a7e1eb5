//! The checker: replays a history and finds what no promise and no fault explains.
//!
//! It knows what an arm promises and what struck when, and nothing of servers or clients; so it can
//! be tried on histories with planted violations, and on the history of an earlier soak again.
//!
//! Three rules. Who logged out is not recognised any more, where the arm promises that. Who did not
//! is not refused. And every answer that is neither has a fault that explains it.

use std::collections::BTreeMap;
use std::fmt;

use super::history::{Asked, Came, Fault, Line, Moment, Struck, What};

/// What an arm promises, as far as a soak can see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promise {
    /// Within how much of the answer to a log-out nobody recognises the login any more; none where
    /// nobody hears of it.
    pub ended_within_us: Option<Moment>,
    /// How long a login lives, if anything ends it by itself.
    pub life_us: Option<Moment>,
    /// How much earlier or later an expiry may come: token times count whole seconds.
    pub expiry_step_us: Moment,
    /// Whether the logins themselves are in the store.
    pub logins_in_store: bool,
    /// Whether log-outs are remembered in the store alone, so that one that is emptied forgets
    /// them.
    pub log_outs_in_store: bool,
    /// Whether a request asks the store.
    pub asks_store: bool,
}

/// How long after a blow the balancer may still send requests to the one who was struck.
///
/// Checks come every 200 ms and two must fail; the rest is for a machine that is busy with all of
/// this. How long it takes is for the matrix to say.
pub const BALANCER_SEES_WITHIN_US: Moment = 3_000_000;

/// How long after the store is back requests may still fail, on such a machine.
pub const STORE_FOUND_WITHIN_US: Moment = 3_000_000;

/// What nothing explains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which rule was broken.
    pub rule: Rule,
    /// By which answer.
    pub asked: Asked,
}

/// The rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Recognised after its log-out was acknowledged.
    EndedIsEnded,
    /// Recognised after it expired.
    ExpiredIsEnded,
    /// Refused although nothing had ended it.
    NothingIsLost,
    /// Failed although nothing had struck those who were asked.
    EverythingIsExplained,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = match self.rule {
            Rule::EndedIsEnded => "recognised after its log-out was acknowledged",
            Rule::ExpiredIsEnded => "recognised after it expired",
            Rule::NothingIsLost => "refused although nothing had ended it",
            Rule::EverythingIsExplained => "failed although nothing explains it",
        };
        let Asked {
            arm,
            login,
            what,
            sent_us,
            reason,
            served_by,
            ..
        } = &self.asked;
        let seconds = *sent_us as f64 / 1e6;
        write!(
            f,
            "{arm}, login {login}: {rule} ({what:?} at {seconds:.3} s, {reason}, by {served_by})"
        )
    }
}

/// What is known of one login.
#[derive(Debug, Default)]
struct Known {
    /// When it was asked for, and when that was answered.
    made: Option<(Moment, Moment)>,
    /// When a log-out was first tried: from then on it may have ended.
    perhaps_ended: Option<Moment>,
    /// When a log-out was first acknowledged, and when that one was sent.
    ended: Option<(Moment, Moment)>,
}

/// Replays a history. Promises are by the names of arms; lines of other arms are left alone.
pub fn check(history: &[Line], promises: &BTreeMap<String, Promise>) -> Vec<Violation> {
    let mut strikes: BTreeMap<&str, Vec<&Struck>> = BTreeMap::new();
    for line in history {
        if let Line::Struck(struck) = line {
            strikes.entry(&struck.arm).or_default().push(struck);
        }
    }
    // What happened is judged in the order in which it was sent; answers overlap.
    let mut asked: Vec<_> = history
        .iter()
        .filter_map(|line| match line {
            Line::Asked(asked) => Some(asked),
            Line::Struck(_) => None,
        })
        .collect();
    asked.sort_by_key(|asked| asked.sent_us);
    let logins = known(&asked);
    let found = asked.into_iter().filter_map(|asked| {
        let promise = promises.get(&asked.arm)?;
        let known = logins.get(&(asked.arm.as_str(), asked.login))?;
        let strikes = strikes
            .get(asked.arm.as_str())
            .map_or(&[][..], |strikes| strikes);
        let rule = broken(asked, known, &Arm { promise, strikes })?;
        Some(Violation {
            rule,
            asked: asked.clone(),
        })
    });
    found.collect()
}

fn known<'a>(asked: &[&'a Asked]) -> BTreeMap<(&'a str, u32), Known> {
    let mut logins: BTreeMap<_, Known> = BTreeMap::new();
    for asked in asked {
        let known = logins.entry((asked.arm.as_str(), asked.login)).or_default();
        let (sent, answered) = (asked.sent_us, asked.answered_us);
        match (asked.what, asked.came) {
            (What::LogIn, Came::Done) => known.made = Some((sent, answered)),
            (What::LogOut, came) => {
                known.perhaps_ended = known.perhaps_ended.or(Some(sent));
                if came == Came::Done {
                    known.ended = known.ended.or(Some((sent, answered)));
                }
            }
            _ => {}
        }
    }
    logins
}

/// An arm, and what struck it during the soak.
struct Arm<'a> {
    promise: &'a Promise,
    strikes: &'a [&'a Struck],
}

fn broken(asked: &Asked, known: &Known, arm: &Arm<'_>) -> Option<Rule> {
    match asked.came {
        Came::Done if asked.what != What::WhoAmI => None,
        Came::Done => arm.may_recognise(asked, known).err(),
        // A password that is right is never wrong.
        Came::Refused if asked.what == What::LogIn => Some(Rule::NothingIsLost),
        Came::Refused => (!arm.may_refuse(asked, known)).then_some(Rule::NothingIsLost),
        Came::Failed => (!arm.may_fail(asked)).then_some(Rule::EverythingIsExplained),
    }
}

impl Arm<'_> {
    fn may_recognise(&self, asked: &Asked, known: &Known) -> Result<(), Rule> {
        let promise = self.promise;
        if let (Some((_, made)), Some(life)) = (known.made, promise.life_us)
            && asked.sent_us > made + life + promise.expiry_step_us
        {
            return Err(Rule::ExpiredIsEnded);
        }
        let (Some((sent, answered)), Some(within)) = (known.ended, promise.ended_within_us) else {
            return Ok(());
        };
        let forgotten = promise.log_outs_in_store && self.emptied_between(sent, asked.answered_us);
        match asked.sent_us > answered + within && !forgotten {
            true => Err(Rule::EndedIsEnded),
            false => Ok(()),
        }
    }

    fn may_refuse(&self, asked: &Asked, known: &Known) -> bool {
        let promise = self.promise;
        // A login that was never made deserves nothing.
        let Some((begun, _)) = known.made else {
            return true;
        };
        let hears = promise.ended_within_us.is_some();
        // A log-out is no reason to refuse itself.
        let by = match asked.what {
            What::LogOut => asked.sent_us,
            What::LogIn | What::WhoAmI => asked.answered_us,
        };
        let ended = known.perhaps_ended.is_some_and(|ended| ended < by) && hears;
        let expires = promise.life_us.map(|life| begun + life);
        let expired = expires.is_some_and(|at| asked.answered_us + promise.expiry_step_us >= at);
        let gone = promise.logins_in_store && self.emptied_between(begun, asked.answered_us);
        ended || expired || gone
    }

    /// Whether the store lost what it held since `from`, before `to`.
    fn emptied_between(&self, from: Moment, to: Moment) -> bool {
        let emptied = |strike: &&Struck| {
            strike.fault == Fault::StoreEmptied && strike.from_us <= to && strike.to_us >= from
        };
        self.strikes.iter().any(emptied)
    }

    fn may_fail(&self, asked: &Asked) -> bool {
        let answered = asked
            .reason
            .starts_with(|first: char| first.is_ascii_digit());
        let temporary = !answered || asked.reason.starts_with("50");
        temporary
            && self
                .strikes
                .iter()
                .any(|strike| self.explains(strike, asked))
    }

    fn explains(&self, strike: &Struck, asked: &Asked) -> bool {
        let last = match strike.fault {
            Fault::Killed | Fault::Frozen => strike.from_us + BALANCER_SEES_WITHIN_US,
            Fault::StoreKilled | Fault::StoreEmptied | Fault::StoreFrozen
                if self.promise.asks_store =>
            {
                strike.to_us + STORE_FOUND_WITHIN_US
            }
            // Whoever keeps what the store said for a while misses it for as long, later.
            Fault::StoreLate | Fault::InstanceLate if self.promise.asks_store => {
                strike.to_us + self.promise.ended_within_us.unwrap_or(0)
            }
            // A drain, and a key that everybody knows before it is used, are promised to be
            // noticed by nobody.
            _ => return false,
        };
        // On its way when it struck, or sent before everybody knew.
        asked.answered_us >= strike.from_us && asked.sent_us <= last
    }
}

#[cfg(test)]
mod tests;
