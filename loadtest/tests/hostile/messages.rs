//! Requests that are no HTTP, or are HTTP that two parties could read in two ways.
//! Long because whatever can be wrong with a message stands in one table.

use super::case::Right::{Refused, Served, Status};
use super::case::{Case, Known, Right, Sends, Server, case, get, raw, request, sent};
use super::wire::Answer;

/// Somebody else answers this before our code can see it: hyper, or HAProxy, whose parser knows no
/// problem details.
const BAD: Right = Status(&[400]);

/// A request inside another one. Nothing else asks for `/records` here.
const CANARY: &str = "GET /records HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n";

/// What ends a connection that was not to be closed before.
const FAREWELL: &str = "GET /healthz HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n";

pub(crate) fn cases(known: &Known) -> Vec<Case> {
    let mut cases = fields();
    cases.extend(targets());
    cases.extend(methods(known));
    cases.extend(hosts());
    cases.extend(lengths());
    cases.extend(framing());
    cases.extend(versions());
    cases.extend(one_after_another(known));
    cases.extend(believed(known));
    cases
}

/// Fields after `GET /me`, as bytes.
fn me(fields: &[u8]) -> Vec<u8> {
    let head = b"GET /me HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n";
    raw(&[head, fields, b"\r\n"])
}

fn fields() -> Vec<Case> {
    let many: String = (0..150).map(|n| format!("x-{n}: 1\r\n")).collect();
    let no_credential = Refused(401, "no-credential");
    vec![
        case(6, "NUL in a value", me(b"x-a: a\0b\r\n"), BAD),
        case(6, "a bare CR in a value", me(b"x-a: a\rb\r\n"), BAD),
        case(8, "150 fields", me(many.as_bytes()), Status(&[431])),
        case(33, "a space in a name", me(b"x a: 1\r\n"), BAD),
        case(33, "a space before the colon", me(b"x-a : 1\r\n"), BAD),
        // RFC 9112, section 5.2, lets a proxy put one line in the place of a folded one.
        case(33, "a folded value", me(b"x-a: 1\r\n 2\r\n"), BAD).over_haproxy(no_credential),
    ]
}

fn targets() -> Vec<Case> {
    let nothing = Refused(404, "not-found");
    let malformed = Refused(400, "malformed-request");
    let long = format!("/{}", "x".repeat(9 * 1024));
    let plain = |target: &[u8]| {
        let rest = b" HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\r\n";
        raw(&[b"GET ", target, rest])
    };
    let mut cases = vec![
        case(
            9,
            "9 KiB of target",
            get(&long, &[]),
            Refused(414, "uri-too-long"),
        ),
        case(24, "NUL", plain(b"/m\0e"), BAD),
        case(25, "raw UTF-8", plain("/m\u{e9}".as_bytes()), malformed).over_haproxy(BAD),
        case(27, "another host", plain(b"http://other/me"), malformed).over_haproxy(BAD),
    ];
    for target in ["/nowhere", "/me/", "//me", "/%6de", "/../me", "/me%00"] {
        cases.push(case(23, target, get(target, &[]), nothing));
    }
    cases
}

fn methods(known: &Known) -> Vec<Case> {
    let not_allowed = Refused(405, "method-not-allowed");
    let mut cases = Vec::new();
    for method in ["GET", "PUT", "DELETE", "TRACE", "FOO"] {
        let bytes = request(&format!("{method} /login"), &[], b"");
        cases.push(case(21, format!("{method} /login"), bytes, not_allowed).and(allows_post));
    }
    let field = known.field();
    let anybody = request("HEAD /me", &[], b"");
    let mia = request("HEAD /me", &[&field], b"");
    let preflight = [
        "origin: http://elsewhere.example",
        "access-control-request-method: POST",
    ];
    let (asked, sent) = match known.server {
        Server::Session => (Refused(403, "cross-site"), Refused(403, "cross-site")),
        // No other site can make a browser send a token that a script has to add.
        Server::Jwt => (not_allowed, Refused(401, "no-credential")),
    };
    let carried = match known.server {
        Server::Session => vec![preflight[0], field.as_str()],
        Server::Jwt => vec![preflight[0]],
    };
    let log_out = request("POST /logout", &carried, b"");
    let may_i = request("OPTIONS /logout", &preflight, b"");
    cases.extend([
        case(22, "HEAD by nobody", anybody, Status(&[401])).and(no_body),
        case(22, "HEAD by Mia", mia, Served).and(no_body),
        case(43, "may another site log out", may_i, asked).and(no_permission),
        case(43, "another site logs out", log_out, sent).and(no_permission),
    ]);
    cases
}

