//! The record of a run: what `record.json` holds, and nothing about how it is shown.
//!
//! Measuring writes a [`Record`], every report is a pure function of one or more of them. Field
//! names are a contract with whoever reads the file later: new ones may be added, none is renamed,
//! and `record.schema.json` beside this crate is generated from these types and checked in a test.
//!
//! Long because the whole contract is to be read in one place, every field with its meaning and
//! unit.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The version of this format that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// The variant that is an arm's usual one once more, spawned separately: how far the two differ is
/// how far an arm differs from itself.
pub const TWIN: &str = "the same again";

/// The name of the file in a run's folder.
pub const FILE_NAME: &str = "record.json";

/// Everything one run observed, and what it needs to be judged and repeated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// Version of the format: 1.
    pub schema: u32,
    /// Seed from which order, send times and visitors were drawn.
    pub seed: u64,
    /// The exact command line that made this record.
    pub command: String,
    /// False if the run says INVALID: then no speed of it may be believed.
    pub valid: bool,
    /// Reasons to disbelieve, each with what to do about it.
    pub doubts: Vec<Doubt>,
    /// Machine, versions and layout.
    pub environment: Environment,
    /// What was compared, arms that could not run included.
    pub arms: Vec<Arm>,
    /// What was observed, one cell for each arm, event, variant and client.
    pub cells: Vec<Cell>,
    /// Who answered whom: one row for each pair of login instance and answering instance.
    pub hops: Vec<Hop>,
    /// How long an ended login still worked, one row for each instance asked.
    pub revocations: Vec<Revocation>,
    /// What a request cost, one row for each arm, block and variant.
    pub measures: Vec<Measure>,
    /// What the measures say about pairs of arms.
    pub comparisons: Vec<Comparison>,
    /// How far away a store may be until another way is the quicker one.
    #[serde(default)]
    pub break_evens: Vec<BreakEven>,
    /// What one check costs rung by rung, where `cargo bench --bench ladder` measured it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ladder: Vec<LadderRung>,

    /// The events that this run knew, in the order to show them.
    #[serde(default)]
    pub events: Vec<EventStory>,
    /// Cells that were asked for and not run, each with its reason.
    #[serde(default)]
    pub not_run: Vec<NotRun>,
    /// What `measure` was asked for; null where nobody asked it.
    #[serde(default)]
    pub measuring: Option<Measuring>,
    /// How far each section may be believed; a section without a row is judged by its data.
    #[serde(default)]
    pub validity: Vec<SectionValidity>,
    /// When the run began: UTC, RFC 3339.
    #[serde(default)]
    pub started_at: String,
    /// When the run ended: UTC, RFC 3339.
    #[serde(default)]
    pub finished_at: String,
    /// True if the run was stopped before its end; what was observed until then is here.
    #[serde(default)]
    pub interrupted: bool,
}

/// One reason to disbelieve, as [`crate::doubts`] words it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Doubt {
    /// A stable name, such as `few-cores`.
    pub kind: String,
    /// What may be wrong and what to do about it, one sentence each.
    pub text: String,
    /// What it touches: `survival`, `revocation`, `cost` or `all`.
    pub about: String,
}

/// The machine, the build and the layout of the run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Model of the processor.
    pub cpu: String,
    /// Cores this process may use.
    pub cores: u32,
    /// Memory of the machine, in bytes.
    pub memory_bytes: u64,
    /// Operating system and kernel.
    pub kernel: String,
    /// The compiler that built the servers and the instrument.
    pub rustc: String,
    /// The commit it was built from, `+dirty` behind it if files had changed.
    pub commit: String,
    /// Versions of the libraries that matter, and of the store.
    pub versions: BTreeMap<String, String>,
    /// Who ran where: balancer, store, database, instances and so on, in words.
    pub topology: BTreeMap<String, String>,
    /// `release` or `debug`.
    #[serde(default)]
    pub profile: String,
    /// Load average over one minute when the run began, where the system tells.
    #[serde(default)]
    pub load_average_1m: Option<f64>,
    /// Share of time (0 to 100) in which somebody waited for a core, over the 10 s before the run.
    #[serde(default)]
    pub cpu_pressure_percent: Option<f64>,
    /// Cores the control group allows (its quota over its period), if it sets a limit.
    #[serde(default)]
    pub cpu_quota_cores: Option<f64>,
}

