//! The claims as lines for people and as the table of `docs/CLAIMS.md`. Measures nothing.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::outcome::{Measured, Outcome, Run};
use crate::report::between;

const BEGIN: &str = "<!-- BEGIN: claims -->";
const END: &str = "<!-- END: claims -->";

/// What came of one claim, for people.
pub fn lines(outcome: &Outcome) -> Vec<String> {
    let mut lines = vec![format!(
        "{}: published {} ({})",
        outcome.claim,
        times(outcome.published_ratio),
        outcome.published
    )];
    let ways = [("rebuilt", &outcome.rebuilt), ("without", &outcome.mended)];
    for (word, measured) in ways {
        if let Some(measured) = measured {
            let near = match outcome.is_reproduced() {
                Some(true) if word == "rebuilt" => ", reproduced",
                Some(false) if word == "rebuilt" => ", NOT REPRODUCED",
                _ => "",
            };
            lines.push(format!(
                "  {word} {}{near}: {}",
                ratio(measured),
                measured.set_up
            ));
        }
    }
    if let Some(why) = &outcome.not_run_because {
        lines.push(format!("  not run: {why}"));
    }
    if let Some(why) = &outcome.invalid_because {
        lines.push(format!("  INVALID: {why}"));
    }
    lines.push(format!("  because {}", outcome.why));
    lines
}

/// The table, with the machine and the command above it.
pub fn markdown(run: &Run) -> String {
    let environment = &run.environment;
    let mut text = format!(
        "`{}` on {} cores ({}), {} build, {} turns of {} s for each side:\n\n\
         | claim | published | rebuilt | within {} × | without the fault | what it was |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        run.command,
        environment.cores,
        environment.cpu,
        environment.profile,
        run.blocks,
        run.turn_s,
        run.factor,
    );
    for outcome in &run.outcomes {
        let near = match outcome.is_reproduced() {
            Some(true) => "yes",
            Some(false) => "**no**",
            None => "–",
        };
        let missing = match (&outcome.invalid_because, &outcome.not_run_because) {
            (Some(_), _) => "invalid",
            (_, Some(_)) => "not run",
            _ => "–",
        };
        let shown = |measured: &Option<Measured>| match measured {
            Some(measured) => ratio(measured),
            None => missing.to_owned(),
        };
        let cells = [
            outcome.claim.clone(),
            times(outcome.published_ratio),
            shown(&outcome.rebuilt),
            near.to_owned(),
            shown(&outcome.mended),
            outcome.why.replace('|', "\\|"),
        ];
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// Puts the table between the markers of `file`.
///
/// # Errors
/// When it cannot be read or written, or has not exactly one block.
pub fn splice(run: &Run, file: &Path) -> anyhow::Result<()> {
    let named = || format!("--splice {}", file.display());
    let text = fs::read_to_string(file).with_context(named)?;
    fs::write(file, spliced(run, &text).with_context(named)?).with_context(named)
}

/// `text` with the table of this run between its markers.
///
/// # Errors
/// When it has not exactly one block.
pub fn spliced(run: &Run, text: &str) -> anyhow::Result<String> {
    let block = format!(
        "{BEGIN}\n<!-- Do not edit: made by `loadtest claims --splice` -->\n\n{}\n{END}",
        markdown(run)
    );
    between(text, &block, (BEGIN, END))
}

fn ratio(measured: &Measured) -> String {
    match measured.interval {
        // Bytes and counts are the same in each block.
        Some([low, high]) if high - low > 0.005 * measured.ratio => {
            format!(
                "{} ({} to {})",
                times(measured.ratio),
                short(low),
                short(high)
            )
        }
        _ => times(measured.ratio),
    }
}

fn times(ratio: f64) -> String {
    format!("{} ×", short(ratio))
}

/// Three digits, roughly.
fn short(ratio: f64) -> String {
    match ratio {
        100.0.. => format!("{ratio:.0}"),
        10.0.. => format!("{ratio:.1}"),
        _ => format!("{ratio:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::tests::{outcome, run};
    use super::*;
    use crate::claims::Trouble;

    #[test]
    fn both_ratios_stand_side_by_side() {
        let text = markdown(&run(vec![outcome(5.0), outcome(20.0)]));
        let rows: Vec<_> = text.lines().skip(4).collect();
        assert_eq!(
            rows[0],
            "| somebody | 6.00 × | 5.00 × (4.50 to 5.50) | yes | 1.25 × (1.12 to 1.38) | because \\| of it |"
        );
        assert!(
            rows[1].contains("| 20.0 × (18.0 to 22.0) | **no** |"),
            "{}",
            rows[1]
        );
    }

    #[test]
    fn what_is_missing_is_said_with_its_remedy() {
        let mut without = outcome(5.0);
        without.rebuilt = None;
        without.mended = None;
        let without = without.without(&Trouble::NotRun("no Node; run `npm ci`".to_owned()).into());
        let text = lines(&without).join("\n");
        assert!(text.contains("not run: no Node; run `npm ci`"), "{text}");
        assert!(markdown(&run(vec![without])).contains("| not run | – | not run |"));
    }

    #[test]
    fn a_ratio_that_is_off_stands_out() {
        assert!(lines(&outcome(20.0))[1].contains("NOT REPRODUCED"));
        assert!(lines(&outcome(6.0))[1].contains(", reproduced"));
    }

    #[test]
    fn splicing_twice_is_once() {
        let page = format!("# Claims\n{BEGIN}\nold\n{END}\nafter\n");
        let run = run(vec![outcome(6.0)]);
        let once = spliced(&run, &page).unwrap();
        assert!(
            once.contains("| somebody |") && !once.contains("old"),
            "{once}"
        );
        assert_eq!(spliced(&run, &once).unwrap(), once);
        assert!(spliced(&run, "no block").is_err());
    }
}