fn hosts() -> Vec<Case> {
    let malformed = Refused(400, "malformed-request");
    let with =
        |hosts: &str| format!("GET /me HTTP/1.1\r\nconnection: close\r\n{hosts}\r\n").into_bytes();
    let twice = with("host: lab\r\nhost: lab\r\n");
    vec![
        case(26, "no host", with(""), malformed),
        case(
            26,
            "two hosts",
            with("host: lab\r\nhost: bal\r\n"),
            malformed,
        )
        .over_haproxy(BAD),
        // Of two equal ones HAProxy passes on one.
        case(26, "one host twice", twice, malformed).over_haproxy(Refused(401, "no-credential")),
    ]
}

/// A login of which the length is said in a wrong way.
fn log_in(fields: &str, body: &str) -> Vec<u8> {
    format!(
        "POST /login HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n\
         content-type: application/json\r\n{fields}\r\n{body}"
    )
    .into_bytes()
}

fn lengths() -> Vec<Case> {
    let malformed = Refused(400, "malformed-request");
    let coded = |coding: &str| log_in(&format!("transfer-encoding: {coding}\r\n"), "0\r\n\r\n");
    let long = |length: &str| log_in(&format!("content-length: {length}\r\n"), "{}");
    let chunk = |chunk: &str| log_in("transfer-encoding: chunked\r\n", chunk);
    let old = "POST /login HTTP/1.0\r\nhost: lab\r\ncontent-type: application/json\r\n\
               transfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    let extended = format!("2;x={}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(20_000));
    let unknown = Status(&[400, 501]);
    vec![
        case(29, "an unknown coding", coded("xchunked"), unknown),
        case(
            29,
            "chunks, but not at last",
            coded("chunked, identity"),
            unknown,
        ),
        // HAProxy has a status of its own for it, which no configuration changes.
        case(
            29,
            "chunks of something else",
            coded("gzip, chunked"),
            unknown,
        )
        .over_haproxy(Status(&[400, 422, 501])),
        case(29, "chunks in HTTP/1.0", old.into(), unknown),
        case(30, "two lengths", long("2\r\ncontent-length: 3"), BAD),
        case(30, "+2", long("+2"), BAD),
        case(30, "-1", long("-1"), BAD),
        case(30, "more than can be counted", long(&"9".repeat(30)), BAD),
        case(
            32,
            "no size of a chunk",
            chunk("zz\r\n{}\r\n0\r\n\r\n"),
            malformed,
        )
        .over_haproxy(BAD),
        // A proxy removes extensions that it does not know (RFC 9112, section 7.1.1).
        case(32, "20 kB of extension", chunk(&extended), malformed)
            .over_haproxy(Status(&[400, 422])),
    ]
}

/// However its length is read: a canary in a body stays there. Nothing asks for the connection to
/// be closed before the canary, which could be taken for the next request then.
fn framing() -> Vec<Case> {
    let row = |number, what: &str, fields: &str, body: &str| {
        let bytes = format!(
            "POST /login HTTP/1.1\r\nhost: lab\r\ncontent-type: application/json\r\n{fields}\r\n\
             {body}{FAREWELL}"
        );
        sent(number, what, Sends::WithCanary(bytes.into_bytes()), BAD)
    };
    // By its chunks the body ends before the canary; by its length it holds it.
    let empty = format!("0\r\n\r\n{CANARY}");
    let length = format!("content-length: {}\r\n", empty.len());
    let chunked = "transfer-encoding: chunked\r\n";
    // By its chunks the body holds the canary; by its length it ends before that.
    let size = format!("{:x}\r\n", CANARY.len());
    let full = format!("{size}{CANARY}\r\n0\r\n\r\n");
    let short = format!("content-length: {}\r\n", size.len());
    let both = |length: &str| format!("{length}{chunked}");
    let other = |length: &str| format!("{chunked}{length}");
    let own = CANARY.len();
    let twice = format!("content-length: {own}\r\ncontent-length: {own}\r\n");
    let list = format!("content-length: {own}, {own}\r\n");
    let bare = format!(
        "POST /login HTTP/1.1\nhost: lab\ncontent-type: application/json\n\
         content-length: {own}\n\n{CANARY}{FAREWELL}"
    );
    vec![
        row(28, "length, then chunks, behind", &both(&length), &empty),
        row(28, "chunks, then length, behind", &other(&length), &empty),
        row(28, "length, then chunks, inside", &both(&short), &full),
        row(28, "chunks, then length, inside", &other(&short), &full),
        row(31, "a length twice", &twice, CANARY),
        row(31, "a list of lengths", &list, CANARY),
        sent(34, "bare LF", Sends::WithCanary(bare.into_bytes()), BAD),
    ]
}

