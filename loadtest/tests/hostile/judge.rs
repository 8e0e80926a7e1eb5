//! Whether what came back is what has to: status, reason, and the shape that every refusal has.

use super::case::{Case, Known, Right, Server, Way};
use super::wire::{Answer, Exchange};

/// What is wrong with an exchange.
pub(crate) fn judge(case: &Case, known: &Known, way: Way, exchange: &Exchange) -> Vec<String> {
    let mut wrong = Vec::new();
    if !exchange.closed {
        wrong.push("the connection stays open".to_owned());
    }
    let first = exchange.answers.first();
    match (case.right_on(way), first) {
        (Right::Status(statuses), first) => {
            let status = first.map_or(0, |answer| answer.status);
            if !statuses.contains(&status) {
                wrong.push(format!("{status} instead of one of {statuses:?}"));
            }
        }
        (Right::Served, Some(answer)) if answer.status == 200 => {}
        (Right::Refused(status, reason), Some(answer)) => {
            wrong.extend(refusal(answer, known.server, status, reason));
        }
        (right, _) => wrong.push(format!("not {right:?}")),
    }
    for answer in &exchange.answers {
        let text = String::from_utf8_lossy(&answer.body);
        if known.secrets.iter().any(|secret| text.contains(secret)) {
            wrong.push("a secret comes back".to_owned());
        }
        let ours = answer.field("x-served-by").is_some();
        if ours && answer.field("cache-control") != Some("no-store") {
            wrong.push("an answer that may be stored".to_owned());
        }
    }
    wrong.extend(case.looks.iter().filter_map(|look| look(&exchange.answers)));
    wrong
}

/// What is wrong with a refusal, which looks the same whoever says it.
pub(crate) fn refusal(
    answer: &Answer,
    server: Server,
    status: u16,
    reason: &str,
) -> Option<String> {
    let json = answer.json();
    let said = json["reason"].as_str().unwrap_or_default();
    if (answer.status, said) != (status, reason) {
        return Some(format!(
            "{} {said:?} instead of {status} {reason:?}",
            answer.status
        ));
    }
    if answer.field("content-type") != Some("application/problem+json") {
        return Some("it is no application/problem+json".to_owned());
    }
    let texts = ["type", "title", "detail"];
    let complete = texts.iter().all(|name| json[*name].is_string());
    if !complete || json["status"] != status || answer.field("x-served-by").is_none() {
        return Some("problem details of another shape".to_owned());
    }
    let scheme = match server {
        Server::Session => "Cookie cookie-name=",
        Server::Jwt => "Bearer",
    };
    let challenge = answer.field("www-authenticate").unwrap_or_default();
    if status == 401 && !challenge.starts_with(scheme) {
        return Some(format!("a 401 with the challenge {challenge:?}"));
    }
    if status == 503 && answer.field("retry-after").is_none() {
        return Some("a 503 without Retry-After".to_owned());
    }
    None
}