/// One thing that is compared: a pool with its settings behind one policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Arm {
    /// Its name, such as `session-memory`.
    pub arm: String,
    /// The pool behind it.
    pub pool: String,
    /// How the balancer picks: `round-robin`, `sticky`, `least-connections` or `source-hash`.
    pub policy: String,
    /// How many instances the pool began with.
    pub instances: u32,
    /// Settings that matter for what was observed, by name, lifetimes in milliseconds among them.
    pub settings: BTreeMap<String, Value>,
    /// Why it was not run, and how to get it; null if it was.
    pub not_run_because: Option<String>,
    /// The plain label that pages and terminals print.
    #[serde(default)]
    pub label: String,
    /// One of the five of the headline table.
    #[serde(default)]
    pub headline: bool,
    /// Whether a request of this arm asks a store outside the instance.
    #[serde(default)]
    pub needs_store: bool,
    /// What it teaches, in half a sentence.
    #[serde(default)]
    pub teaches: String,
}

/// What an event is about: the columns of the matrix come in these groups.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Group {
    /// Nothing happens but requests.
    Plain,
    /// Something happens to an instance.
    Instances,
    /// A login is ended or a right withdrawn.
    Revocation,
    /// Keys change or clocks differ.
    KeysAndClocks,
    /// Something happens to the store.
    Store,
    /// Somebody attacks, or two things happen at once.
    HostileAndRacing,
}

/// What a user of the application would want to see after an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wanted {
    /// To be recognised: nobody ended this login.
    Recognised,
    /// To see the credential refused: it was ended, or never good.
    Refused,
}

/// What an event is, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EventStory {
    /// Its name, such as `logout-elsewhere`.
    pub event: String,
    /// A few plain words, such as "A is killed".
    pub label: String,
    /// Who acts, on which instance, and who is asked: one line.
    pub story: String,
    /// The group it stands in.
    pub group: Group,
    /// What one would want to see.
    pub wanted: Wanted,
}

/// What kind of client was asking.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// Obeys `Set-Cookie`, a removal included.
    Browser,
    /// Keeps the cookie it was given at login, whatever it is told later.
    KeepsCookie,
    /// Sends its token in `Authorization`.
    Bearer,
}

/// What was observed for one arm under one event.
///
/// `requests` = `recognised` + `refused` + `failed`. Logins that were refused while the event went
/// on are no requests; they are counted apart, in the detail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The arm.
    pub arm: String,
    /// The event.
    pub event: String,
    /// A variant of the event, such as `issuer` and `verifier` of `instance-killed`.
    pub variant: Option<String>,
    /// The kind of client.
    pub client: Client,
    /// Visitors, each with a login of their own.
    pub visitors: u64,
    /// Requests that carried a credential and were judged.
    pub requests: u64,
    /// Of these, answered as the user who logged in.
    pub recognised: u64,
    /// Of these, refused: 400, 401 or 403; 409 and 431 where the request itself was refused.
    pub refused: u64,
    /// Of these, failed: 5xx, no answer, or a broken connection.
    pub failed: u64,
    /// Visitors who were not recognised any more when the event was over.
    pub logins_lost: u64,
    /// What was expected, computed from declared properties of the arm, in words.
    pub expected: String,
    /// Whether what was observed is what was expected.
    pub as_expected: bool,
    /// `recognised` / `requests`; null without requests.
    pub recognised_share: Option<f64>,
    /// Wilson's interval of 95 % round the share, over visitors; null without visitors.
    pub interval: Option<[f64; 2]>,
    /// What else is worth knowing.
    pub detail: Detail,
}

