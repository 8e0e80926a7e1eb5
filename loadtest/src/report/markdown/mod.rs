//! The report as Markdown: the same sentences and tables, for a README, an issue or a review.
//! Long because its sections are short and stand in their order.

pub(crate) mod choose;
mod cost;
mod parts;

use std::fmt::Write;

use super::headline::{self, COLUMNS};
use super::lag;
use super::mark::Mark;
use super::sweeps::Table;
use super::view::{self, View, letter};
use super::{Options, advice, against, findings, ladder, observed, titles, validity, words};
use crate::record::{Arm, EventStory, Hop, Wanted};
use choose::{Sections, anchor, group_id};
use parts::{list, marked, table, text};

/// Everything.
pub(crate) fn render(view: View<'_>, options: &Options) -> String {
    let mut page = format!("# {}\n\n", text(&titles::page(view)));
    page += &summary(view);
    page += &list(
        "What carries over to your stack",
        &advice::carries_over(view),
    );
    page += &list("What does not", &advice::stays_here(view));
    let matters = advice::does_it_matter(view, options.handler_ms);
    page += &list("Does the cost matter?", &matters);
    if let Some(other) = &options.against {
        page += &beside(view, View::new(other));
    }
    if view.watched() {
        page += &ways(view);
        page += &matrix(view);
        page += &hops(view);
        page += &revocations(view);
    }
    page += &anchor("cost");
    page += &cost::costs(view);
    page += &rungs(view);
    page += &doubts(view);
    page += &how(view);
    page
}

/// Sentences, one a line, in a paragraph of their own.
pub(crate) fn lines(lines: &[String]) -> String {
    let lines = lines.iter().map(|line| text(line) + "\n");
    lines.collect::<String>() + "\n"
}

/// Sentences as points of a list; nothing where there are none.
pub(crate) fn points(lines: &[String]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let points = lines.iter().map(|line| format!("- {}\n", text(line)));
    points.collect::<String>() + "\n"
}

/// A table under its title, as a block of some other page.
pub(crate) fn block(found: &Table) -> String {
    let rows = found.rows.iter();
    let rows = rows.map(|row| row.iter().map(|cell| text(cell)).collect());
    format!(
        "**{}**\n\n{}{}\n\n",
        text(&found.title),
        table(&found.head, rows.collect()),
        text(&found.foot)
    )
}

/// Which to choose; costs from another run are linked to where that is.
fn ways(view: View<'_>) -> String {
    let table = choose::choose(view, view, &Sections::default());
    format!("{}## Which to choose\n\n{table}", anchor("choose"))
}

/// This run held against another.
fn beside(here: View<'_>, there: View<'_>) -> String {
    let found = against::against(here, there);
    let mut page = format!("## Beside the other run: {}\n\n", text(&found.title()));
    let parts = [
        ("Outcomes that differ", found.outcomes),
        ("Cost, as a ratio to each run's own zero line", found.costs),
        ("What else differs between the runs", found.settings),
    ];
    for (title, pairs) in parts.into_iter().filter(|(_, pairs)| !pairs.is_empty()) {
        let row = |pair: against::Pair| {
            [&pair.what, &pair.here, &pair.there, pair.verdict]
                .map(text)
                .to_vec()
        };
        let rows = pairs.into_iter().map(row).collect();
        let head = ["", "this run", "the other", "this one is"];
        let _ = writeln!(page, "### {title}\n\n{}", table(&head, rows));
    }
    page
}

/// What page one shows first: validity, findings, the headline table and its notes.
pub(crate) fn summary(view: View<'_>) -> String {
    let judged: Vec<_> = validity::all(view)
        .into_iter()
        .map(|judged| {
            let because = judged
                .because
                .map_or_else(String::new, |why| format!(" ({})", text(&why)));
            let name = validity::name(judged.section);
            format!("**{}**: {name}{because}", validity::words(judged.validity))
        })
        .collect();
    let mut page = format!(
        "{}\n\n{}\n\n",
        judged.join(" · "),
        text(&advice::setting(view))
    );
    for (at, finding) in findings::findings(view).iter().enumerate() {
        let _ = writeln!(
            page,
            "{}. **{}** {}",
            at + 1,
            text(&finding.head),
            text(&finding.body)
        );
    }
    page += "\n";
    if view.watched() {
        page += &headline_table(view);
    }
    for note in advice::footnotes(view) {
        let _ = writeln!(page, "{}\n", text(&note));
    }
    page
}

fn headline_table(view: View<'_>) -> String {
    let rows = headline::rows(view).into_iter().map(|row| {
        let marks = row.marks.iter().map(marked);
        std::iter::once(text(&row.label)).chain(marks).collect()
    });
    let head = std::iter::once("Log in on server A. Then …").chain(COLUMNS);
    table(&head.collect::<Vec<_>>(), rows.collect())
}

