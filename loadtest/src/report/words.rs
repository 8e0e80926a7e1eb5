//! Figures as a reader wants them: thousands apart, units behind, no digit that nobody measured.

/// `1,004`
pub(crate) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut words = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            words.push(',');
        }
        words.push(digit);
    }
    words
}

/// `20 visitors`, `1 visitor`
pub(crate) fn counted(n: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// `0 of 400`, `none of 400` and `all of 400` being left to the caller
pub(crate) fn of(n: u64, total: u64) -> String {
    format!("{} of {}", count(n), count(total))
}

/// `50 %`, `99.8 %`; never `100 %` or `0 %` for a share that is not quite that.
pub(crate) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 0.1 {
        return "< 0.1 %".to_owned();
    }
    if percent < 100.0 && percent > 99.9 {
        return "> 99.9 %".to_owned();
    }
    format!("{} %", digits(percent, 1))
}

/// `950 ms`, `3.98 s`, `15 min`
pub(crate) fn duration_ms(ms: f64) -> String {
    if ms < 1_000.0 {
        format!("{} ms", digits(ms, 0))
    } else if ms < 120_000.0 {
        format!("{} s", digits(ms / 1_000.0, 2))
    } else if ms < 7_200_000.0 {
        format!("{} min", digits(ms / 60_000.0, 1))
    } else if ms < 172_800_000.0 {
        format!("{} h", digits(ms / 3_600_000.0, 1))
    } else {
        format!("{} days", digits(ms / 86_400_000.0, 1))
    }
}

/// `640 ns`, `5.7 µs`, `2.1 ms`
pub(crate) fn nanoseconds(ns: f64) -> String {
    let size = ns.abs();
    if size < 1_000.0 {
        format!("{} ns", digits(ns, 0))
    } else if size < 1_000_000.0 {
        format!(
            "{} µs",
            digits(ns / 1_000.0, if size < 100_000.0 { 1 } else { 0 })
        )
    } else {
        format!("{} ms", digits(ns / 1_000_000.0, 1))
    }
}

/// `+2.3 µs`, `-0.4 µs`
pub(crate) fn signed_nanoseconds(ns: f64) -> String {
    let sign = if ns < 0.0 { '\u{2212}' } else { '+' };
    format!("{sign}{}", nanoseconds(ns.abs()))
}

/// `1.60 ×`
pub(crate) fn ratio(ratio: f64) -> String {
    format!("{ratio:.2}\u{a0}×")
}

/// `24 GB`
pub(crate) fn bytes(bytes: u64) -> String {
    let bytes = bytes as f64;
    for (size, unit) in [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")] {
        if bytes >= size {
            return format!("{} {unit}", digits(bytes / size, 1));
        }
    }
    format!("{bytes} bytes")
}

/// `a`, `a and b`, `a, b and c`
pub(crate) fn join<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<_> = head.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", head.join(", "), last.as_ref())
        }
    }
}

/// The first letter as at the beginning of a sentence.
pub(crate) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// The first letter as in the middle of a sentence: `Session` becomes `session`, `JWT` stays.
pub(crate) fn small(words: &str) -> String {
    let mut letters = words.chars();
    match (letters.next(), words.chars().nth(1)) {
        (Some(first), Some(second)) if second.is_lowercase() => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => words.to_owned(),
    }
}

/// At most `places` decimals, without zeros at the end.
fn digits(value: f64, places: usize) -> String {
    let words = format!("{value:.places$}");
    if words.contains('.') {
        words.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(
            [count(7), count(1004), count(1_000_000)],
            ["7", "1,004", "1,000,000"]
        );
        assert_eq!(counted(1, "visitor", "visitors"), "1 visitor");
        assert_eq!(duration_ms(0.0), "0 ms");
        assert_eq!(duration_ms(3_984.0), "3.98 s");
        assert_eq!(duration_ms(4_000.0), "4 s");
        assert_eq!(duration_ms(900_000.0), "15 min");
        assert_eq!(duration_ms(28_800_000.0), "8 h");
        assert_eq!(duration_ms(604_800_000.0), "7 days");
        assert_eq!(nanoseconds(640.4), "640 ns");
        assert_eq!(nanoseconds(5_730.0), "5.7 µs");
        assert_eq!(signed_nanoseconds(-400.0), "\u{2212}400 ns");
        assert_eq!(bytes(25_276_502_016), "25.3 GB");
    }

    #[test]
    fn a_share_is_never_rounded_to_a_certainty() {
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(percent(0.5), "50 %");
        assert_eq!(percent(0.99999), "> 99.9 %");
        assert_eq!(percent(0.00001), "< 0.1 %");
        assert_eq!(percent(0.0), "0 %");
    }

    #[test]
    fn words_join_and_change_case() {
        assert_eq!(join::<&str>(&[]), "");
        assert_eq!(join(&["a", "b", "c"]), "a, b and c");
        assert_eq!(
            [small("Session in memory"), small("JWT")],
            ["session in memory", "JWT"]
        );
        assert_eq!(capital("session"), "Session");
    }
}
