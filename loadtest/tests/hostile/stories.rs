//! What takes more than one request: a login after a login, a herd, a store that is gone.

use tokio::task::JoinSet;

use super::case::Right::{Refused, Served};
use super::case::{Case, Known, Sends, Way, get, login, request, sent};
use super::house::{House, credential};
use super::judge::refusal;
use super::wire;

/// More than may wait for two instances' password checks.
const HERD: usize = 100;

pub(crate) fn cases() -> Vec<Case> {
    let row = |number, what: &str, right| sent(number, what, Sends::Story, right);
    vec![
        row(44, "a login with a good credential", Served),
        row(45, "the store is gone", Refused(503, "store-unavailable")),
        row(46, "a herd of logins", Refused(503, "overloaded")),
    ]
}

/// Tells them, and says what was wrong. The store is gone afterwards.
pub(crate) async fn tell(house: &House, tables: &[(Vec<Case>, Known)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (_, known) in tables {
        for way in Way::ALL {
            let mut of_way = log_in_twice(house, known, way).await;
            of_way.extend(herd(house, known, way).await);
            wrong.extend(
                of_way
                    .iter()
                    .map(|it| format!("{:?}, {way:?}: {it}", known.server)),
            );
        }
    }
    house.kill_store().await;
    for (_, known) in tables {
        for way in Way::ALL {
            let of_way = without_store(house, known, way).await;
            wrong.extend(
                of_way
                    .iter()
                    .map(|it| format!("{:?}, {way:?}: {it}", known.server)),
            );
        }
        wrong.extend(house.unwell(known, "at the end").await);
    }
    wrong
}

fn mia(fields: &[&str]) -> Vec<u8> {
    let body = r#"{"username":"mia","password":"hopper-1906"}"#;
    let fields = [&["content-type: application/json"][..], fields].concat();
    request("POST /login", &fields, body.as_bytes())
}

/// H44: the second login has another credential, and the first is dead.
async fn log_in_twice(house: &House, known: &Known, way: Way) -> Vec<String> {
    let (server, address) = (known.server, house.address(known.server, way));
    let mut logins = Vec::new();
    for _ in 0..2 {
        let field = logins.last().map(Known::field);
        let fields: Vec<&str> = field.iter().map(String::as_str).collect();
        let exchange = wire::exchange(address, &mia(&fields), false).await;
        let answer = exchange.answers.first();
        let Some(credential) = answer.and_then(|answer| credential(server, answer)) else {
            return vec![format!("H44 no credential: {}", exchange.shown())];
        };
        logins.push(Known {
            credential,
            ..known.clone()
        });
    }
    let mut wrong = Vec::new();
    if logins[0].credential == logins[1].credential {
        wrong.push("H44 the same credential twice".to_owned());
    }
    if house.serves(&logins[0], way).await {
        wrong.push("H44 the first one is still good".to_owned());
    }
    if !house.serves(&logins[1], way).await {
        wrong.push("H44 the second one is not good".to_owned());
    }
    wrong
}

/// H46: what is too much is refused, and everybody else is served.
async fn herd(house: &House, known: &Known, way: Way) -> Vec<String> {
    let address = house.address(known.server, way);
    let mut logins = JoinSet::new();
    for n in 0..HERD {
        let body = format!(r#"{{"username":"nobody-{n}","password":"x"}}"#);
        logins.spawn(async move { wire::exchange(address, &login(body), false).await });
    }
    let (mut refused, mut wrong) = (0, Vec::new());
    for exchange in logins.join_all().await {
        match exchange.answers.first() {
            Some(answer) if answer.status == 503 => {
                refused += 1;
                let right = refusal(answer, known.server, 503, "overloaded");
                wrong.extend(right.map(|what| format!("H46 {what}: {}", exchange.shown())));
            }
            // A check that is waited for longer than a balancer waits.
            Some(answer) if answer.status == 504 && way != Way::Direct => {}
            Some(answer) if answer.status == 401 => {}
            _ => wrong.push(format!("H46 {}", exchange.shown())),
        }
    }
    if refused == 0 {
        wrong.push("H46 nobody of the herd was refused".to_owned());
    }
    if !house.serves(known, way).await {
        wrong.push("H46 the next good request was not served".to_owned());
    }
    wrong
}

/// H45: nobody is logged out by an outage.
async fn without_store(house: &House, known: &Known, way: Way) -> Vec<String> {
    let address = house.address(known.server, way);
    let mut wrong = Vec::new();
    for bytes in [get("/me", &[&known.field()]), mia(&[])] {
        let exchange = wire::exchange(address, &bytes, false).await;
        let Some(answer) = exchange.answers.first() else {
            wrong.push("H45 no answer".to_owned());
            continue;
        };
        let refused = refusal(answer, known.server, 503, "store-unavailable");
        wrong.extend(refused.map(|what| format!("H45 {what}: {}", exchange.shown())));
        if answer.field("set-cookie").is_some() {
            wrong.push("H45 the cookie is touched".to_owned());
        }
    }
    // What needs no store goes on, for those who have nothing to show.
    let exchange = wire::exchange(address, &get("/healthz", &[]), false).await;
    if exchange.answers.first().map(|answer| answer.status) != Some(200) {
        wrong.push(format!("H45 not alive: {}", exchange.shown()));
    }
    wrong
}
