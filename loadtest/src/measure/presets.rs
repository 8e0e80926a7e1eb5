//! What `measure` can be asked for by name: which arms, and what is varied.

use crate::load::generator::Reuse;

/// A named set of measurements.
#[derive(Debug, PartialEq)]
pub struct Preset {
    /// Its name, for `--preset`.
    pub name: &'static str,
    /// Its plain label.
    pub label: &'static str,
    /// What it shows, in half a sentence.
    pub shows: &'static str,
    /// Its arms beside the zero line; none means the five of the headline table.
    pub arms: &'static [&'static str],
    /// What is varied; the usual variant stands first.
    pub variants: &'static [Variant],
}

/// One thing that is done otherwise than usual.
#[derive(Debug, PartialEq)]
pub struct Variant {
    /// What it is called in the record; none is the usual one.
    pub name: Option<&'static str>,
    /// Flags of every instance, beside the arm's own.
    pub flags: &'static [&'static str],
    /// Requests a second, as a share of what was asked for.
    pub rate_share: f64,
    /// How often a connection is used.
    pub reuse: Reuse,
}

/// Nothing is done otherwise.
pub const USUAL: Variant = Variant {
    name: None,
    flags: &[],
    rate_share: 1.0,
    reuse: Reuse::Kept,
};

/// Every preset, in the order to show them.
pub static ALL: [Preset; 1] = [Preset {
    name: "quick",
    label: "what a check costs",
    shows: "CPU, bytes, memory and store trips of one request, each way beside no check at all",
    arms: &[],
    variants: &[USUAL],
}];

/// The preset of that name.
///
/// # Errors
/// One line that names the flag and what may stand there.
pub fn find(name: &str) -> Result<&'static Preset, String> {
    let found = ALL.iter().find(|preset| preset.name == name);
    found.ok_or_else(|| {
        let known: Vec<_> = ALL.iter().map(|preset| preset.name).collect();
        format!(
            "--preset: there is no preset {name:?}; use one of {}",
            known.join(",")
        )
    })
}
