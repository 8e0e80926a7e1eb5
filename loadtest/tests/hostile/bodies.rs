//! Bodies of a login, and what they are said to be.

use super::case::Right::{Refused, Status};
use super::case::{Case, Known, Sends, case, login, request, sent};
use super::wire::Answer;

/// The body of a good login, but for its last brace.
const GOOD: &str = r#"{"username":"mia","password":"hopper-1906""#;

pub(crate) fn cases(known: &Known) -> Vec<Case> {
    let mut cases = json();
    cases.extend(shapes());
    cases.extend(types(known));
    cases.extend(names());
    cases.extend(lengths());
    cases
}

fn json() -> Vec<Case> {
    let broken = Refused(400, "malformed-request");
    let row = |what: &str, body: &[u8]| case(15, what, login(body), broken);
    vec![
        row("half of it", GOOD.as_bytes()),
        // An empty body has no length: request() leaves the field out.
        row("nothing", b""),
        row("a byte order mark", format!("\u{feff}{GOOD}}}").as_bytes()),
        row("bytes after its end", format!("{GOOD}}} x").as_bytes()),
        row("no UTF-8", b"{\"username\":\"\xff\",\"password\":\"x\"}"),
        row(
            "a raw control character",
            b"{\"username\":\"a\x01\",\"password\":\"x\"}",
        ),
        row(
            "half a surrogate pair",
            br#"{"username":"\ud800","password":"x"}"#,
        ),
    ]
}

fn shapes() -> Vec<Case> {
    let shape = Refused(422, "wrong-shape");
    let row = |what: &str, body: &str| case(16, what, login(body), shape);
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    vec![
        row("a number for a name", r#"{"username":5,"password":"x"}"#),
        row("no password", r#"{"username":"mia"}"#),
        row("an array", "[]"),
        row("a name twice", &format!(r#"{GOOD},"username":"ada"}}"#)),
        row("an unknown field", &format!(r#"{GOOD},"admin":true}}"#)),
        row("200 arrays", &deep),
        row(
            "200 arrays for a name",
            &format!(r#"{{"username":{deep}}}"#),
        ),
    ]
}

fn types(known: &Known) -> Vec<Case> {
    let unsupported = Refused(415, "unsupported-media-type");
    let body = format!("{GOOD}}}");
    let log_in = |fields: &[&str]| request("POST /login", fields, body.as_bytes());
    let field = known.field();
    let form = [
        field.as_str(),
        "content-type: application/x-www-form-urlencoded",
    ];
    let change = request("POST /password", &form, b"old=hopper-1906&new=hopper-1992");
    let utf16 = "content-type: application/json; charset=utf-16";
    vec![
        case(17, "no type", log_in(&[]), unsupported),
        case(
            17,
            "text",
            log_in(&["content-type: text/plain"]),
            unsupported,
        ),
        case(17, "a form where none is taken", change, unsupported),
        case(18, "UTF-16, it says", log_in(&[utf16]), unsupported),
    ]
}

fn names() -> Vec<Case> {
    let shape = Refused(422, "wrong-shape");
    let unknown = Refused(401, "wrong-password");
    let row = |what: &str, name: &str, right| {
        let body = serde_json::json!({ "username": name, "password": "x" });
        case(20, what, login(body.to_string()), right)
    };
    let mut cases = vec![
        row("NUL in a name", "mi\0a", shape),
        row("no name", "", shape),
        row("65 characters", &"m".repeat(65), shape),
        row("3000 characters", &"m".repeat(3_000), shape),
        // That is beyond what a login's body may be at all.
        row(
            "10000 characters",
            &"m".repeat(10_000),
            Refused(413, "body-too-large"),
        ),
    ];
    for (what, name) in [
        ("a wrong password", "mia"),
        ("nobody of that name", "nobody"),
        ("accents in one piece", "mi\u{e1}"),
        ("accents in two pieces", "mia\u{301}"),
        ("right to left", "\u{5de}\u{5d9}\u{5d4}"),
        ("a picture", "\u{1f9d1}\u{200d}\u{1f4bb}"),
        ("a space before it", " mia"),
        ("a space after it", "mia "),
    ] {
        cases.push(row(what, name, unknown).and(says_nothing_of_the_name));
    }
    cases
}

fn lengths() -> Vec<Case> {
    let large = Refused(413, "body-too-large");
    let padded = |bytes: usize| format!("{GOOD}{}}}", " ".repeat(bytes));
    let chunk = padded(5_000);
    let mut chunked = b"POST /login HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\
        content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
        .to_vec();
    chunked.extend_from_slice(format!("{:x}\r\n{chunk}\r\n0\r\n\r\n", chunk.len()).as_bytes());
    // A whole login, and a length that says that there is more.
    let whole = format!("{GOOD}}}");
    let cut = format!(
        "POST /login HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{whole}",
        whole.len() + 10
    );
    let closed = Status(&[0, 400]);
    vec![
        case(19, "5 kB of body", login(padded(5_000)), large),
        case(19, "5 kB in a chunk", chunked, large),
        sent(
            37,
            "the end before the end",
            Sends::ThenEnds(cut.into_bytes()),
            closed,
        )
        .and(nobody_is_let_in),
    ]
}

/// The same words for a wrong password and for nobody of that name.
fn says_nothing_of_the_name(answers: &[Answer]) -> Option<String> {
    let json = answers.first()?.json();
    let detail = json["detail"].as_str().unwrap_or_default();
    (detail != "User name or password is wrong.").then(|| format!("it says {detail:?}"))
}

fn nobody_is_let_in(answers: &[Answer]) -> Option<String> {
    let let_in = |answer: &Answer| {
        answer.field("set-cookie").is_some() || answer.json()["access_token"].is_string()
    };
    answers
        .iter()
        .any(let_in)
        .then(|| "somebody is let in".to_owned())
}
