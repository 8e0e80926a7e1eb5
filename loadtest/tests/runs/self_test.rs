//! The instrument tries itself on a server whose behaviour is known.

use super::{ONE_AT_A_TIME, executable, text, told};

/// Goal: whoever runs it sees what was set beside what was read, and its own ceiling. No figure is
/// looked at here: it looks at them itself.
#[test]
fn what_was_set_is_what_was_read() {
    let _turn = ONE_AT_A_TIME
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let output = executable(&["self-test"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", told(&output));
    let lines = text(&output.stdout);
    for about in [
        "requests",
        "failed, 1 of 7",
        "refused at B",
        "forgers let in",
        "delay",
        "Little's law",
        "stall, from the plan",
        "percentiles",
        "Its own ceiling",
    ] {
        assert!(lines.contains(about), "{about} is missing: {lines}");
    }
    assert!(!lines.contains("WRONG"), "{lines}");
}
