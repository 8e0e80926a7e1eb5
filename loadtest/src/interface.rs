//! How an application is asked to log in, to say who one is, and to log out, and how its answers
//! are read.
//!
//! Our own servers have one interface; a target file can describe another. Nothing here knows who
//! is asked, or what the answer ought to be.

use std::sync::{Arc, LazyLock};

use http::HeaderMap;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::answer::Wanted;
use crate::arms::{Arm, Carried};
use crate::target::file::{Body, Method, Place, Requests};
use crate::visitors::Account;

/// How an application is asked, and how its answers are read.
#[derive(Debug, Clone)]
pub struct Interface {
    requests: Requests,
    place: Place,
    /// Whether it is that of this project's servers: these say more, and are held to it.
    ours: bool,
    /// What instances call themselves in their answers, and what they are called here.
    names: Vec<(String, String)>,
}

/// The one who stands in an answer that names nobody.
const UNNAMED: &str = "unnamed";

static OURS: LazyLock<Arc<Interface>> =
    LazyLock::new(|| Arc::new(Interface::new(Place::Bearer("/access_token".to_owned()))));

impl Interface {
    fn new(place: Place) -> Interface {
        Interface {
            requests: Requests::default(),
            place,
            ours: true,
            names: Vec::new(),
        }
    }

    /// That of this project's servers, for credentials from wherever.
    pub fn ours() -> Arc<Interface> {
        Arc::clone(&OURS)
    }

    /// That of this project's servers, as `arm` hands out credentials.
    pub fn of(arm: &Arm) -> Interface {
        Interface::new(match arm.properties.carried {
            Carried::SessionCookie { .. } | Carried::SealedCookie => {
                Place::Cookie(format!("sid-{}", arm.pool))
            }
            Carried::SignedToken | Carried::Claim => Place::Bearer("/access_token".to_owned()),
        })
    }

    /// That of somebody's own application.
    pub fn described(requests: Requests, place: Place) -> Interface {
        Interface {
            requests,
            place,
            ours: false,
            names: Vec::new(),
        }
    }

    /// The same, spoken by servers of this project as somebody has set them up.
    #[must_use]
    pub fn asked_with(self, requests: Requests) -> Interface {
        Interface { requests, ..self }
    }

    /// Whether this is the interface of this project's servers.
    pub fn is_ours(&self) -> bool {
        self.ours
    }

    /// From now on, who answers as `said` is called `name`.
    pub fn learn(&mut self, said: String, name: String) {
        self.names.push((said, name));
    }

    /// The cookie that is the credential, if one is.
    pub fn cookie(&self) -> Option<&str> {
        match &self.place {
            Place::Cookie(name) => Some(name),
            Place::Bearer(_) => None,
        }
    }

    /// The token in the answer to a login, if that is where it is.
    pub fn token<'a>(&self, body: &'a Value) -> Option<&'a str> {
        match &self.place {
            Place::Cookie(_) => None,
            Place::Bearer(pointer) => body.pointer(pointer)?.as_str(),
        }
    }

    /// What an instance calls itself in an answer.
    pub fn said_by<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers.get(&self.requests.instance_header)?.to_str().ok()
    }

    /// Who gave an answer, in this run's words.
    pub fn served_by(&self, headers: &HeaderMap) -> String {
        let said = self.said_by(headers).unwrap_or(UNNAMED);
        let known = self.names.iter().find(|(theirs, _)| theirs == said);
        known.map_or(said, |(_, name)| name).to_owned()
    }

    /// The request that logs somebody in at `base`.
    pub fn log_in(&self, http: &Client, base: &str, account: &Account) -> RequestBuilder {
        let login = &self.requests.login;
        let request = http.request(verb(login.method), format!("{base}{}", login.path));
        let fill = |text: &str| {
            // The name may hold what looks like the other placeholder: one pass for both.
            let parts = text.split("{user}");
            let parts: Vec<_> = parts
                .map(|part| part.replace("{password}", &account.password))
                .collect();
            parts.join(&account.name)
        };
        match &login.body {
            Body::Json(json) => request.json(&filled(json, &fill)),
            Body::Form(form) => {
                let fields: Vec<_> = form.iter().map(|(name, text)| (name, fill(text))).collect();
                request.form(&fields)
            }
        }
    }

    /// What a login must be answered.
    pub fn logged_in<'a>(&self, account: &'a Account) -> Wanted<'a> {
        match self.ours {
            true => Wanted::User(&account.name),
            false => Wanted::Done,
        }
    }

    /// The request that asks at `base` who one is.
    pub fn who_am_i(&self, http: &Client, base: &str) -> RequestBuilder {
        let who_am_i = &self.requests.who_am_i;
        http.request(verb(who_am_i.method), format!("{base}{}", who_am_i.path))
    }

    /// What must be answered who one is; `user` is nobody if anybody will do.
    pub fn is<'a>(&'a self, user: Option<&'a str>) -> Wanted<'a> {
        match (self.ours, user) {
            (true, Some(user)) => Wanted::User(user),
            (true, None) => Wanted::Success,
            (false, user) => Wanted::Named {
                user,
                at: self.requests.who_am_i.user.as_deref(),
            },
        }
    }

    /// The request that logs out at `base`.
    pub fn log_out(&self, http: &Client, base: &str) -> RequestBuilder {
        let logout = &self.requests.logout;
        http.request(verb(logout.method), format!("{base}{}", logout.path))
    }
}

