//! `concurrent-writes`: many requests of one login change its record at once.
//!
//! All of them read the record before the first writes it: the lab sees to that. Whoever writes
//! without looking overwrites the others, and tells every one of them that all went well.

use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::{LocalBoxFuture, join_all};
use serde_json::json;

use super::{Event, Needs, Play};
use crate::answer::{Outcome, Wanted as Answered};
use crate::arms::{Arm, State, Written};
use crate::crowd::Company;
use crate::expected::Happening;
use crate::expected::circumstance::Circumstance;
use crate::pools::INSTANCES;
use crate::record::{CameOut, Group, Wanted, Wish};
use crate::tally::Observed;
use crate::visitors::{http, steadfast};

/// The event.
pub static EVENT: Event = Event {
    name: "concurrent-writes",
    label: "100 changes at once",
    story: "100 requests of one login add one to a count in its record, on A and, where the record \
            is shared, on B too, all after all have read it; then the count is read.",
    group: Group::HostileAndRacing,
    wanted: Wanted::Recognised,
    needs: Needs::Lab,
    play: Play::SomeVisitors { why_not, play },
};

/// Changes at once.
const CHANGES: usize = 100;

/// How long one may take: the lab holds each until all are there, for five seconds at most.
const PATIENCE: Duration = Duration::from_secs(20);

fn why_not(arm: &Arm) -> Option<&'static str> {
    let nothing = arm.properties.written == Written::Nothing;
    nothing.then_some("no record is kept that could be changed")
}

fn play(company: &mut Company) -> LocalBoxFuture<'_, anyhow::Result<Vec<Observed>>> {
    Box::pin(async move {
        company.scene.settled().await?;
        let scene = &company.scene;
        let (lab, properties) = (scene.lab()?, &scene.arm.properties);
        let holder = company.holders(INSTANCES[0], 1).await?.pop();
        let holder = holder.context("one login was asked for")?;
        let at = match properties.state {
            State::Store => &INSTANCES[..],
            _ => &INSTANCES[..1],
        };
        let each = CHANGES / at.len();
        let http = http().timeout(PATIENCE).build()?;
        let change = |name: &str, barrier| {
            let counting = lab.counting(&http, &scene.direct(name), barrier);
            holder.ticket.carried_by(counting, Answered::Success)
        };
        let names = at.iter().flat_map(|name| std::iter::repeat_n(*name, each));
        let answers = join_all(names.map(|name| change(name, each))).await;

        let read = change(at[0], 0).await;
        let count = read.body["count"].as_u64();
        let count = count.with_context(|| format!("the count was answered {}", read.reason))?;
        let written = count - 1;
        let mut cell = Observed::new(EVENT.name, Happening::WrittenAtOnce, steadfast(scene.arm));
        let mut visited = holder.visited();
        for answer in answers {
            visited.note(answer, Circumstance::Contended);
        }
        let with = |outcome| {
            visited
                .answers
                .iter()
                .filter(move |it| it.outcome == outcome)
        };
        let done = with(Outcome::Recognised).count() as u64;
        let told = with(Outcome::Refused).filter(|it| it.reason == "409 conflict");
        let told = told.count() as u64;
        cell.wrong = broken(properties.loses_changes(), done, told, written);
        cell.outcome = Some(came_out(done, told, written));
        cell.more.insert("written".to_owned(), json!(written));
        cell.visits.push(visited);
        Ok(vec![cell])
    })
}

fn broken(loses: bool, done: u64, told: u64, written: u64) -> Option<String> {
    if done + told != CHANGES as u64 {
        let others = CHANGES as u64 - done - told;
        return Some(format!(
            "{others} changes were answered neither 200 nor 409"
        ));
    }
    match (loses, done > written) {
        (false, _) if done != written => Some(format!(
            "{done} changes were answered with 200, and {written} are there"
        )),
        (true, false) => Some("nothing was lost although everything is written".to_owned()),
        _ => None,
    }
}

fn came_out(done: u64, told: u64, written: u64) -> CameOut {
    let lost = done.saturating_sub(written);
    let (words, wish) = match lost {
        0 => (
            format!("{done} of {CHANGES} written, {told} told to try again, none lost"),
            Wish::Granted,
        ),
        lost => (
            format!("{done} of {CHANGES} answered with 200, {lost} of them lost"),
            Wish::Denied,
        ),
    };
    CameOut { words, wish }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_written_or_told_and_only_who_declares_it_loses_any() {
        assert_eq!(broken(false, 1, 99, 1), None);
        assert_eq!(broken(true, 100, 0, 1), None);
        assert!(broken(false, 2, 98, 1).is_some_and(|why| why.contains("1 are there")));
        assert!(broken(false, 1, 98, 1).is_some_and(|why| why.starts_with("1 changes")));
        assert!(broken(true, 100, 0, 100).is_some());
        assert_eq!(came_out(1, 99, 1).wish, Wish::Granted);
        assert_eq!(came_out(100, 0, 1).wish, Wish::Denied);
    }
}