/// Among what else was noted of a cell: how often a target's balancer tried again for all clients
/// of the event together, where there is more than one kind of them.
pub const RETRIED_TOGETHER: &str = "retried_together";

/// What else is worth knowing about a cell. Fields that say nothing are left out of the file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Detail {
    /// Visitors whose login still worked when the event was over: each asked once more, at the
    /// instance that took the login or, if that was dead, behind the balancer. Not counted as a
    /// request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recognised_at_end: Option<u64>,
    /// Requests that the balancer sent a second time; of a target's, how often it tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried: Option<u64>,
    /// Attempts to log in that were refused or failed while the event went on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logins_refused: Option<u64>,
    /// Answers by status and reason, such as `401 unknown-session`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub reasons: BTreeMap<String, u64>,
    /// One sentence that explains an outcome that differs from what was expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What came out, where "recognised" and "refused" are not the words for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<CameOut>,
    /// Whatever else the event noted.
    #[serde(flatten)]
    pub more: BTreeMap<String, Value>,
}

/// What came out of a cell, where its counts alone do not say it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CameOut {
    /// A few plain words, such as "one of 100 written, 99 told to try again".
    pub words: String,
    /// How much of what one would wish for that is.
    pub wish: Wish,
}

/// How much of what one would wish for came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// All of it.
    Granted,
    /// Some of it.
    InPart,
    /// None of it.
    Denied,
}

/// How one instance answered for the logins that another, or it itself, had taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Hop {
    /// The arm.
    pub arm: String,
    /// The event.
    pub event: String,
    /// The variant of the event.
    pub variant: Option<String>,
    /// The kind of client.
    pub client: Client,
    /// The instance that took the login, as `<pool>-<instance>`.
    pub login_instance: String,
    /// The instance that answered; `balancer` if none did.
    pub answering_instance: String,
    /// Requests recognised.
    pub recognised: u64,
    /// Requests refused.
    pub refused: u64,
    /// Requests failed.
    pub failed: u64,
}

/// For how long one instance went on accepting what had been revoked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Revocation {
    /// The arm.
    pub arm: String,
    /// The event.
    pub event: String,
    /// The variant of the event.
    pub variant: Option<String>,
    /// The instance that was asked, as `<pool>-<instance>`.
    pub instance: String,
    /// From the receipt of the revocation's answer to the send time of the last accepted request,
    /// in milliseconds; 0 if none was accepted, a lower bound if `censored`.
    pub lag_ms: f64,
    /// Still accepted when the observation ended.
    pub censored: bool,
    /// Time between two polls, in milliseconds.
    pub resolution_ms: f64,
    /// The lifetime that ends this credential by itself, leeway included, in milliseconds.
    pub lifetime_ms: Option<u64>,
    /// Requests accepted after the revocation's answer.
    pub accepted_after: u64,
    /// The lag the arm promises to stay within, in milliseconds; null if it promises none.
    pub bound_ms: Option<u64>,
    /// Whether the lag is what was expected.
    pub as_expected: bool,
    /// Requests that this instance accepted before the revocation; 0 means that it never knew the
    /// login.
    #[serde(default)]
    pub accepted_before: Option<u64>,
    /// What was left of `lifetime_ms` when the revocation was answered, in milliseconds.
    #[serde(default)]
    pub remaining_ms: Option<u64>,
    /// What was expected, in words.
    #[serde(default)]
    pub expected: String,
    /// What the server said when it was asked to revoke: `everywhere`, `here`, `later` or
    /// `unknown`.
    #[serde(default)]
    pub said: Option<String>,
}

