//! What must hold in a target file beyond its types. Each complaint names the field and the remedy.

use std::collections::BTreeSet;

use reqwest::Url;

use super::file::{Place, Requests, TargetArm, TargetFile, Users, VERSION};
use crate::arms;

/// Looks for what cannot work.
///
/// # Errors
/// The first mistake, in words.
pub fn check(file: &TargetFile) -> Result<(), String> {
    if file.target != VERSION {
        let found = file.target;
        return Err(format!(
            "target: this program reads version {VERSION}, not {found}"
        ));
    }
    if let Some(page) = &file.haproxy_statistics {
        statistics(page)?;
    }
    requests(&file.requests)?;
    users(&file.users)?;
    if file.arms.is_empty() {
        return Err("arms: there is nothing to ask; describe one or more".to_owned());
    }
    let mut names = BTreeSet::new();
    for (n, arm) in file.arms.iter().enumerate() {
        let at = format!("arms[{n}]");
        if !names.insert(&arm.arm) {
            return Err(format!("{at}.arm: {:?} is there twice", arm.arm));
        }
        kind(&at, arm, &file.requests)?;
        address(&format!("{at}.balanced"), &arm.balanced)?;
        address(&format!("{at}.instances.a"), &arm.instances.a)?;
        address(&format!("{at}.instances.b"), &arm.instances.b)?;
        if let Some(sticky) = &arm.sticky {
            address(&format!("{at}.sticky"), sticky)?;
        }
        if arm.instances.a == arm.instances.b {
            return Err(format!(
                "{at}.instances: a and b are one address; two instances have two"
            ));
        }
    }
    Ok(())
}

fn requests(requests: &Requests) -> Result<(), String> {
    for (name, path) in [
        ("login", &requests.login.path),
        ("who_am_i", &requests.who_am_i.path),
        ("logout", &requests.logout.path),
    ] {
        if !path.starts_with('/') {
            return Err(format!(
                "requests.{name}.path: {path:?} does not begin with /"
            ));
        }
    }
    if let Some(user) = &requests.who_am_i.user {
        pointer("requests.who_am_i.user", user)?;
    }
    if let Some(Place::Bearer(token)) = &requests.credential {
        pointer("requests.credential.bearer", token)?;
    }
    let header = &requests.instance_header;
    http::HeaderName::try_from(header.as_str())
        .map_err(|_| format!("requests.instance_header: {header:?} is no name of a header"))?;
    Ok(())
}

fn pointer(field: &str, text: &str) -> Result<(), String> {
    match text.is_empty() || text.starts_with('/') {
        true => Ok(()),
        false => Err(format!(
            "{field}: {text:?} is no JSON pointer; one begins with /, such as /user/name"
        )),
    }
}

fn users(users: &Users) -> Result<(), String> {
    if users.count() == 0 {
        return Err("users: nobody may log in; name one or more".to_owned());
    }
    if let Users::Pattern(pattern) = users {
        if pattern.count > 1 && !pattern.name.contains("{n}") {
            return Err(format!(
                "users.pattern.name: {:?} has no place for the number; write {{n}}",
                pattern.name
            ));
        }
        if pattern.first.checked_add(pattern.count).is_none() {
            return Err("users.pattern: the last number is too large".to_owned());
        }
    }
    Ok(())
}

fn kind(at: &str, arm: &TargetArm, requests: &Requests) -> Result<(), String> {
    let name = &arm.arm;
    match (arms::find(name), &arm.properties) {
        (None, None) => Err(format!(
            "{at}.arm: there is no arm {name:?}; `loadtest list` names those that there are, and \
             one of your own has `properties`"
        )),
        (Some(_), Some(_)) => Err(format!(
            "{at}.properties: {name:?} is an arm of this project, whose properties are known; \
             leave them out, or choose another name"
        )),
        (None, Some(_)) if requests.credential.is_none() => Err(format!(
            "requests.credential: {name:?} is an application of your own, so say what its login \
             hands out: {{\"cookie\": NAME}} or {{\"bearer\": POINTER}}"
        )),
        (None, Some(_)) if arm.lab_secret_file.is_some() => Err(format!(
            "{at}.lab_secret_file: only this project's servers have a lab; leave it out"
        )),
        (None, Some(_)) if arm.pool.is_some() => Err(format!(
            "{at}.pool: only this project's servers have pools; leave it out"
        )),
        _ => Ok(()),
    }
}

fn statistics(text: &str) -> Result<(), String> {
    let field = "haproxy_statistics";
    let page = |url: &Url| {
        url.scheme() == "http" && url.host().is_some() && url.query().or(url.fragment()).is_none()
    };
    match unnamed(field, text)?.filter(page) {
        Some(_) => Ok(()),
        None => Err(format!(
            "{field}: {text:?} is no page; write http://HOST:PORT/PATH"
        )),
    }
}

/// A URL, if it is one; none that holds somebody's name or password.
fn unnamed(field: &str, text: &str) -> Result<Option<Url>, String> {
    let url = Url::parse(text).ok();
    let named = |url: &Url| !url.username().is_empty() || url.password().is_some();
    match url.as_ref().is_some_and(named) {
        // Not shown: it may be somebody's password.
        true => Err(format!(
            "{field}: that address names a user; write http://HOST:PORT"
        )),
        false => Ok(url),
    }
}

fn address(field: &str, text: &str) -> Result<(), String> {
    let url = unnamed(field, text)?;
    let plain = |url: &Url| {
        let tail = (url.path(), url.query(), url.fragment());
        url.scheme() == "http" && url.host().is_some() && tail == ("/", None, None)
    };
    match url.filter(plain) {
        Some(_) => Ok(()),
        None => Err(format!(
            "{field}: {text:?} is no address; write http://HOST:PORT, without a path"
        )),
    }
}
