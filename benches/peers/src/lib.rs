//! What every peer does besides remembering a login: the same work as our servers do, so that
//! what differs is the framework and the way of remembering.
//!
//! Each file in `bin/` is one peer. [`actix_frame`] and [`axum_frame`] put the same checks,
//! headers and counter around it; this file has what both frames share.

pub mod actix_frame;
pub mod axum_frame;
pub mod request_count;
pub mod request_form;

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// How long a client may take to send a header, and how long a connection may idle.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a session lives without being used, or an access token in all.
pub const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// The one password: peers do not hash, since only `/me` is measured.
const PASSWORD: &str = "load-users-share-one";

/// What every peer can be told: the flags that `cluster` gives to an instance, and two more.
#[derive(Debug, Clone, clap::Parser)]
pub struct Settings {
    /// Address to listen on; port 0 takes a free one, which is printed as `LISTENING ADDRESS`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Name of the pool
    #[arg(long, value_name = "NAME", default_value = "peer")]
    pool: String,
    /// Name of this instance in its pool
    #[arg(long, value_name = "NAME", default_value = "a")]
    instance: String,
    /// End when standard input ends
    #[arg(long)]
    end_with_stdin: bool,
    /// Redis, for the peers that keep their sessions there
    #[arg(long, value_name = "URL", default_value = "redis://127.0.0.1:6379")]
    pub redis_url: String,
    /// Renew a session's lifetime on each request instead of on changes alone
    #[arg(long)]
    pub renew: bool,
}

impl Settings {
    /// What stands in `x-served-by`.
    pub fn served_by(&self) -> String {
        format!("{}-{}", self.pool, self.instance)
    }

    /// Tells whoever started this peer where it listens, and ends with them if they asked for it.
    pub fn listening(&self, address: SocketAddr) {
        println!("LISTENING {address}");
        let _ = io::stdout().flush();
        if self.end_with_stdin {
            std::thread::spawn(|| {
                let _ = io::copy(&mut io::stdin(), &mut io::sink());
                std::process::exit(0);
            });
        }
    }
}

/// A login, as every peer remembers it: the fields that our servers remember.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Login {
    /// The account's name.
    pub user: String,
    /// The person's name.
    pub name: String,
    /// What they may do.
    pub role: String,
    /// When they logged in, milliseconds since the Unix epoch.
    pub since_ms: u64,
    /// Where they logged in.
    pub login_instance: String,
}

/// The body of `POST /login`.
#[derive(Debug, Deserialize)]
pub struct Credentials {
    username: String,
    password: String,
}

impl Credentials {
    /// The login that these credentials prove, if the password is right.
    pub fn login(self, served_by: &str) -> Option<Login> {
        (self.password == PASSWORD).then(|| Login {
            name: self.username.clone(),
            user: self.username,
            role: "member".to_owned(),
            since_ms: now_ms(),
            login_instance: served_by.to_owned(),
        })
    }
}

/// The answer to `/login` and `/me`.
#[derive(Debug, Serialize)]
pub struct Me<'a> {
    user: &'a str,
    role: &'a str,
    since: u64,
    login_instance: &'a str,
    answering_instance: &'a str,
}

impl<'a> Me<'a> {
    /// Who `login` is, as `answering_instance` says it.
    pub fn new(login: &'a Login, answering_instance: &'a str) -> Self {
        Self {
            user: &login.user,
            role: &login.role,
            since: login.since_ms,
            login_instance: &login.login_instance,
            answering_instance,
        }
    }
}

/// The answer to `/login` where the credential is a token.
#[derive(Debug, Serialize)]
pub struct MeWithToken<'a> {
    /// Who logged in.
    #[serde(flatten)]
    pub me: Me<'a>,
    /// The credential.
    pub access_token: String,
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("the clock is later than 1970");
    u64::try_from(since_epoch.as_millis()).expect("milliseconds fit for 500 million years")
}
