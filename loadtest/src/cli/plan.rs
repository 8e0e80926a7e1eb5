//! What `plan` can be told: what is to be carried, and the records it is worked out from.

use std::path::PathBuf;

use crate::plan::formulas;
use crate::plan::needs::{MOST, Needs};

/// What `plan` can be told.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanArgs {
    /// Folders of runs with unit costs, the ones to be preferred first
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,

    /// Hold the model against a record of `measure --preset scale`; exits 1 where it is more than
    /// 15 % off
    #[arg(long, conflicts_with_all = ["users", "live_logins", "rps"])]
    pub check: bool,

    /// People who have an account
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "live_logins")]
    pub users: Option<f64>,

    /// The share of them who are logged in at one time, above 0 and up to 1
    #[arg(long, value_name = "SHARE", default_value = "0.1", value_parser = share)]
    pub logged_in_share: f64,

    /// Logins that are alive at one time, instead of --users and --logged-in-share
    #[arg(long, value_name = "N", value_parser = positive)]
    pub live_logins: Option<f64>,

    /// Requests a second that carry a credential, all regions together
    #[arg(long, value_name = "N", value_parser = positive, required_unless_present = "check")]
    pub rps: Option<f64>,

    /// How long a login lasts, in minutes; a token that is not renewed is good for all of it
    #[arg(long, value_name = "MIN", default_value = "480", value_parser = positive)]
    pub lifetime: f64,

    /// How long an access token is good where a refresh token renews it, in minutes
    #[arg(long, value_name = "MIN", default_value = "15", value_parser = positive)]
    pub access_lifetime: f64,

    /// Logins a second, each with a check of its password (default: as many as --lifetime asks
    /// for to keep the live logins alive)
    #[arg(long, value_name = "N", value_parser = positive)]
    pub logins_per_second: Option<f64>,

    /// Bytes remembered of a login beyond who it is, which role, and since when
    #[arg(long, value_name = "N", default_value = "0", value_parser = not_negative)]
    pub claims_bytes: f64,

    /// Places at which requests are answered; the store is in one of them
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=1_000)
    )]
    pub regions: u32,

    /// Round trip from a region to another, in milliseconds; needed with more than one
    #[arg(long, value_name = "MS", value_parser = not_negative)]
    pub round_trip_ms: Option<f64>,

    /// CPU time of your own handler for each request, in milliseconds
    #[arg(long, value_name = "MS", default_value = "0", value_parser = not_negative)]
    pub handler_cpu_ms: f64,

    /// How much of a core may be busy, above 0 and up to 1
    #[arg(long, value_name = "SHARE", default_value = "0.6", value_parser = share)]
    pub target_utilisation: f64,

    /// The fewest instances in a region
    #[arg(
        long,
        value_name = "N",
        default_value_t = 2,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000)
    )]
    pub instances_min: u32,

    /// Memory of one Redis node that records may fill, in gigabytes (10^9 bytes)
    #[arg(long, value_name = "GB", default_value = "8", value_parser = positive)]
    pub redis_memory_gb: f64,

    /// Where plan.json and plan.html land (default: runs/DATE-N, never overwritten)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Print the plan as JSON on standard output; what is for people goes to standard error
    #[arg(long)]
    pub json: bool,

    /// A file, such as docs/SCALE.md, whose block `plan` (with --check, `check`) to replace
    #[arg(long, value_name = "FILE")]
    pub splice: Option<PathBuf>,
}

impl PlanArgs {
    /// What is asked for.
    ///
    /// # Errors
    /// One line that names what is missing.
    pub fn needs(&self) -> Result<Needs, String> {
        let live_logins = match (self.users, self.live_logins) {
            (Some(users), _) => users * self.logged_in_share,
            (None, Some(live_logins)) => live_logins,
            (None, None) => {
                return Err(
                    "--users or --live-logins: name one, so that memory is known".to_owned(),
                );
            }
        };
        if self.regions > 1 && self.round_trip_ms.is_none() {
            return Err(format!(
                "--regions {}: name --round-trip-ms too, from a region to another",
                self.regions
            ));
        }
        let lifetime_s = self.lifetime * 60.0;
        Ok(Needs {
            live_logins,
            requests_per_second: self.rps.ok_or("--rps: name the requests a second")?,
            logins_per_second: self
                .logins_per_second
                .unwrap_or_else(|| formulas::logins_per_second(live_logins, lifetime_s)),
            lifetime_s,
            access_lifetime_s: self.access_lifetime * 60.0,
            claims_bytes: self.claims_bytes,
            regions: self.regions.into(),
            round_trip_ms: self.round_trip_ms.unwrap_or(0.0),
            handler_ns: self.handler_cpu_ms * 1e6,
            utilisation_max: self.target_utilisation,
            instances_min: self.instances_min.into(),
            store_node_bytes: self.redis_memory_gb * 1e9,
        })
    }
}

fn number(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it is no number".to_owned())?;
    match number.is_finite() && number <= MOST {
        true => Ok(number),
        false => Err(format!("it must be at most {MOST:e}")),
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let number = number(text)?;
    match number >= 1.0 / MOST {
        true => Ok(number),
        false => Err("it must be above 0".to_owned()),
    }
}

fn not_negative(text: &str) -> Result<f64, String> {
    let number = number(text)?;
    match number >= 0.0 {
        true => Ok(number),
        false => Err("it must be 0 or more".to_owned()),
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = positive(text)?;
    match share <= 1.0 {
        true => Ok(share),
        false => Err("it must be above 0 and at most 1".to_owned()),
    }
}