/// What `measure` was asked for. Shards are of one run only if all of it but `shard` is the same.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measuring {
    /// The preset.
    pub preset: String,
    /// Blocks of each arm.
    pub blocks: u32,
    /// Requests a second of the usual variant, all shards together.
    pub rate_rps: f64,
    /// How long each turn was timed, in milliseconds.
    pub timed_ms: u64,
    /// How long the load went on before that, in milliseconds.
    pub warm_up_ms: u64,
    /// Which part of the one schedule was sent, such as `1/3`; `1/1` is all of it.
    pub shard: String,
    /// Variants beside the usual one, in the order to show them.
    #[serde(default)]
    pub variants: Vec<String>,
    /// How far away the store was, in milliseconds of a round trip, in each variant in which it
    /// was.
    #[serde(default)]
    pub store_round_trips_ms: BTreeMap<String, u64>,
    /// Where the highest rate was looked for: within how much 99 % had to be answered, in
    /// milliseconds.
    #[serde(default)]
    pub p99_bound_ms: Option<f64>,
}

/// What a request cost in one block.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measure {
    /// The arm.
    pub arm: String,
    /// Number of the block, counted from 0; blocks of one number ran side by side in time.
    pub block: u32,
    /// Path and settings if they are not the usual ones (direct, valid credentials only).
    pub variant: Option<String>,
    /// Requests a second that were planned; null in a closed loop.
    pub rate_offered_rps: Option<f64>,
    /// Requests a second that were answered.
    pub rate_achieved_rps: f64,
    /// Requests sent.
    pub requests: u64,
    /// Requests planned and not sent by the end.
    pub not_sent: u64,
    /// Answers that were not what their credential deserves.
    pub wrong_answers: u64,
    /// Latency on both clocks; null where it was not taken.
    pub latency_ns: Option<Latency>,
    /// CPU time per request by process.
    pub cpu_ns_per_request: ByProcess,
    /// Time per request spent runnable and waiting for a core, by process: a lower bound.
    pub run_queue_ns_per_request: ByProcess,
    /// Bytes on the client's wire.
    pub bytes_per_request: Bytes,
    /// Commands sent to the store per request.
    pub store_commands_per_request: Option<f64>,
    /// Memory of instance and store per live login, in bytes.
    pub memory_bytes_per_login: Option<f64>,
    /// What instances and store held, whole; null where it was not taken.
    #[serde(default)]
    pub memory: Option<Memory>,
    /// The histogram's file in the run's folder.
    pub hlog: Option<String>,
    /// True if a first attempt failed, or its load was not the planned one.
    #[serde(default)]
    pub repeated: bool,
    /// The highest rate that was in time, and how it was found; null where the rate was given. The
    /// other figures are those of that rate.
    #[serde(default)]
    pub capacity: Option<Capacity>,
}

/// What the processes of one arm held when its load was over, and what further logins added.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// Instances of the pool.
    pub instances: u32,
    /// Logins that were alive: those of the visitors, and those made beforehand.
    pub live_logins: u64,
    /// Resident memory of all instances together, in bytes.
    pub server_bytes: u64,
    /// Resident memory of the store, in bytes; null for an arm without one.
    pub store_bytes: Option<u64>,
    /// Logins that were made at instance A after that.
    pub further_logins: u64,
    /// What each of these added to the instances, in bytes.
    pub server_bytes_per_login: f64,
    /// What each of these added to the store, in bytes; null for an arm without one.
    pub store_bytes_per_login: Option<f64>,
}

/// The highest rate at which 99 % were answered within a bound, and how it was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Capacity {
    /// The highest rate that was in time, in requests a second.
    pub rate_rps: f64,
    /// The lowest rate that was not, twice in succession.
    pub too_high_rps: f64,
    /// The bound for the 99th percentile of the latency from the intended time, in nanoseconds.
    pub p99_bound_ns: u64,
    /// Every rate that was tried, in order.
    pub tries: Vec<Try>,
}

/// One rate that was tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Try {
    /// Requests a second.
    pub rate_rps: f64,
    /// 99th percentile of the latency from the intended time, in nanoseconds.
    pub p99_ns: u64,
    /// Whether that was within the bound, and the load the planned one.
    pub in_time: bool,
    /// CPU time of the generator as a share of what it could have had.
    pub generator_cpu_share: f64,
}

