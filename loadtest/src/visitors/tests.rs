//! Who obeys which cookie.

use http::HeaderValue;
use reqwest::Url;
use reqwest::cookie::CookieStore as _;

use super::*;
use crate::arms;

const A: &str = "http://127.0.0.1:8001";
const B: &str = "http://127.0.0.1:8002";

fn visitor(kind: Client) -> Visitor {
    let arm = arms::find("session-memory").unwrap();
    let account = Account::of_load_user("load-00000".to_owned());
    Visitor::new(kind, Arc::new(Interface::of(arm)), account)
}

fn told(visitor: &Visitor, by: &str, cookie: &str) {
    let header = HeaderValue::from_str(cookie).unwrap();
    let url = Url::parse(by).unwrap();
    visitor
        .cookies
        .set_cookies(&mut std::iter::once(&header), &url);
}

fn logged_in(kind: Client) -> Visitor {
    let visitor = visitor(kind);
    visitor.cookies.logging_in(true);
    told(
        &visitor,
        A,
        "sid-session-memory=abc; HttpOnly; SameSite=Lax; Path=/",
    );
    visitor.cookies.logging_in(false);
    visitor
}

#[test]
fn a_cookie_set_at_one_port_is_sent_to_the_other() {
    let browser = logged_in(Client::Browser);
    let ticket = browser.ticket(B, "/me").unwrap();
    assert_eq!(ticket.revealed(), "sid-session-memory=abc");
}

#[test]
fn a_cookie_from_behind_one_name_is_sent_to_the_instance_behind_another() {
    let browser = visitor(Client::Browser);
    let cookie = "sid-session-memory=abc; HttpOnly; SameSite=Lax; Path=/";
    told(&browser, "http://balancer:8001", cookie);
    let ticket = browser.ticket("http://session-memory-b:8080", "/me");
    assert_eq!(ticket.unwrap().revealed(), "sid-session-memory=abc");
}

#[test]
fn a_browser_obeys_a_removal_and_the_other_kind_keeps_its_cookie() {
    let removal = "sid-session-memory=; Max-Age=0; Path=/";
    let browser = logged_in(Client::Browser);
    told(&browser, B, removal);
    assert!(
        !browser.holds_credential(A),
        "one jar for both ports: gone for A too"
    );
    let keeper = logged_in(Client::KeepsCookie);
    told(&keeper, B, removal);
    assert!(keeper.holds_credential(A));
}

#[test]
fn even_who_keeps_the_credential_obeys_the_balancer() {
    let keeper = logged_in(Client::KeepsCookie);
    told(&keeper, A, "svj-lb-session-memory-sticky=a; Path=/");
    told(&keeper, A, "svj-lb-session-memory-sticky=b; Path=/");
    let all = keeper.cookies.cookies(&Url::parse(A).unwrap()).unwrap();
    let all = all.to_str().unwrap();
    assert!(all.contains("=b") && !all.contains("sticky=a"), "{all}");
    let ticket = keeper.ticket(A, "/me").unwrap();
    assert_eq!(ticket.revealed(), "sid-session-memory=abc");
}
