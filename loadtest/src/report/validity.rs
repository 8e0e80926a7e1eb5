//! How far each part of a report may be believed.
//!
//! The run says it itself where it can; a record without such a row is judged by its data.

use super::view::View;
use crate::doubts::{BLOCKS_ENOUGH, fewest_blocks};
use crate::record::{Group, Measure, Section, SectionValidity, Validity};

/// Share of planned requests that may stay unsent.
const NOT_SENT_SHARE_MAX: f64 = 0.001;

/// Share of the offered rate that has to be achieved.
const ACHIEVED_SHARE_MIN: f64 = 0.99;

/// The judgement of each section, in the order to show them.
pub(crate) fn all(view: View<'_>) -> Vec<SectionValidity> {
    [Section::Survival, Section::Revocation, Section::Cost]
        .map(|section| of(view, section))
        .into()
}

/// The judgement of one section.
pub(crate) fn of(view: View<'_>, section: Section) -> SectionValidity {
    let said = view
        .record
        .validity
        .iter()
        .find(|row| row.section == section);
    said.cloned().unwrap_or_else(|| by_data(view, section))
}

fn by_data(view: View<'_>, section: Section) -> SectionValidity {
    let record = view.record;
    let judged = |validity, because: &str| SectionValidity {
        section,
        validity,
        because: (!because.is_empty()).then(|| because.to_owned()),
    };
    let said = |kind: &str| record.doubts.iter().any(|doubt| doubt.kind == kind);
    if section == Section::Cost && said("cost-invalid") {
        return judged(
            Validity::Invalid,
            "its own checks failed; the doubts say which",
        );
    }
    let empty = match section {
        Section::Survival => {
            let of_survival = |event: &str| view.event(event).group != Group::Revocation;
            !record.cells.iter().any(|cell| of_survival(&cell.event))
        }
        Section::Revocation => record.revocations.is_empty(),
        Section::Cost => record.measures.is_empty(),
    };
    if empty {
        return judged(Validity::NotMeasured, "");
    }
    if section == Section::Cost
        && let Some(because) = record.measures.iter().find_map(fault)
    {
        return judged(Validity::Invalid, &because);
    }
    if !record.valid {
        return judged(Validity::Invalid, "the run says so");
    }
    if record.interrupted {
        return judged(Validity::HintOnly, "the run was stopped before its end");
    }
    let blocks = fewest_blocks(record);
    if section == Section::Cost && blocks < BLOCKS_ENOUGH {
        let because = format!("quick run, {blocks} of at least {BLOCKS_ENOUGH} blocks");
        return judged(Validity::HintOnly, &because);
    }
    judged(Validity::Ok, "")
}

/// Why a measured block cannot be believed, if it cannot.
fn fault(measure: &Measure) -> Option<String> {
    let arm = &measure.arm;
    if measure.wrong_answers > 0 {
        return Some(format!("{arm}: {} wrong answers", measure.wrong_answers));
    }
    let planned = (measure.requests + measure.not_sent) as f64;
    if measure.not_sent as f64 > planned * NOT_SENT_SHARE_MAX {
        return Some(format!(
            "{arm}: {} requests were not sent in time",
            measure.not_sent
        ));
    }
    let offered = measure.rate_offered_rps?;
    (measure.rate_achieved_rps < offered * ACHIEVED_SHARE_MIN).then(|| {
        let achieved = measure.rate_achieved_rps;
        format!("{arm}: {achieved:.0} of {offered:.0} requests a second were reached")
    })
}

/// The judgement in words.
pub(crate) fn words(validity: Validity) -> &'static str {
    match validity {
        Validity::Ok => "OK",
        Validity::HintOnly => "hint only",
        Validity::Invalid => "INVALID",
        Validity::NotMeasured => "not measured",
    }
}

/// The section in words.
pub(crate) fn name(section: Section) -> &'static str {
    match section {
        Section::Survival => "who stays logged in",
        Section::Revocation => "log-out",
        Section::Cost => "cost",
    }
}
