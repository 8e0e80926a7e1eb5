//! The format of a target file: the addresses of two instances and of their balancer, arm by arm,
//! and the requests that log in, ask who one is, and log out.
//!
//! What is left out is as in this project's own servers, so that a file for them is addresses
//! alone. No secret stands in it: passwords of users made for the purpose may, a lab's secret has a
//! file of its own.
//!
//! Long because whoever writes a target file looks for all of its fields in one place.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use app::users::LOAD_PASSWORD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The version of the format.
pub const VERSION: u32 = 1;

/// A target: who is to be asked, where, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// The schema of this file, for editors; nothing else reads it.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Version of the format: 1.
    pub target: u32,
    /// What this is, in a few words; it stands in the record.
    #[serde(default)]
    pub label: String,
    /// How the application is asked. Left out: as this project's servers are.
    #[serde(default)]
    pub requests: Requests,
    /// Who may log in. Left out: load users 0 to 4999 of this project's servers.
    #[serde(default)]
    pub users: Users,
    /// File that holds the secret of `/lab` of this project's servers, beside this file unless its
    /// path is absolute.
    #[serde(default)]
    pub lab_secret_file: Option<PathBuf>,
    /// Where the balancer shows its statistics, if it is HAProxy, such as
    /// `http://127.0.0.1:8404/stats`; backends have the names of the arms. Its counters say how
    /// often requests were tried again.
    #[serde(default)]
    pub haproxy_statistics: Option<String>,
    /// What is to be compared.
    pub arms: Vec<TargetArm>,
}

/// How the application is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Requests {
    /// Logs somebody in.
    pub login: Login,
    /// Says whose login a credential belongs to.
    pub who_am_i: WhoAmI,
    /// Ends the login that it is sent with.
    pub logout: Logout,
    /// What the client holds after a login. Left out: what the arm of this project has.
    pub credential: Option<Place>,
    /// The header in which every answer names the instance that gave it. What stands there is
    /// learnt by asking each instance; the two must differ.
    pub instance_header: String,
}

/// The request that logs somebody in. A 2xx or 3xx that hands out the credential is a success.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Login {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Its body; `{user}` and `{password}` are replaced in every text of it.
    pub body: Body,
}

/// The request that says whose login it is. 2xx: the user's; 400, 401, 403 or a redirect: nobody's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhoAmI {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
    /// Where the answer names the user, as a JSON pointer; a name that is missing or null is
    /// nobody's, another name is a failure. With null, any 2xx will do.
    pub user: Option<String>,
}

/// The request that logs out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Logout {
    /// Its method.
    pub method: Method,
    /// Its path.
    pub path: String,
}

/// A method of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are those of HTTP")]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// The body of a login.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// Sent as JSON.
    Json(Value),
    /// Sent as a form.
    Form(BTreeMap<String, String>),
}

/// What the client holds after a login.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// The cookie of this name, from `Set-Cookie`.
    Cookie(String),
    /// A token, at this JSON pointer in the answer to a login; sent as `Authorization: Bearer`.
    Bearer(String),
}

/// Who may log in. The passwords stand here: use accounts that were made for this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Users {
    /// These. Visitors share them, in turns.
    List(Vec<User>),
    /// Users that are numbered.
    Pattern(Pattern),
}

/// A user.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name to log in with.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Users that are numbered and share a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Their names, with `{n}` for the number.
    pub name: String,
    /// The number is padded with zeros to so many digits.
    #[serde(default)]
    pub digits: usize,
    /// The first number.
    #[serde(default)]
    pub first: u32,
    /// How many there are.
    pub count: u32,
    /// The password of all.
    pub password: String,
}

/// One thing that is compared: two instances behind one address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TargetArm {
    /// An arm of this project that it is (`loadtest list` names them); with `properties`, a name of
    /// your own.
    pub arm: String,
    /// The pool that the instances say they belong to, for arms of this project: sessions travel in
    /// the cookie `sid-POOL`. Left out: the arm's usual pool.
    #[serde(default)]
    pub pool: Option<String>,
    /// Where the balancer listens for this arm, such as `http://127.0.0.1:8080`.
    pub balanced: String,
    /// Where each instance is asked without the balancer.
    pub instances: Instances,
    /// Where a balancer listens that sends a client to the same of these instances again. Only
    /// `watch` asks there.
    #[serde(default)]
    pub sticky: Option<String>,
    /// What ends a login by itself, in milliseconds from the login. Left out: as in this project's
    /// servers; with `properties`, nothing does.
    #[serde(default)]
    pub lifetime_ms: Option<u64>,
    /// As the file's own, for this arm alone.
    #[serde(default)]
    pub lab_secret_file: Option<PathBuf>,
    /// What an application of your own promises. What is to be expected is computed from it.
    #[serde(default)]
    pub properties: Option<Properties>,
}

