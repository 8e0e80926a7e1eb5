//! What a terminal shows of the cost when a run has ended.

use super::cost;
use super::validity;
use super::view::View;
use super::words;
use crate::record::{Section, Validity, Verdict};

/// The cost of each arm beside the zero line, or why there is none to show.
pub(crate) fn cost(view: View<'_>) -> Vec<String> {
    let judged = validity::of(view, Section::Cost);
    let because = judged.because.unwrap_or_default();
    match judged.validity {
        Validity::NotMeasured => return vec!["Nothing was measured.".to_owned()],
        Validity::Invalid => return vec![format!("INVALID: {because}. No cost is shown.")],
        Validity::HintOnly | Validity::Ok => {}
    }
    let mut lines = vec!["CPU of server, store and database for one request:".to_owned()];
    for arm in cost::by_arm(view) {
        let Some(total) = arm.total_ns() else {
            continue;
        };
        let beside = cost::against_zero(view, &arm.arm).map_or_else(String::new, |one| {
            // A ratio that the next run might turn round is no ratio.
            match one.verdict {
                Verdict::NoDifferenceShown => "no difference shown".to_owned(),
                Verdict::More | Verdict::Less => format!(
                    "{}   {}",
                    cost::ratio_words(one),
                    words::signed_nanoseconds(one.difference_ns)
                ),
            }
        });
        let label = words::capital(&view.short_label_of(&arm.arm));
        let line = format!("  {label:<28}{:>9}   {beside}", words::nanoseconds(total));
        lines.push(line.trim_end().to_owned());
    }
    lines.extend(cost::how_sure(view));
    if judged.validity == Validity::HintOnly {
        lines.push(format!("A hint only: {because}."));
    }
    lines
}
