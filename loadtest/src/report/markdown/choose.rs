//! Which to choose, as a table for the report's page or for one that links to it.

use super::parts::{table, text};
use crate::record::Group;
use crate::report::choose::evidence::{Evidence, Outcome, Place};
use crate::report::choose::{self, Choice};
use crate::report::view::View;

/// Where the sections are that a table links to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sections {
    /// The page with the matrix and the lags; nothing for the same page.
    pub(crate) run: String,
    /// The page with the costs.
    pub(crate) costs: String,
}

/// What a heading can be linked to by, whatever it says.
pub(crate) fn anchor(id: &str) -> String {
    format!("<a id=\"{id}\"></a>\n\n")
}

/// The anchor of a group of the matrix.
pub(crate) fn group_id(group: Group) -> &'static str {
    match group {
        Group::Plain => "matrix-plain",
        Group::Instances => "matrix-instances",
        Group::Revocation => "matrix-revocation",
        Group::KeysAndClocks => "matrix-keys-and-clocks",
        Group::Store => "matrix-store",
        Group::HostileAndRacing => "matrix-hostile-and-racing",
    }
}

/// The path with what the run says of it.
pub(crate) fn choose(view: View<'_>, costs: View<'_>, sections: &Sections) -> String {
    let choices = choose::choices(view, costs);
    if !choose::is_touched(&choices) {
        return format!("{}\n\n", choose::borne_out(&choices));
    }
    let row = |choice: &Choice| {
        vec![
            text(choice.when),
            text(&choice.label),
            list(&choice.gives, sections),
            list(&choice.takes, sections),
        ]
    };
    let head = ["When (the first that fits)", "take", "it gives", "it takes"];
    let rows = choices.iter().map(row).collect();
    format!(
        "{}\n\n{}{}\n\n",
        text(&choose::borne_out(&choices)),
        table(&head, rows),
        choose::NEITHER
    )
}

fn list(evidence: &[Evidence], sections: &Sections) -> String {
    let lines: Vec<_> = evidence.iter().map(|one| line(one, sections)).collect();
    lines.join("<br>")
}

fn line(one: &Evidence, sections: &Sections) -> String {
    let about = match one.outcome {
        Outcome::NotMeasured => text(&one.about),
        _ => {
            let (page, id) = match one.place {
                Place::Matrix(group) => (&sections.run, group_id(group)),
                Place::Lags => (&sections.run, "log-out"),
                Place::Costs => (&sections.costs, "cost"),
            };
            format!("[{}]({page}#{id})", text(&one.about))
        }
    };
    let claim = match one.claim {
        "" => String::new(),
        claim => format!("{claim}: "),
    };
    let otherwise = match one.outcome {
        Outcome::Contradicted => " **≠ this run says otherwise**",
        Outcome::Shown | Outcome::NotMeasured => "",
    };
    // A command keeps its marks; whatever else a record says stays words.
    let words: Vec<_> = one.words.split('`').map(text).collect();
    format!("{claim}{about} ({}){otherwise}", words.join("`"))
}