/// Where each instance is asked without the balancer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Instances {
    /// One of them.
    pub a: String,
    /// The other one.
    pub b: String,
}

/// What an application of your own promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Properties {
    /// What pages and terminals call it.
    pub label: String,
    /// Where that lies which makes a credential good.
    pub state: State,
    /// How the balancer picks.
    #[serde(default)]
    pub policy: Policy,
    /// Who hears of a log-out. Left out: the instance that is told, where logins are in a process;
    /// everybody, where they are in a store; nobody, where they are in the credential.
    #[serde(default)]
    pub logout: Option<Hears>,
    /// Whether an instance that does not know a cookie tells the browser to drop it.
    #[serde(default)]
    pub removes_unknown_cookie: bool,
}

/// Where that lies which makes a credential good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// In the memory of the process that took the login.
    Process,
    /// In a store that all instances ask.
    Store,
    /// In the credential itself, and every instance can check it.
    Credential,
    /// In the credential itself, and only the instance that made it can check it.
    CredentialOfOne,
}

/// How the balancer picks an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// In turns.
    #[default]
    RoundRobin,
    /// Where the client was before, by a cookie of the balancer's.
    Sticky,
    /// Whichever has the fewest requests under way.
    LeastConnections,
    /// By the client's address.
    SourceHash,
}

/// Who hears of a log-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hears {
    /// Nobody: a kept credential works until it expires by itself.
    Nobody,
    /// The instance that is told, about logins in its own memory.
    OwnProcess,
    /// Every instance, at once.
    Everybody,
    /// The instance that is told at once, the others within so many milliseconds.
    EverybodyWithinMs(u64),
}

impl TargetFile {
    /// The JSON Schema of this format, as it stands in `target.schema.json`.
    pub fn json_schema() -> Value {
        schemars::schema_for!(TargetFile).to_value()
    }
}

/// Without the password.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// Without the password.
impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pattern")
            .field("name", &self.name)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            login: Login::default(),
            who_am_i: WhoAmI::default(),
            logout: Logout::default(),
            credential: None,
            instance_header: "x-served-by".to_owned(),
        }
    }
}

impl Default for Login {
    fn default() -> Self {
        Self {
            method: Method::Post,
            path: "/login".to_owned(),
            body: Body::Json(json!({"username": "{user}", "password": "{password}"})),
        }
    }
}

impl Default for WhoAmI {
    fn default() -> Self {
        Self {
            method: Method::Get,
            path: "/me".to_owned(),
            user: Some("/user".to_owned()),
        }
    }
}

impl Default for Logout {
    fn default() -> Self {
        Self {
            method: Method::Post,
            path: "/logout".to_owned(),
        }
    }
}

/// How many load users the stack is seeded with, if it is not told otherwise.
const STACK_USERS: u32 = 5_000;

impl Default for Users {
    fn default() -> Self {
        Self::Pattern(Pattern {
            name: "load-{n}".to_owned(),
            digits: 5,
            first: 0,
            count: STACK_USERS,
            password: LOAD_PASSWORD.to_owned(),
        })
    }
}

impl Users {
    /// How many there are.
    pub fn count(&self) -> u32 {
        match self {
            Self::List(list) => u32::try_from(list.len()).unwrap_or(u32::MAX),
            Self::Pattern(pattern) => pattern.count,
        }
    }

    /// One of them, counted from 0; after the last one comes the first again.
    pub fn user(&self, n: u32) -> User {
        match self {
            Self::List(list) => list[n as usize % list.len()].clone(),
            Self::Pattern(pattern) => {
                let number = pattern.first + n % pattern.count;
                let number = format!("{number:0width$}", width = pattern.digits);
                User {
                    user: pattern.name.replace("{n}", &number),
                    password: pattern.password.clone(),
                }
            }
        }
    }
}

impl Instances {
    /// The address of `a` or of `b`.
    pub fn address(&self, name: &str) -> &str {
        if name == "a" { &self.a } else { &self.b }
    }
}