fn versions() -> Vec<Case> {
    let with = |version: &str| {
        format!("GET /me {version}\r\nhost: lab\r\nconnection: close\r\n\r\n").into_bytes()
    };
    let unknown = Status(&[0, 400, 505]);
    let hello = b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n";
    vec![
        case(35, "HTTP/0.9", b"GET /me\r\n\r\n".to_vec(), unknown),
        case(35, "HTTP/3.0", with("HTTP/3.0"), unknown),
        case(35, "lower case", with("http/1.1"), unknown),
        case(35, "a TLS handshake", hello.to_vec(), unknown),
    ]
}

fn one_after_another(known: &Known) -> Vec<Case> {
    let field = known.field();
    let next = get("/me", &[]);
    let good = get("/me", &[&field]);
    let first = |more: &str, body: &str| {
        format!("GET /me HTTP/1.1\r\nhost: lab\r\n{field}\r\n{more}\r\n{body}").into_bytes()
    };
    let with_body = first("content-length: 5\r\n", "hello");
    let refused = first("authorization: Bearer a\r\nauthorization: Bearer b\r\n", "");
    vec![
        case(36, "GET with a body", raw(&[&with_body, &good]), Served).and(both_are_served),
        case(
            41,
            "after no HTTP",
            raw(&[&first("x: \0\r\n", ""), &next]),
            BAD,
        )
        .and(nobody_served),
        case(
            41,
            "after a refusal",
            raw(&[&refused, &next]),
            Refused(400, "malformed-credential"),
        )
        .and(nobody_served),
    ]
}

fn believed(known: &Known) -> Vec<Case> {
    let field = known.field();
    let fields = [
        field.as_str(),
        "x-forwarded-for: 10.0.0.1",
        "x-forwarded-host: elsewhere.example",
        "forwarded: for=10.0.0.1",
        "x-real-ip: 10.0.0.1",
        "x-user-id: ada",
        "x-served-by: elsewhere",
        "x-attempts: 99",
    ];
    vec![case(42, "what only a balancer says", get("/me", &fields), Served).and(still_mia)]
}

fn allows_post(answers: &[Answer]) -> Option<String> {
    let allow = answers.first()?.field("allow").unwrap_or_default();
    (!allow.contains("POST")).then(|| format!("Allow is {allow:?}"))
}

fn no_body(answers: &[Answer]) -> Option<String> {
    let answer = answers.first()?;
    (!answer.body.is_empty()).then(|| "there is a body".to_owned())
}

fn no_permission(answers: &[Answer]) -> Option<String> {
    let mut fields = answers.first()?.fields.iter();
    let found = fields.find(|(name, _)| name.starts_with("access-control-"));
    found.map(|(name, value)| format!("{name}: {value}"))
}

fn both_are_served(answers: &[Answer]) -> Option<String> {
    let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
    (statuses != [200, 200]).then(|| format!("{statuses:?}"))
}

fn nobody_served(answers: &[Answer]) -> Option<String> {
    let served = answers.iter().any(|answer| answer.status == 200);
    served.then(|| "the second is served with the first one's credential".to_owned())
}

fn still_mia(answers: &[Answer]) -> Option<String> {
    let answer = answers.first()?;
    let served_by = answer.field("x-served-by").unwrap_or_default();
    let ours = answer.json()["answering_instance"] == served_by;
    // Only the embedded balancer counts attempts on the answer.
    let attempts = answer.field("x-attempts").unwrap_or("1");
    (answer.json()["user"] != "mia" || !ours || attempts != "1")
        .then(|| format!("{served_by:?}, {attempts} attempts"))
}
