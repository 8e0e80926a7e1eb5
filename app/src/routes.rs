//! The routes of somebody who logs in: the same for every way of remembering.
//!
//! Every handler reads the same way: who is it, may they, do it, say what happened.

use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::header::SET_COOKIE;
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::application::{Application, internal};
use crate::body;
use crate::carriage::{Carriage, HeldBack, TokenAnswer};
use crate::ending::{Ending, ended};
use crate::lab;
use crate::login::Login;
use crate::memory::{Memory, Scope};
use crate::problem::{Problem, Reason};
use crate::users::Account;

/// The longest user name, in characters.
const NAME_MAX_CHARS: usize = 64;
/// The longest password, in characters; argon2 would hash any length.
const PASSWORD_MAX_CHARS: usize = 256;

/// Who somebody is, as `/login` and `/me` answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Me<'a> {
    user: &'a str,
    #[schemars(with = "crate::Role")]
    role: &'static str,
    /// When the password was checked, milliseconds since the Unix epoch.
    since: u64,
    login_instance: &'a str,
    answering_instance: &'a str,
}

impl<'a> Me<'a> {
    fn new(login: &'a Login, answering_instance: &'a str) -> Self {
        Self {
            user: &login.user,
            role: login.role.as_str(),
            since: login.since_ms,
            login_instance: &login.login_instance,
            answering_instance,
        }
    }
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LogIn {
    #[schemars(length(min = 1, max = NAME_MAX_CHARS), regex(pattern = r"^[^\x00-\x1f\x7f-\x9f]*$"))]
    username: String,
    #[schemars(length(min = 1, max = PASSWORD_MAX_CHARS))]
    password: HeldBack<String>,
}

/// `POST /login`
pub(crate) async fn log_in<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    lab::lifetime_max(&mut parts)?;
    let sent: LogIn = body::json_or_form(&parts.headers, body).await?;
    check_name(&sent.username)?;
    check_password(sent.password.reveal())?;
    let account = application
        .users
        .find(&sent.username)
        .await
        .map_err(internal)?;
    let hash = account
        .as_ref()
        .map(|account| account.password_hash.clone());
    let matches = application
        .hasher
        .check(sent.password.into_revealed(), hash)
        .await?;
    let account = match account {
        Some(account) if matches => account,
        // The same words and the same time for an unknown name (OWASP ASVS 6.3.8).
        _ => {
            return Err(
                Problem::new(Reason::WrongPassword).challenge(application.memory.challenge())
            );
        }
    };
    if account.disabled {
        Err(Reason::Disabled)?;
    }
    let answer = remember(&application, &mut parts, account.clone()).await?;
    // Whoever disables an account, or gives it another role or password, changes the account first
    // and ends its logins then: what has not come to the account by now will find this login too.
    // Between the two reads lies the password check, which may have waited for its turn.
    let now = application.users.find(&account.name).await;
    if now.map_err(internal)?.as_ref() == Some(&account) {
        return Ok(answer);
    }
    let _ = application
        .memory
        .forget(&mut parts, &Scope::ThisLogin)
        .await;
    Err(Reason::Conflict.into())
}

/// Remembers a login of `account` and answers with it, however its credential travels.
pub(crate) async fn remember<M: Memory>(
    application: &Application<M>,
    parts: &mut Parts,
    account: Account,
) -> Result<Response, Problem> {
    let login = Login {
        user: account.name,
        name: account.display_name,
        role: account.role,
        since_ms: application.instance.clock.now_ms(),
        login_instance: application.served_by().to_owned(),
    };
    let carriage = application.memory.remember(parts, &login).await?;
    Ok(carried(application.served_by(), &login, carriage, None))
}

/// The answer to a new credential: who it is for, what was ended for it, and the credential.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Remembered<'a> {
    #[serde(flatten)]
    me: Me<'a>,
    #[serde(flatten)]
    others: Option<Ending>,
    #[serde(flatten)]
    token: Option<TokenAnswer>,
}

fn carried(served_by: &str, login: &Login, carriage: Carriage, others: Option<Ending>) -> Response {
    let me = Me::new(login, served_by);
    match carriage {
        Carriage::ByLayer => Json(Remembered {
            me,
            others,
            token: None,
        })
        .into_response(),
        Carriage::Cookie(cookie) => {
            let body = Json(Remembered {
                me,
                others,
                token: None,
            });
            ([(SET_COOKIE, cookie.into_revealed())], body).into_response()
        }
        Carriage::Token(token) => Json(Remembered {
            me,
            others,
            token: Some(token),
        })
        .into_response(),
    }
}

