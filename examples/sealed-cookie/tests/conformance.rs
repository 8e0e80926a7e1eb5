//! The example passes the suite that all memories pass, and keeps what its file says of it.

use app::conformance::{Pair, Visitor};
use clap::Parser as _;
use sealed_cookie::{Args, SealedCookie};
use tempfile::TempDir;

/// Two instances with one key, which the first of them makes.
async fn pair() -> Pair {
    let folder = TempDir::new().expect("a folder can be made");
    Pair::start("sealed-cookie", async |instance| {
        SealedCookie::new(instance, args(&folder, &[])).expect("it starts")
    })
    .await
}

fn args(folder: &TempDir, flags: &[&str]) -> Args {
    let key = folder.path().join("key");
    let key = key.to_str().expect("the path is text");
    let always = [
        "sealed-cookie",
        "--pool",
        "sealed-cookie",
        "--accounts",
        "none",
    ];
    let always = always.into_iter().chain(["--key-file", key]);
    Args::try_parse_from(always.chain(flags.iter().copied())).expect("the flags are right")
}

app::conformance_tests!(pair());

#[tokio::test]
async fn what_is_in_the_cookie_cannot_be_read() {
    let pair = pair().await;
    let mut mia = Visitor::default();
    let answer = mia.log_in(&pair.a, "mia").await;
    let cookie = answer.headers["set-cookie"]
        .to_str()
        .expect("cookies are ASCII");
    for flag in ["HttpOnly", "SameSite=Lax", "Path=/"] {
        assert!(cookie.contains(flag), "{flag}");
    }
    assert!(!cookie.contains("Max-Age") && !cookie.contains("mia"));
    use base64::Engine as _;
    let value = mia.credential().split_once('=').expect("a cookie").1;
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(value);
    let bytes = bytes.expect("base64url");
    assert!(!bytes.windows(3).any(|three| three == b"mia"));
}

#[tokio::test]
async fn it_ends_at_its_time_by_the_clock_of_who_is_asked() {
    let pair = pair().await;
    let mut mia = Visitor::default();
    mia.log_in_for(&pair.a, "mia", 60_000).await;
    pair.b.clock.set_offset_ms(59_000);
    assert_eq!(mia.clone().get(&pair.b, "/me").await.status, 200);
    pair.b.clock.set_offset_ms(60_000);
    assert_eq!(mia.clone().get(&pair.b, "/me").await.reason(), "expired");
    assert_eq!(mia.get(&pair.a, "/me").await.status, 200);
}

#[tokio::test]
async fn a_cookie_of_another_key_is_refused_and_nothing_else_beside_it() {
    let (ours, theirs) = (pair().await, pair().await);
    let mut mia = Visitor::default();
    mia.log_in(&theirs.a, "mia").await;
    assert_eq!(
        mia.clone().get(&ours.a, "/me").await.reason(),
        "bad-signature"
    );
    mia.cookie = Some("other=1; theme=dark".to_owned());
    assert_eq!(mia.get(&ours.a, "/me").await.reason(), "no-credential");
}

#[tokio::test]
async fn what_does_not_fit_into_a_cookie_is_no_login() {
    let folder = TempDir::new().expect("a folder can be made");
    let pair = Pair::start("sealed-cookie", async |instance| {
        SealedCookie::new(instance, args(&folder, &["--pad-claims", "3500"])).expect("it starts")
    })
    .await;
    let login = r#"{"username":"mia","password":"hopper-1906"}"#;
    let login = serde_json::from_str(login).expect("this is JSON");
    let answer = Visitor::default().post(&pair.a, "/login", login).await;
    assert_eq!(answer.reason(), "internal");
    assert!(answer.text.contains("cookie") && !answer.headers.contains_key("set-cookie"));
}

#[test]
fn a_file_that_is_no_key_is_named() {
    let folder = TempDir::new().expect("a folder can be made");
    std::fs::write(folder.path().join("key"), "too short").expect("the file is written");
    let instance = app::Instance {
        pool: "sealed-cookie".to_owned(),
        name: "a".to_owned(),
        clock: app::Clock::default(),
        secure_cookies: false,
    };
    let refused = SealedCookie::new(instance, args(&folder, &[])).err();
    let refused = refused.expect("it does not start").to_string();
    assert!(
        refused.contains("--key-file") && refused.contains("32 bytes"),
        "{refused}"
    );
}
