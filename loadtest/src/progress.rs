//! What a run prints while it goes on: lines, and a bar where somebody watches.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

/// Lines for people, and a progress bar on a terminal.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
    /// Whether standard output is for a machine: then lines for people go to standard error.
    quiet_stdout: bool,
}

impl Progress {
    /// No bar yet. `json`: standard output is for the record alone.
    pub fn new(json: bool) -> Progress {
        Progress {
            bar: ProgressBar::hidden(),
            quiet_stdout: json,
        }
    }

    /// Begins a bar of that many steps, if standard error is a terminal.
    pub fn start_bar(&self, steps: u64) {
        self.start(steps, "{bar:28} {pos}/{len} {elapsed:>4} {msg}");
    }

    /// The same for steps that take equally long, so that the time left can be told.
    pub fn start_bar_with_time_left(&self, steps: u64) {
        self.start(steps, "{bar:28} {pos}/{len} {left:>11} {msg}");
    }

    fn start(&self, steps: u64, template: &str) {
        if !std::io::stderr().is_terminal() {
            return;
        }
        let style = ProgressStyle::with_template(template);
        let style = style.map(|style| style.with_key("left", tell_time_left));
        self.bar
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.bar.set_length(steps);
        self.bar.reset();
        self.bar.enable_steady_tick(Duration::from_millis(200));
    }

    /// Says what is being done now.
    pub fn doing(&self, what: impl Into<String>) {
        self.bar.set_message(what.into());
    }

    /// One step is done.
    pub fn step(&self) {
        self.bar.inc(1);
    }

    /// Prints a line for people.
    pub fn say(&self, line: impl AsRef<str>) {
        self.bar.suspend(|| {
            // A closed pipe is no reason to lose a run.
            let _ = if self.quiet_stdout {
                writeln!(std::io::stderr(), "{}", line.as_ref())
            } else {
                writeln!(std::io::stdout(), "{}", line.as_ref())
            };
        });
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

/// Before the first step is done there is nothing to tell it from.
fn tell_time_left(state: &ProgressState, to: &mut dyn std::fmt::Write) {
    let left = HumanDuration(state.eta());
    let _ = match state.pos() {
        0 => to.write_str("…"),
        _ => write!(to, "{left:#} left"),
    };
}