/// `GET /me`
pub(crate) async fn me<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let login = application.signed_in(&mut parts).await?;
    Ok(Json(Me::new(&login, application.served_by())).into_response())
}

/// `GET /records`: being known is not enough, the role must allow it.
pub(crate) async fn records<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    let login = application.signed_in(&mut parts).await?;
    if !login.role.reads_records() {
        return Err(Problem::new(Reason::Forbidden)
            .detail("Only accountants and admins read the financial records.")
            .challenge(application.memory.challenge()));
    }
    let records = serde_json::json!({
        "records": [
            { "quarter": "Q1", "revenue_eur": 184_000, "profit_eur": 21_000 },
            { "quarter": "Q2", "revenue_eur": 191_500, "profit_eur": 24_300 },
            { "quarter": "Q3", "revenue_eur": 188_200, "profit_eur": 19_900 },
        ],
    });
    Ok(Json(records).into_response())
}

/// `POST /logout`
pub(crate) async fn log_out<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    application.signed_in(&mut parts).await?;
    body::no_credential(&parts.headers, body).await?;
    let forgotten = application
        .memory
        .forget(&mut parts, &Scope::ThisLogin)
        .await;
    ended(forgotten)
}

/// `POST /logout-everywhere`
pub(crate) async fn log_out_everywhere<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let login = application.signed_in(&mut parts).await?;
    body::no_credential(&parts.headers, body).await?;
    let scope = Scope::EveryLogin { user: login.user };
    let forgotten = application.memory.forget(&mut parts, &scope).await;
    ended(forgotten)
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangePassword {
    #[schemars(length(min = 1, max = PASSWORD_MAX_CHARS))]
    old: HeldBack<String>,
    #[schemars(length(min = 1, max = PASSWORD_MAX_CHARS))]
    new: HeldBack<String>,
}

/// `POST /password`: the account's other logins end, and this one gets a new credential.
pub(crate) async fn change_password<M: Memory>(
    State(application): State<Application<M>>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    let login = application.signed_in(&mut parts).await?;
    let sent: ChangePassword = body::json(&parts.headers, body).await?;
    check_password(sent.old.reveal())?;
    check_password(sent.new.reveal())?;
    let account = application
        .users
        .find(&login.user)
        .await
        .map_err(internal)?;
    let account = account.ok_or(Reason::Internal)?;
    let old_hash = account.password_hash.clone();
    if !application
        .hasher
        .check(sent.old.into_revealed(), Some(old_hash.clone()))
        .await?
    {
        return Err(Problem::new(Reason::WrongPassword)
            .detail("The old password is wrong.")
            .challenge(application.memory.challenge()));
    }
    let new_hash = application.hasher.hash(sent.new.into_revealed()).await?;
    let replaced = application
        .users
        .replace_password(&login.user, &old_hash, &new_hash)
        .await;
    if !replaced.map_err(internal)? {
        Err(Reason::Conflict)?;
    }
    let scope = Scope::EveryLogin {
        user: login.user.clone(),
    };
    let forgotten = application.memory.forget(&mut parts, &scope).await;
    let others_ended = Ending::try_from(forgotten.ended).map_err(|problem| {
        problem.detail("The password is changed; whether other logins ended is not known.")
    })?;
    let carriage = application.memory.remember(&mut parts, &login).await?;
    Ok(carried(
        application.served_by(),
        &login,
        carriage,
        Some(others_ended),
    ))
}

/// A name may be anything people are called, but neither empty, nor endless, nor with control
/// characters: those are mistakes or attacks (422), not unknown users (401).
fn check_name(name: &str) -> Result<(), Problem> {
    let fits = !name.is_empty() && name.chars().count() <= NAME_MAX_CHARS;
    if fits && !name.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Problem::new(Reason::WrongShape)
        .detail("username: 1 to 64 characters, none of them control characters."))
}

fn check_password(password: &str) -> Result<(), Problem> {
    if (1..=PASSWORD_MAX_CHARS).contains(&password.chars().count()) {
        return Ok(());
    }
    Err(Problem::new(Reason::WrongShape).detail("password: 1 to 256 characters."))
}
