//! The interface as an OpenAPI 3.1 document: bodies from the types that are read and written,
//! refusals from the table of [`Reason`], the credential from a memory's [`Challenge`].
//!
//! It does not know what else a server adds: that comes in as further [`Operation`]s. `/lab` is for
//! experiments and is left out. Statuses and routes are written here by hand; a conformance run in
//! `loadtest/tests/openapi` holds them against what started servers answer.

use http::StatusCode;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::ending::Ending;
use crate::memory::Challenge;
use crate::problem::Reason;
use crate::{admin, routes};

/// What any request can be refused for.
const ALWAYS: [Reason; 4] = [
    Reason::MalformedRequest,
    Reason::UriTooLong,
    Reason::HeaderTooLarge,
    Reason::Internal,
];
/// What a request with a body can be refused for as well.
const BODY: [Reason; 4] = [
    Reason::TooSlow,
    Reason::BodyTooLarge,
    Reason::UnsupportedType,
    Reason::WrongShape,
];

/// One method of one route.
#[derive(Debug, Clone)]
pub struct Operation {
    /// The method in lower case, as OpenAPI has it.
    pub method: &'static str,
    /// The route.
    pub path: &'static str,
    /// One line for people.
    pub summary: &'static str,
    /// The schema of the body it takes, and the media types of that.
    pub takes: Option<(Value, &'static [&'static str])>,
    /// The schema of a 200, and its media type.
    pub gives: (Value, &'static str),
    /// Whether it needs a login.
    pub needs_login: bool,
    /// What it refuses beside what every route does.
    pub refuses: Vec<Reason>,
}

/// The schema of what is read.
pub fn read<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize();
    inlined::<T>(settings)
}

/// The schema of what is written.
pub fn written<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    inlined::<T>(settings)
}

fn inlined<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value()
}

/// The document of a server called `title`, whose credential travels as `challenge` says.
pub fn document(title: &str, challenge: &Challenge, own: Vec<Operation>) -> Value {
    let scheme = match challenge {
        Challenge::Bearer => json!({ "type": "http", "scheme": "bearer" }),
        Challenge::Cookie { name } => json!({ "type": "apiKey", "in": "cookie", "name": name }),
    };
    let mut paths = Map::new();
    for operation in applications().into_iter().chain(own) {
        let item = paths.entry(operation.path).or_insert_with(|| {
            match operation.path.contains("{name}") {
                true => json!({ "parameters": [{
                    "name": "name", "in": "path", "required": true,
                    "schema": { "type": "string", "minLength": 1 },
                }] }),
                false => json!({}),
            }
        });
        item[operation.method] = described(&operation, challenge);
    }
    json!({
        "openapi": "3.1.0",
        "info": { "title": title, "version": env!("CARGO_PKG_VERSION") },
        "paths": paths,
        "components": { "securitySchemes": { "login": scheme } },
    })
}

fn described(operation: &Operation, challenge: &Challenge) -> Value {
    let mut refuses = ALWAYS.to_vec();
    refuses.extend(&operation.refuses);
    if operation.takes.is_some() {
        refuses.extend(BODY);
    }
    if operation.needs_login {
        // Any of the 401 there are; which of them depends on how logins are remembered.
        refuses.extend([Reason::NoCredential, Reason::StoreUnavailable]);
    }
    if operation.method != "get" && matches!(challenge, Challenge::Cookie { .. }) {
        refuses.push(Reason::CrossSite);
    }
    let (schema, media) = &operation.gives;
    let ok = json!({ "description": "Done.", "content": { *media: { "schema": schema } } });
    let mut responses = Map::from_iter([("200".to_owned(), ok)]);
    for reason in refuses {
        let status = reason.status();
        responses.insert(status.as_str().to_owned(), refusal(status));
    }
    let mut described = json!({ "summary": operation.summary, "responses": responses });
    if let Some((schema, medias)) = &operation.takes {
        let each = medias
            .iter()
            .map(|media| ((*media).to_owned(), json!({ "schema": schema })));
        let content: Map<String, Value> = each.collect();
        described["requestBody"] = json!({ "required": true, "content": content });
    }
    if operation.needs_login {
        described["security"] = json!([{ "login": [] }]);
    }
    described
}

