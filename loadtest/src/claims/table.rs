//! The claims as lines for people and as the table of `docs/CLAIMS.md`. Measures nothing.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::outcome::{Measured, Outcome, Run};
use crate::report;

/// The name of the block in a page, and of the file beside the outcomes.
const BLOCK: &str = "claims";

/// The table, as a file beside the outcomes.
pub const FILE_NAME: &str = "claims.md";

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
                Some(true) if word == "rebuilt" && outcome.is_weak() => ", near, as 1.00 would be",
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

/// How much was reproduced, in a sentence.
pub fn total(run: &Run) -> String {
    let counted = run.outcomes.iter().filter(|outcome| !outcome.is_weak());
    let sure = run.reproduced().filter(|one| one.is_surely_reproduced());
    format!(
        "{} of {} ratios were reproduced within a factor of {}, {} of them with their whole \
         interval; those that 1.00 would pass too are not counted.",
        run.reproduced().count(),
        counted.count(),
        run.factor,
        sure.count(),
    )
}

/// The table, with the machine and the command above it.
pub fn markdown(run: &Run) -> String {
    let environment = &run.environment;
    let mut text = format!(
        "`{}` on {} cores ({}), {} build, {} turns of {} s for each side.\n{}\n\n\
         | claim | published | rebuilt | within {} × | without the fault | what it was |\n\
         | --- | --- | --- | --- | --- | --- |\n",
        run.command,
        environment.cores,
        environment.cpu,
        environment.profile,
        run.blocks,
        run.turn_s,
        total(run),
        run.factor,
    );
    for outcome in &run.outcomes {
        let near = match outcome.is_reproduced() {
            Some(true) if outcome.is_weak() => "yes, as 1.00 would be",
            Some(true) if outcome.is_surely_reproduced() => "yes",
            Some(true) => "yes, its interval not wholly",
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

/// Puts the table of the run in `dir` between the markers of `file`.
///
/// # Errors
/// When it cannot be read or written, or has not exactly one block.
pub fn splice(run: &Run, dir: &Path, file: &Path) -> anyhow::Result<()> {
    let made_by = made_by(&dir.display().to_string(), &file.display().to_string());
    report::splice_block(BLOCK, (&made_by, &markdown(run)), file)
}

/// `text`, which is that of `file`, with the table of the run in `dir` between its markers.
///
/// # Errors
/// When it has not exactly one block.
pub fn spliced(run: &Run, dir: &str, file: &str, text: &str) -> anyhow::Result<String> {
    report::block_spliced(BLOCK, (&made_by(dir, file), &markdown(run)), text)
}

/// The command that makes the block again.
fn made_by(dir: &str, file: &str) -> String {
    format!("loadtest claims --replay {dir} --splice {file}")
}

/// Writes the table into `dir`, beside the outcomes.
///
/// # Errors
/// When it cannot be written.
pub fn save(run: &Run, dir: &Path) -> anyhow::Result<()> {
    let path = dir.join(FILE_NAME);
    fs::write(&path, markdown(run)).with_context(|| path.display().to_string())
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
        let rows: Vec<_> = text.lines().skip(5).collect();
        assert_eq!(
            rows[0],
            "| somebody | 6.00 × | 5.00 × (4.50 to 5.50) | yes | 1.25 × (1.12 to 1.38) | \
             because \\| of it |"
        );
        let off = "| 20.0 × (18.0 to 22.0) | **no** |";
        assert!(rows[1].contains(off), "{}", rows[1]);
        assert!(text.contains("1 of 2 ratios"), "{text}");
        let hardly = markdown(&run(vec![outcome(8.9)]));
        assert!(
            hardly.contains("| yes, its interval not wholly |"),
            "{hardly}"
        );
    }

    #[test]
    fn a_ratio_that_no_difference_would_pass_too_is_not_counted() {
        let mut weak = outcome(1.1);
        weak.published_ratio = 1.2;
        assert!(lines(&weak)[1].contains(", near, as 1.00 would be"));
        let text = markdown(&run(vec![weak, outcome(6.0)]));
        assert!(text.contains("| yes, as 1.00 would be |"), "{text}");
        assert!(text.contains("1 of 1 ratios"), "{text}");
    }

    #[test]
    fn what_is_missing_is_said_with_its_remedy() {
        let mut without = outcome(5.0);
        without.rebuilt = None;
        without.mended = None;
        without.lacks(&Trouble::NotRun("no Node; run `npm ci`".to_owned()).into());
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
        let page = "# Claims\n<!-- BEGIN: claims -->\nold\n<!-- END: claims -->\nafter\n";
        let run = run(vec![outcome(6.0)]);
        let splice = |text: &str| spliced(&run, "runs/x", "docs/CLAIMS.md", text);
        let once = splice(page).unwrap();
        let made_by = "`loadtest claims --replay runs/x --splice docs/CLAIMS.md`";
        assert!(once.contains(made_by) && once.contains("| somebody |"));
        assert!(!once.contains("old"), "{once}");
        assert_eq!(splice(&once).unwrap(), once);
        assert!(splice("no block").is_err());
    }
}