fn matrix(view: View<'_>) -> String {
    let mut page = anchor("matrix");
    let _ = writeln!(page, "## {}\n", text(&titles::matrix(view)));
    page += "● as one would wish, ◐ in part, ○ not at all, – nothing observed; \
             = as computed beforehand, ≠ not as computed.\n\n";
    let events = view.events();
    let mut groups: Vec<_> = events.iter().map(|event| event.group).collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let of_group: Vec<_> = events.iter().filter(|event| event.group == group).collect();
        let head: Vec<_> = std::iter::once("arm".to_owned())
            .chain(of_group.iter().map(|event| text(&event.label)))
            .collect();
        let head: Vec<_> = head.iter().map(String::as_str).collect();
        let rows = view.run_arms().into_iter().map(|arm| {
            let cells = of_group.iter().map(|event| cell(view, arm, event));
            std::iter::once(text(&view.full_label(arm)))
                .chain(cells)
                .collect()
        });
        page += &anchor(group_id(group));
        let _ = writeln!(page, "### {}\n", words::capital(view::group(group)));
        page += &table(&head, rows.collect());
    }
    let missing: Vec<_> = view
        .missing_arms()
        .into_iter()
        .map(|(arm, because)| format!("{} ({}): {because}", view.full_label(arm), arm.arm))
        .chain(view.not_run().into_iter().map(|(arm, because, events)| {
            format!("{arm}: {}, because {because}", words::join(&events))
        }))
        .collect();
    if !missing.is_empty() {
        page += &list("Not run, and why", &missing);
    }
    page
}

fn cell(view: View<'_>, arm: &Arm, event: &EventStory) -> String {
    let parts = observed::of(view, arm, event);
    let parts: Vec<_> = match parts.as_slice() {
        [one] => vec![marked(&one.mark)],
        many => many
            .iter()
            .map(|part| format!("{}: {}", text(&words::join(&part.who)), marked(&part.mark)))
            .collect(),
    };
    parts.join("<br>")
}

fn hops(view: View<'_>) -> String {
    let wanted = |hop: &&Hop| view.event(&hop.event).wanted == Wanted::Recognised;
    let mut page = format!("## {}\n\n", text(&titles::hops(view)));
    let rows = view.record.hops.iter().filter(wanted).map(|hop| {
        vec![
            text(&hop.arm),
            text(&hop.event),
            text(hop.variant.as_deref().unwrap_or("")),
            view::client(hop.client).to_owned(),
            letter(&hop.login_instance),
            letter(&hop.answering_instance),
            words::count(hop.recognised),
            words::count(hop.refused),
            words::count(hop.failed),
        ]
    });
    page += &table(
        &[
            "arm",
            "event",
            "variant",
            "client",
            "login at",
            "asked",
            "recognised",
            "refused",
            "failed",
        ],
        rows.collect(),
    );
    page
}

fn revocations(view: View<'_>) -> String {
    let mut page = anchor("log-out");
    let _ = writeln!(page, "## {}\n", text(&titles::lags(view)));
    let rows = view.record.revocations.iter().map(|row| {
        let lag = lag::lag(row);
        let mark = Mark::new(lag.tone(), lag.statement()).judged(row.as_expected, &row.expected);
        let at_least = if row.censored { "≥ " } else { "" };
        vec![
            text(&row.arm),
            text(&view.event(&row.event).label),
            letter(&row.instance),
            text(&row.expected),
            marked(&mark),
            format!("{at_least}{}", words::duration_ms(row.lag_ms)),
            words::count(row.accepted_after),
        ]
    });
    page += &table(
        &[
            "arm",
            "event",
            "asked",
            "promised",
            "what it did",
            "lag",
            "accepted after",
        ],
        rows.collect(),
    );
    page
}

/// The ladder; nothing where none was measured.
fn rungs(view: View<'_>) -> String {
    let blocks = ladder::blocks(view);
    if blocks.is_empty() {
        return String::new();
    }
    let mut page = format!(
        "## What one check costs, rung by rung\n\n{}\n\n",
        ladder::ABOUT
    );
    for block in blocks {
        let size = words::count(block.claims_bytes);
        let _ = writeln!(page, "Claims of about {size} bytes:\n");
        let arms = block.arms.iter().map(|arm| view.short_label_of(arm));
        let head: Vec<String> = std::iter::once("rung".to_owned()).chain(arms).collect();
        let rows = block.rungs.into_iter().map(|(rung, times)| {
            let times = times
                .into_iter()
                .map(|time| time.unwrap_or_else(|| "–".to_owned()));
            std::iter::once(rung.to_owned()).chain(times).collect()
        });
        let head: Vec<&str> = head.iter().map(String::as_str).collect();
        page += &table(&head, rows.collect());
    }
    page
}

fn doubts(view: View<'_>) -> String {
    let doubts = view.record.doubts.iter();
    let lines: Vec<_> = doubts
        .map(|doubt| format!("{} ({})", doubt.text, doubt.about))
        .collect();
    match lines.is_empty() {
        true => {
            "## Doubts\n\nThe run noted none, which is no proof that there is none.\n\n".to_owned()
        }
        false => list("Doubts", &lines),
    }
}

fn how(view: View<'_>) -> String {
    let environment = &view.record.environment;
    let versions: Vec<_> = environment
        .versions
        .iter()
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    let facts = [
        format!(
            "{}, {} cores, {}",
            environment.cpu,
            environment.cores,
            words::bytes(environment.memory_bytes)
        ),
        environment.kernel.clone(),
        format!(
            "{}, {} build, commit {}",
            environment.rustc, environment.profile, environment.commit
        ),
        versions.join(", "),
    ];
    let facts: Vec<_> = facts.into_iter().filter(|fact| !fact.is_empty()).collect();
    let mut page = list("How it was run", &facts);
    let _ = writeln!(
        page,
        "```sh\n{}\n```",
        advice::command(view).replace("```", "` ` `")
    );
    page
}
