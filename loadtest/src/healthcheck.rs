//! `healthcheck URL`, a hidden subcommand: whether a server says that it is well, in an exit code.
//! An image without a shell or a client can check itself with it.

use std::ffi::OsString;
use std::process::ExitCode;
use std::time::Duration;

use crate::visitors::plain_http;

/// Longer than any healthy server takes, shorter than an engine waits.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks, and is silent where all is well.
pub fn run(args: &[OsString]) -> ExitCode {
    let [url] = args else {
        eprintln!("healthcheck: name one address, such as http://127.0.0.1:8080/readyz");
        return ExitCode::from(2);
    };
    match ask(&url.to_string_lossy()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("healthcheck: {why:#}");
            ExitCode::FAILURE
        }
    }
}

fn ask(url: &str) -> anyhow::Result<()> {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().build()?;
    runtime.block_on(async {
        let answer = plain_http().get(url).timeout(ANSWER_TIMEOUT).send().await?;
        answer.error_for_status()?;
        Ok(())
    })
}