/// The problem (RFC 9457) of a status: the reasons that have it, and the headers beside it.
fn refusal(status: StatusCode) -> Value {
    let with_status = Reason::ALL
        .iter()
        .filter(|reason| reason.status() == status);
    let names: Vec<_> = with_status.map(|reason| reason.as_str()).collect();
    let mut refusal = json!({
        "description": status.canonical_reason(),
        "content": { "application/problem+json": { "schema": {
            "type": "object",
            "required": ["type", "title", "status", "reason", "detail"],
            "properties": {
                "type": { "const": "about:blank" },
                "title": { "type": "string" },
                "status": { "const": status.as_u16() },
                "reason": { "enum": names },
                "detail": { "type": "string" },
                "error": { "type": "string", "description": "of RFC 6749 or RFC 6750" },
            },
        } } },
    });
    let header = match status {
        StatusCode::UNAUTHORIZED => Some(("WWW-Authenticate", json!({ "type": "string" }))),
        StatusCode::SERVICE_UNAVAILABLE => Some(("Retry-After", json!({ "type": "integer" }))),
        _ => None,
    };
    if let Some((name, schema)) = header {
        refusal["headers"] = json!({ name: { "required": true, "schema": schema } });
    }
    refusal
}

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// The routes that both servers have.
fn applications() -> Vec<Operation> {
    let mut all = about_logins();
    all.extend(about_accounts());
    all
}

fn get(path: &'static str, summary: &'static str, gives: Value) -> Operation {
    Operation {
        method: "get",
        path,
        summary,
        takes: None,
        gives: (gives, JSON),
        needs_login: true,
        refuses: Vec::new(),
    }
}

fn post(path: &'static str, summary: &'static str, gives: Value, refuses: &[Reason]) -> Operation {
    Operation {
        method: "post",
        refuses: refuses.to_vec(),
        ..get(path, summary, gives)
    }
}

fn about_logins() -> Vec<Operation> {
    let new_login = [Reason::Overloaded, Reason::NotTheIssuer, Reason::Conflict];
    let with_form = [Reason::TooSlow, Reason::BodyTooLarge, Reason::WrongShape];
    let ending = written::<Ending>;
    vec![
        Operation {
            takes: Some((read::<routes::LogIn>(), &[JSON, FORM])),
            needs_login: false,
            refuses: [&new_login[..], &[Reason::WrongPassword, Reason::Disabled]].concat(),
            ..post("/login", "Log in", written::<routes::Remembered<'_>>(), &[])
        },
        get("/me", "Who am I?", written::<routes::Me<'_>>()),
        Operation {
            refuses: vec![Reason::Forbidden],
            ..get(
                "/records",
                "Financial records, for some roles",
                json!({
                    "type": "object", "required": ["records"],
                    "properties": { "records": { "type": "array", "items": { "type": "object" } } },
                }),
            )
        },
        Operation {
            takes: Some((read::<routes::ChangePassword>(), &[JSON])),
            ..post(
                "/password",
                "Change the password; other logins end",
                written::<routes::Remembered<'_>>(),
                &new_login,
            )
        },
        post("/logout", "End this login", ending(), &with_form),
        post(
            "/logout-everywhere",
            "End all my logins",
            ending(),
            &with_form,
        ),
    ]
}

/// And the one that anybody may ask.
fn about_accounts() -> Vec<Operation> {
    vec![
        Operation {
            refuses: vec![Reason::Forbidden, Reason::NotFound],
            ..get(
                "/admin/users/{name}",
                "An account",
                written::<admin::Shown>(),
            )
        },
        Operation {
            method: "patch",
            takes: Some((read::<admin::Change>(), &[JSON])),
            refuses: vec![Reason::Forbidden, Reason::NotFound],
            ..get(
                "/admin/users/{name}",
                "Change an account",
                written::<admin::Shown>(),
            )
        },
        Operation {
            needs_login: false,
            ..get(
                "/healthz",
                "Does the process answer?",
                json!({
                    "type": "object", "required": ["alive"],
                    "properties": { "alive": { "const": true } },
                }),
            )
        },
    ]
}
