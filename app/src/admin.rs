//! What an admin does to other people's accounts, and what becomes of logins they already have.

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::application::{Application, internal};
use crate::body;
use crate::ending::Ending;
use crate::login::Role;
use crate::memory::{Memory, Scope};
use crate::problem::{Problem, Reason};

/// An account, as an admin sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Shown {
    user: String,
    role: Role,
    disabled: bool,
    /// When logins made before this change stop working as they did.
    #[serde(flatten)]
    logins: Option<Ending>,
}

/// `GET /admin/users/{name}`
pub(crate) async fn show<M: Memory>(
    State(application): State<Application<M>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    admin_only(&application, &mut parts).await?;
    shown(&application, &name, None).await
}

/// One change of an account. An enum, so that a request can ask for one thing at a time and the
/// answer says when that one thing takes effect.
#[derive(Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Change {
    Role(Role),
    Disabled(bool),
}

/// `PATCH /admin/users/{name}` with `{"role": …}` or `{"disabled": …}`
pub(crate) async fn change<M: Memory>(
    State(application): State<Application<M>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let (mut parts, body) = request.into_parts();
    admin_only(&application, &mut parts).await?;
    let change: Change = body::json(&parts.headers, body).await?;
    let users = &application.users;
    // The account first, the logins second: whoever logs in between gets the new state.
    let (found, scope) = match change {
        Change::Role(role) => (
            users.set_role(&name, role).await.map_err(internal)?,
            Some(Scope::OldRole {
                user: name.clone(),
                role,
            }),
        ),
        Change::Disabled(true) => (
            users.set_disabled(&name, true).await.map_err(internal)?,
            Some(Scope::EveryLogin { user: name.clone() }),
        ),
        Change::Disabled(false) => (
            users.set_disabled(&name, false).await.map_err(internal)?,
            None,
        ),
    };
    if !found {
        Err(Reason::NotFound)?;
    }
    let logins = match scope {
        Some(scope) => {
            let forgotten = application.memory.forget(&mut parts, &scope).await;
            Some(Ending::try_from(forgotten.ended).map_err(|problem| {
                problem.detail("The account is changed; whether its logins are is not known.")
            })?)
        }
        None => None,
    };
    shown(&application, &name, logins).await
}

async fn admin_only<M: Memory>(
    application: &Application<M>,
    parts: &mut Parts,
) -> Result<(), Problem> {
    let login = application.signed_in(parts).await?;
    if login.role.administers() {
        return Ok(());
    }
    Err(Problem::new(Reason::Forbidden)
        .detail("Only admins see and change other accounts.")
        .challenge(application.memory.challenge()))
}

async fn shown<M: Memory>(
    application: &Application<M>,
    name: &str,
    logins: Option<Ending>,
) -> Result<Response, Problem> {
    let account = application.users.find(name).await.map_err(internal)?;
    let account = account.ok_or(Reason::NotFound)?;
    let shown = Shown {
        user: account.name,
        role: account.role,
        disabled: account.disabled,
        logins,
    };
    Ok(Json(shown).into_response())
}
