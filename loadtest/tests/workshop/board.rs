//! Follows the steps of an exercise on the board that `watch` opens, in a real browser.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::browser::Browser;
use super::page::{Exercise, Row, Step, folder};
use super::quote::{line_fits, text_fits};

/// How long the page may take to say what it says.
const PATIENCE: Duration = Duration::from_secs(10);

/// `watch`, as the index says to start it.
struct Watch {
    process: Child,
    url: String,
}

impl Watch {
    fn start() -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .arg("watch")
            .env_remove("REDIS_URL")
            .env_remove("SVJ_TARGET")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let said: Vec<_> = lines.by_ref().map_while(Result::ok).take(2).collect();
        // Somebody has to read what it says later, or it would end.
        std::thread::spawn(move || lines.for_each(drop));
        let url = said[1].split_whitespace().nth(1).unwrap().to_owned();
        let watch = Self { process, url };
        // Where somebody has its usual port, it takes the next one and says so.
        let port = watch.url.rsplit(':').next().unwrap();
        let said = said.join("\n").replace(port, "4401");
        let index = std::fs::read_to_string(folder().join("README.md")).unwrap();
        let quoted = index
            .split("```text\n")
            .nth(1)
            .unwrap()
            .split("```")
            .next()
            .unwrap();
        assert!(text_fits(quoted, &said), "docs/workshop/README.md: {said}");
        watch
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.process.id().cast_signed());
        let _ = kill(pid, Signal::SIGINT);
        let _ = self.process.wait();
    }
}

/// Does every step, and compares what both lanes say with the page.
pub(crate) async fn follow(exercise: &Exercise) {
    let watch = Watch::start();
    let browser = Browser::start().await;
    let mut rows = exercise.rows().into_iter().peekable();
    for step in exercise.steps() {
        match step {
            Step::Open(frame) => browser.open(&format!("{}/#{frame}", watch.url)).await,
            Step::Set(list, option) => set(&browser, &list, &option).await,
            Step::WaitSeconds(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
            Step::Press(label) => {
                browser.press(&label).await;
                let row = rows.next().unwrap();
                assert_eq!(row.pressed.as_ref(), Some(&label), "{}", exercise.path);
                both_say(&browser, exercise, &row).await;
            }
        }
        while let Some(figures) = rows.next_if(|row| row.pressed.is_none()) {
            both_say(&browser, exercise, &figures).await;
        }
    }
    browser.close().await;
}

/// Chooses from a list of the Lab, as the page words it.
async fn set(browser: &Browser, list: &str, option: &str) {
    let words = include_str!("../../src/board/page/words.json");
    let words: serde_json::Map<String, Value> = serde_json::from_str(words).unwrap();
    let key = words.iter().find(|(_, word)| *word == list).unwrap().0;
    let prefix = format!("{key}.");
    let value = words.iter().find_map(|(key, word)| {
        let value = key.strip_prefix(&prefix)?;
        (*word == option).then_some(value)
    });
    browser.pick(list, value.unwrap()).await;
}

async fn both_say(browser: &Browser, exercise: &Exercise, row: &Row) {
    for (lane, quoted) in ["session", "jwt"].into_iter().zip(&row.lanes) {
        let begun = Instant::now();
        loop {
            let said = match &row.pressed {
                Some(_) => {
                    let title = browser.text(&format!("#lane-{lane} .say-title")).await;
                    let why = browser.text(&format!("#lane-{lane} .say-why")).await;
                    format!("{title} {why}")
                }
                None => browser.text(&format!("#lane-{lane} .figure")).await,
            };
            if line_fits(quoted, &said) {
                break;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{}, {:?}: {lane} says\n{said}\nand not\n{quoted}",
                exercise.path,
                row.pressed
            );
        }
    }
}