fn verb(method: Method) -> reqwest::Method {
    match method {
        Method::Get => reqwest::Method::GET,
        Method::Post => reqwest::Method::POST,
        Method::Put => reqwest::Method::PUT,
        Method::Patch => reqwest::Method::PATCH,
        Method::Delete => reqwest::Method::DELETE,
    }
}

fn filled(json: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match json {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(list) => list.iter().map(|item| filled(item, fill)).collect(),
        Value::Object(object) => {
            let fields = object.iter();
            let fields = fields.map(|(name, value)| (name.clone(), filled(value, fill)));
            Value::Object(fields.collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn account() -> Account {
        Account {
            name: "{password}".to_owned(),
            password: "{user}".to_owned(),
        }
    }

    fn sent(body: Body) -> String {
        let mut requests = Requests::default();
        requests.login.body = body;
        let interface = Interface::described(requests, Place::Cookie("x".to_owned()));
        let request = interface.log_in(&Client::new(), "http://127.0.0.1:1", &account());
        let request = request.build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:1/login");
        let body = request.body().unwrap().as_bytes().unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    }

    /// Names and passwords may look like placeholders: each stands for itself.
    #[test]
    fn a_login_is_filled_in_wherever_it_says_so_and_once() {
        let json = json!({"who": ["{user}", {"secret": "-{password}-"}], "n": 1});
        let filled: Value = serde_json::from_str(&sent(Body::Json(json))).unwrap();
        let wanted = json!({"who": ["{password}", {"secret": "-{user}-"}], "n": 1});
        assert_eq!(filled, wanted);
        let form = [("name", "{user}"), ("pass", "{password}")];
        let form = form.map(|(name, text)| (name.to_owned(), text.to_owned()));
        let sent = sent(Body::Form(form.into_iter().collect()));
        assert_eq!(sent, "name=%7Bpassword%7D&pass=%7Buser%7D");
    }

    #[test]
    fn an_instance_is_called_what_was_learnt() {
        let mut interface = (*Interface::ours()).clone();
        let mut headers = HeaderMap::new();
        assert_eq!(interface.served_by(&headers), "unnamed");
        headers.insert("x-served-by", "web-7f9c".parse().unwrap());
        assert_eq!(interface.served_by(&headers), "web-7f9c");
        interface.learn("web-7f9c".to_owned(), "mine-a".to_owned());
        assert_eq!(interface.served_by(&headers), "mine-a");
    }

    #[test]
    fn a_token_is_read_where_it_was_said_to_be() {
        let place = Place::Bearer("/data/0/jwt".to_owned());
        let interface = Interface::described(Requests::default(), place);
        let body = json!({"data": [{"jwt": "abc"}]});
        assert_eq!(interface.token(&body), Some("abc"));
        assert_eq!(interface.token(&json!({"jwt": "abc"})), None);
        assert_eq!(interface.cookie(), None);
    }
}