/// How far away a store may be until asking it takes longer than another way, at the median.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BreakEven {
    /// The arm that asks a store.
    pub arm: String,
    /// The arm that does not.
    pub against: String,
    /// The round trip at which both take as long, in milliseconds; null where `censored`.
    pub round_trip_ms: Option<f64>,
    /// Interval of 95 % round it; null where there were too few blocks for one. Its ends are
    /// bounded by what was measured, from 0 to `farthest_ms`.
    pub interval: Option<[f64; 2]>,
    /// Whether it lies outside of what was measured, and where.
    pub censored: Option<Censored>,
    /// By how much a request takes longer for each millisecond of round trip, in milliseconds:
    /// how often it waits for the store.
    pub trips_per_request: f64,
    /// The farthest store that was measured, in milliseconds.
    pub farthest_ms: f64,
}

/// Where a break-even lies that was not measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Censored {
    /// Even next door the store makes it the slower way.
    Below,
    /// Even with the farthest store that was measured it is the quicker way.
    Above,
}

/// Latency on both clocks, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Latency {
    /// From the time a request should have been sent.
    pub intended: Percentiles,
    /// From the time it was sent.
    pub service: Percentiles,
}

/// Percentiles of a latency, in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Percentiles {
    /// Half were faster.
    pub p50: u64,
    /// 90 % were faster.
    pub p90: u64,
    /// 99 % were faster.
    pub p99: u64,
    /// 99.9 % were faster.
    pub p999: u64,
    /// The slowest.
    pub max: u64,
}

/// A figure per process, in nanoseconds per request; null where it was not taken.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ByProcess {
    /// The instances.
    pub server: Option<f64>,
    /// The balancer.
    pub balancer: Option<f64>,
    /// The store.
    pub store: Option<f64>,
    /// The database, where it is a process of its own.
    pub database: Option<f64>,
    /// The instrument itself.
    pub generator: Option<f64>,
}

/// Bytes per request on the client's wire, heads and bodies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bytes {
    /// From the client.
    pub sent: Option<f64>,
    /// To the client.
    pub received: Option<f64>,
}

/// What may be said about one figure of two arms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// The arm.
    pub arm: String,
    /// The arm it is compared with.
    pub against: String,
    /// The figure, such as `cpu_ns_per_request` (server, store and database together).
    pub metric: String,
    /// `arm` / `against`.
    pub ratio: f64,
    /// Interval of 95 % round the ratio; null if there were too few blocks for one.
    pub interval: Option<[f64; 2]>,
    /// `arm` - `against`, in nanoseconds; of `capacity_rps`, in requests a second.
    pub difference_ns: f64,
    /// Interval of 95 % round the difference, in nanoseconds; null like `interval`.
    pub difference_interval: Option<[f64; 2]>,
    /// What the interval and the A/A band allow to say.
    pub verdict: Verdict,
    /// The variant of the arm that was measured; null for the usual one.
    #[serde(default)]
    pub variant: Option<String>,
    /// The variant of the other arm; null for the usual one. An arm against its own usual variant
    /// under the name `the same again` says how far an arm differs from itself.
    #[serde(default)]
    pub against_variant: Option<String>,
    /// The least difference, as a share (0.03 is 3 %), that this run would have shown more often
    /// than not; null without an interval.
    #[serde(default)]
    pub minimum_detectable_share: Option<f64>,
}

/// What may be said of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Verdict {
    /// Less than the other.
    #[serde(rename = "less")]
    Less,
    /// More than the other.
    #[serde(rename = "more")]
    More,
    /// Inside what an arm differs from itself.
    #[serde(rename = "no difference shown")]
    NoDifferenceShown,
}

/// What one rung of the ladder costs one arm: a part of a check, or all up to there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LadderRung {
    /// The arm.
    pub arm: String,
    /// The size of the claims as JSON, about.
    pub claims_bytes: u64,
    /// What was done, with its number from the ground up.
    pub rung: String,
    /// How long it took: the mean, in nanoseconds of one thread.
    pub time_ns: f64,
    /// Criterion's 95 % interval of that mean.
    pub interval: (f64, f64),
}

