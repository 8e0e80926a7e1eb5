//! A viewer without a browser, for everything that is said in headers.

use std::time::Duration;

use loadtest::board::Board;
use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::{Value, json};

/// A viewer without a browser: its own client, and the page's token and viewer cookie.
pub(crate) struct Viewer {
    pub(crate) base: String,
    pub(crate) client: Client,
    pub(crate) page: String,
    pub(crate) token: String,
    pub(crate) cookie: String,
}

impl Viewer {
    pub(crate) async fn at(board: &Board) -> Self {
        Self::with(board, "/").await
    }

    /// The same, who opened this link.
    pub(crate) async fn with(board: &Board, link: &str) -> Self {
        Self::on(
            &format!("http://127.0.0.1:{}", board.address().port()),
            link,
        )
        .await
    }

    /// The same on a board at `base`, whoever's it is.
    pub(crate) async fn on(base: &str, link: &str) -> Self {
        let base = base.to_owned();
        let client = Client::builder().no_proxy().build().unwrap();
        let answer = client.get(format!("{base}{link}")).send().await.unwrap();
        let cookie = cookies(&answer).pop().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        let page = answer.text().await.unwrap();
        let token = page.split("board-token\" content=\"").nth(1).unwrap();
        let token = token.split('"').next().unwrap().to_owned();
        Self {
            base,
            client,
            page,
            token,
            cookie,
        }
    }

    /// A request with the viewer's cookie and `more` cookies.
    pub(crate) fn get(&self, path: &str, more: &str) -> RequestBuilder {
        self.client
            .get(self.url(path))
            .header("cookie", format!("{}; {more}", self.cookie))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(self.url(path))
            .header("cookie", &self.cookie)
    }

    pub(crate) fn act(&self, act: &str, instance: &str) -> RequestBuilder {
        self.order("act", &json!({ "act": act, "instance": instance }))
    }

    /// A control request without the page's token.
    pub(crate) fn order(&self, what: &str, order: &Value) -> RequestBuilder {
        self.post(&format!("/board/{what}")).body(order.to_string())
    }

    /// The cookie of a place, as the browser holds it for this board.
    pub(crate) fn sid(&self, place: &str, value: &str) -> String {
        let (_, port) = self.base.rsplit_once(':').unwrap();
        format!("sid-{place}-{port}={value}")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

pub(crate) fn cookies(answer: &Response) -> Vec<String> {
    let values = answer.headers().get_all(SET_COOKIE).iter();
    values
        .map(|value| value.to_str().unwrap().to_owned())
        .collect()
}

pub(crate) fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

/// Four characters that stand for a cookie which is not base64url of anything.
pub(crate) fn fingerprint(cookie: &str) -> String {
    use base64::Engine as _;
    use sha2::Digest as _;
    let hash = sha2::Sha256::digest(cookie);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash)[..4].to_owned()
}

pub(crate) async fn json_of(answer: Response) -> Value {
    serde_json::from_str(&answer.text().await.unwrap()).unwrap()
}

pub(crate) async fn reason(request: RequestBuilder) -> (u16, String) {
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    (
        status,
        json_of(answer).await["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned(),
    )
}

/// What all viewers see alike, as it comes next.
pub(crate) async fn next_snapshot(stream: &mut Response) -> Value {
    let mut text = String::new();
    while !text.ends_with("\n\n") {
        let chunk = tokio::time::timeout(Duration::from_secs(5), stream.chunk()).await;
        text.push_str(std::str::from_utf8(&chunk.unwrap().unwrap().unwrap()).unwrap());
    }
    let data = text
        .lines()
        .find_map(|line| line.strip_prefix("data:"))
        .unwrap();
    serde_json::from_str(data).unwrap()
}
