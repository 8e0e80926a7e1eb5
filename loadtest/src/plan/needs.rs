//! What somebody needs: users, requests, lifetimes, places. All of it is the reader's to say.

use serde::Serialize;

/// The largest figure that may be asked for: beyond it nobody means a number.
pub const MOST: f64 = 1e15;

/// What is to be carried.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Needs {
    /// Logins that are alive at one time.
    pub live_logins: f64,
    /// Requests a second that carry a credential, all regions together.
    pub requests_per_second: f64,
    /// Logins a second, password checks included.
    pub logins_per_second: f64,
    /// How long a login lasts, in seconds.
    pub lifetime_s: f64,
    /// How long an access token is good where a refresh token renews it, in seconds.
    pub access_lifetime_s: f64,
    /// Bytes remembered of a login beyond who it is, which role, and since when.
    pub claims_bytes: f64,
    /// Places at which requests are answered.
    pub regions: f64,
    /// Round trip from a region to another, in milliseconds.
    pub round_trip_ms: f64,
    /// CPU time of your own handler, for each request, in nanoseconds.
    pub handler_ns: f64,
    /// How much of a core may be busy: the rest is for peaks and for what fails.
    pub utilisation_max: f64,
    /// The fewest instances in a region.
    pub instances_min: f64,
    /// Memory of one node of the store that records may fill, in bytes.
    pub store_node_bytes: f64,
}

impl Needs {
    /// Requests that one login makes before it ends.
    pub fn requests_per_login(&self) -> f64 {
        self.requests_per_second / self.logins_per_second
    }

    /// Requests a second of one login.
    pub fn rate_of_a_login(&self) -> f64 {
        self.requests_per_second / self.live_logins
    }
}