/// A cell, or a whole column of an arm, that was asked for and not run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NotRun {
    /// The arm.
    pub arm: String,
    /// The event.
    pub event: String,
    /// The variant; null means all of them.
    pub variant: Option<String>,
    /// The reason, and how to get it.
    pub because: String,
}

/// A part of the report that is believed or not on its own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// Who stays recognised: cells of plain, instance, key and store events.
    Survival,
    /// How long an ended login still works.
    Revocation,
    /// What a request costs.
    Cost,
}

/// How far a section may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Validity {
    /// As far as its intervals say.
    #[serde(rename = "ok")]
    Ok,
    /// A first idea, not to be quoted.
    #[serde(rename = "hint only")]
    HintOnly,
    /// Not at all.
    #[serde(rename = "invalid")]
    Invalid,
    /// There is nothing to believe.
    #[serde(rename = "not measured")]
    NotMeasured,
}

/// How far one section may be believed, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SectionValidity {
    /// The section.
    pub section: Section,
    /// The judgement.
    pub validity: Validity,
    /// Why, if it is not ok.
    pub because: Option<String>,
}

/// Why a record could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file could not be written.
    #[error("{path}: cannot be written ({source}); name a folder that can be, with --out")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file could not be read.
    #[error("{path}: cannot be read ({source}); name the folder of a run, which holds {FILE_NAME}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is no record.
    #[error("{path}: is not a record ({source}); run it again, or take the file from its run")]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: serde_json::Error,
    },
    /// The record is of another version.
    #[error(
        "{path}: has schema {found}, this program reads {SCHEMA}; use the program that wrote it"
    )]
    Schema {
        /// The file.
        path: PathBuf,
        /// The version found.
        found: u64,
    },
}

impl Record {
    /// An empty record of this version, valid until somebody finds otherwise.
    pub fn new(seed: u64, command: impl Into<String>) -> Record {
        Record {
            schema: SCHEMA,
            seed,
            command: command.into(),
            valid: true,
            ..Record::default()
        }
    }

    /// Write `record.json` into `dir`, which exists.
    ///
    /// Written beside it first and then renamed, so that whoever reads while a run saves what it
    /// has so far finds a whole record: the earlier one or this one.
    pub fn save(&self, dir: &Path) -> Result<PathBuf, Error> {
        let path = dir.join(FILE_NAME);
        let part = dir.join(format!("{FILE_NAME}.part"));
        let write = || -> io::Result<()> {
            let mut bytes = serde_json::to_vec_pretty(self)?;
            bytes.push(b'\n');
            let mut file = File::create(&part)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&part, &path)
        };
        match write() {
            Ok(()) => Ok(path),
            Err(source) => Err(Error::Write { path, source }),
        }
    }

    /// Read the record of a run: from its folder, or from the file itself.
    pub fn load(path: &Path) -> Result<Record, Error> {
        let path = if path.is_dir() {
            path.join(FILE_NAME)
        } else {
            path.to_owned()
        };
        let bytes = fs::read(&path).map_err(|source| Error::Read {
            path: path.clone(),
            source,
        })?;
        // The version is looked at first: the fields of another version mean nothing to these
        // types.
        let value: Value = serde_json::from_slice(&bytes).map_err(|source| Error::Parse {
            path: path.clone(),
            source,
        })?;
        match value.get("schema").and_then(Value::as_u64) {
            Some(found) if found != u64::from(SCHEMA) => Err(Error::Schema { path, found }),
            _ => serde_json::from_value(value).map_err(|source| Error::Parse { path, source }),
        }
    }

    /// The JSON Schema of this format, as it stands in `record.schema.json`.
    pub fn json_schema() -> Value {
        schemars::schema_for!(Record).to_value()
    }
}
