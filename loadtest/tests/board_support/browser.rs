//! A real Chromium, driven through WebDriver. Missing programs fail a test loudly: a browser test
//! that was skipped in silence proves nothing.
//!
//! Long because all that is done to a page is done here.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::elements::Element;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::{Method, Url};
use serde_json::{Value, json};

/// How long a page may take to show what it should, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// One browser with a profile of its own: one visitor.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// Starts chromedriver and Chromium.
    pub(crate) async fn start() -> Self {
        let (driver, port) = driver();
        let profile = tempfile::tempdir().unwrap();
        let options = json!({
            "binary": program("CHROMIUM", &["chromium", "chromium-browser", "google-chrome"]),
            "args": [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
                "--disable-dev-shm-usage", format!("--user-data-dir={}", profile.path().display()),
                // Not its start page, which on a busy machine can take minutes to draw.
                "about:blank",
            ],
        });
        let logs = json!({ "browser": "ALL", "performance": "ALL" });
        let capabilities = [
            ("goog:chromeOptions".to_owned(), options),
            ("goog:loggingPrefs".to_owned(), logs),
        ];
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities.into_iter().collect())
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .expect("chromedriver does not start Chromium");
        let browser = Self {
            client,
            driver,
            _profile: profile,
        };
        browser.screen(1280, 720).await;
        browser
    }

    /// Gives the page a screen of that size.
    pub(crate) async fn screen(&self, width: u32, height: u32) {
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics)
            .await;
    }

    /// What it shows now as a file of this name, where `BOARD_PICTURES` names a folder: the
    /// pictures of the README.
    pub(crate) async fn picture(&self, name: &str) {
        if let Some(folder) = env::var_os("BOARD_PICTURES") {
            // Until what has just appeared stands still.
            tokio::time::sleep(Duration::from_secs(1)).await;
            let png = self.client.screenshot().await.unwrap();
            let file = PathBuf::from(folder).join(format!("{name}.png"));
            std::fs::write(&file, png)
                .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }

    /// Opens the board and waits until it is drawn.
    pub(crate) async fn open(&self, url: &str) {
        // An address that differs in its last part only would not load the page again.
        self.client.goto("about:blank").await.unwrap();
        self.client.goto(url).await.unwrap();
        self.until(
            "the board is drawn",
            "document.body.classList.contains('ready')",
        )
        .await;
        // A pool that nobody asked yet is drawn when somebody does.
        if !url.contains("/#") {
            self.until(
                "the servers are drawn",
                "document.querySelectorAll('.instance').length >= 2",
            )
            .await;
        }
    }

    /// Presses the button of that label, which sends nothing.
    pub(crate) async fn choose(&self, label: &str) {
        self.button(label).await.click().await.unwrap();
    }

    /// Chooses from the list of that label in the Lab.
    pub(crate) async fn pick(&self, label: &str, value: &str) {
        let list = format!("//label[span='{label}']/select");
        let list = self.client.find(Locator::XPath(&list)).await.unwrap();
        list.select_by_value(value).await.unwrap();
    }

    async fn button(&self, label: &str) -> Element {
        let button = format!("//button[normalize-space()='{label}']");
        self.until(
            &format!("there is a button {label:?}"),
            &format!(
                "[...document.querySelectorAll('button')].some((b) =>
                    b.textContent.trim() === {label:?} && b.offsetParent
                    && b.ariaDisabled !== 'true')"
            ),
        )
        .await;
        self.client.find(Locator::XPath(&button)).await.unwrap()
    }

    /// Presses the button of that label, and waits until both lanes have an answer.
    pub(crate) async fn press(&self, label: &str) {
        let before = self.rows().await;
        self.choose(label).await;
        let rows = format!(
            "[...document.querySelectorAll('.requests')].every((list, n) =>
                list.childElementCount === {before:?}[n] + 1)"
        );
        self.until(&format!("both lanes answer to {label:?}"), &rows)
            .await;
    }

    async fn rows(&self) -> Vec<usize> {
        let lists = "[...document.querySelectorAll('.requests')].map((l) => l.childElementCount)";
        serde_json::from_value(self.value(lists).await).unwrap()
    }

    /// What a lane shows last: the row (number, server, words, outcome) and the sentence.
    pub(crate) async fn lane(&self, lane: &str) -> [String; 2] {
        let row = format!(
            "[...document.querySelector('#lane-{lane} .requests').lastElementChild
                .querySelectorAll('.number, .chip, .quote, .status')]
                .map((part) => part.textContent).join(' ')"
        );
        let row = self.value(&row).await.as_str().unwrap().to_owned();
        [row, self.text(&format!("#lane-{lane} .say-title")).await]
    }

    /// The text of the only element that fits.
    pub(crate) async fn text(&self, selector: &str) -> String {
        let elements = self.client.find_all(Locator::Css(selector)).await.unwrap();
        assert_eq!(elements.len(), 1, "{selector}");
        elements[0].text().await.unwrap()
    }

    /// What an expression of the page's script is worth.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.client
            .execute(&format!("return {expression}"), Vec::new())
            .await
            .unwrap()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&self, what: &str, expression: &str) {
        let begun = Instant::now();
        while self.value(expression).await != json!(true) {
            let page = if begun.elapsed() > PATIENCE {
                self.text("body").await
            } else {
                continue;
            };
            panic!("waited in vain until {what}; the page says:\n{page}");
        }
    }

    /// Errors in the page's console, but for those with which Chromium itself notes every answer
    /// with a status of 400 and more: a refusal is what this page is there to show.
    pub(crate) async fn console_errors(&self) -> Vec<String> {
        let entries = self.log("browser").await;
        let errors = entries.iter().filter(|entry| {
            let noted_refusal = entry["source"] == "network"
                && entry["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("/lane/") || text.contains("/board/pool/"));
            entry["level"] != "INFO" && entry["level"] != "DEBUG" && !noted_refusal
        });
        errors.map(ToString::to_string).collect()
    }

    /// Every address that a page of this browser asked, from its network log.
    pub(crate) async fn addresses_asked(&self) -> Vec<Url> {
        let entries = self.log("performance").await;
        let messages = entries
            .iter()
            .filter_map(|entry| serde_json::from_str::<Value>(entry["message"].as_str()?).ok());
        messages
            .filter(|event| event["message"]["method"] == "Network.requestWillBeSent")
            .filter_map(|event| {
                event["message"]["params"]["request"]["url"]
                    .as_str()?
                    .parse()
                    .ok()
            })
            .collect()
    }

    async fn log(&self, kind: &str) -> Vec<Value> {
        let body = json!({ "type": kind });
        let entries = self
            .client
            .issue_cmd(Extension("se/log", body))
            .await
            .unwrap();
        entries.as_array().unwrap().clone()
    }

    /// Sends a command of Chromium's own protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) {
        let body = json!({ "cmd": command, "params": parameters });
        self.client
            .issue_cmd(Extension("goog/cdp/execute", body))
            .await
            .unwrap();
    }

    /// Ends the browser; what is left of it when a test fails ends with the driver.
    pub(crate) async fn close(self) {
        self.client.clone().close().await.unwrap();
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// A chromedriver, and the port on which it listens. It takes a free port and then wants the same
/// one for IPv6; where several start at once somebody may have that, and it ends.
fn driver() -> (Child, u16) {
    for _ in 0..5 {
        let mut driver = Command::new(program("CHROMEDRIVER", &["chromedriver"]))
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver does not start");
        let lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        match port {
            Some(port) => return (driver, port),
            None => drop(driver.wait()),
        }
    }
    panic!("chromedriver does not say on which port it listens")
}

/// Where a program is: as its variable says, or on PATH.
fn program(variable: &str, names: &[&str]) -> PathBuf {
    if let Some(path) = env::var_os(variable) {
        return path.into();
    }
    let path = env::var_os("PATH").unwrap_or_default();
    let mut places = env::split_paths(&path).flat_map(|dir| names.iter().map(move |n| dir.join(n)));
    places.find(|place| place.is_file()).unwrap_or_else(|| {
        panic!(
            "the browser tests need {}: install it, or set {variable}",
            names.join(" or ")
        )
    })
}

/// A command that only Chromium's driver has.
#[derive(Debug)]
struct Extension(&'static str, Value);

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(
        &self,
        base: &Url,
        session: Option<&str>,
    ) -> Result<Url, <Url as std::str::FromStr>::Err> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.0
        ))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.1.to_string()))
    }
}
