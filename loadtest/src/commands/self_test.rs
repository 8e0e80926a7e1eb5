//! The command `self-test`: is what the instrument reads what was set?

use crate::cli::measure::SelfTestArgs;
use crate::failure::exit;
use crate::self_test::{self, Ceiling, Check};

/// Runs every trial and says what was set and what was read.
///
/// # Errors
/// When the system gives no thread or socket.
pub fn run(args: &SelfTestArgs) -> anyhow::Result<u8> {
    println!("The instrument against a server whose behaviour is known; about 50 s");
    let mut all_hold = true;
    for trial in self_test::TRIALS {
        for check in trial(args.seed)? {
            all_hold &= check.holds;
            println!("{}", line(&check));
        }
    }
    for line in about(&self_test::ceiling(args.seed)?) {
        println!("{line}");
    }
    if all_hold {
        println!("What was read is what was set.");
        Ok(exit::OK)
    } else {
        println!("Believe no figure of this machine before you know why.");
        Ok(exit::UNEXPECTED)
    }
}

fn line(check: &Check) -> String {
    let word = if check.holds { "ok   " } else { "WRONG" };
    format!(
        "{word}  {:<24} set {:<42} read {}",
        check.about, check.set, check.read
    )
}

fn about(ceiling: &Ceiling) -> [String; 2] {
    let open = match ceiling.open_rps {
        Some(rps) => format!("planned rates were valid up to {rps:.0} a second"),
        None => "no planned rate was valid".to_owned(),
    };
    [
        format!(
            "Its own ceiling: {:.0} answers a second in a closed loop, {:.1} µs of CPU for each;",
            ceiling.closed_rps,
            ceiling.closed_cpu_ns / 1e3
        ),
        format!("  {open}. Ask `measure` for far less."),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_hold_stands_out() {
        let mut check = Check {
            about: "delay",
            set: "20.0 ms".to_owned(),
            read: "20.1 ms".to_owned(),
            holds: true,
        };
        assert!(line(&check).starts_with("ok "));
        check.holds = false;
        assert!(line(&check).starts_with("WRONG  delay"), "{}", line(&check));
    }
}
