//! The few words the cluster says to a Redis itself.

use std::collections::BTreeMap;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, FromRedisValue, InfoDict, RedisError, RedisResult,
};

/// How long a Redis may take to connect, and to answer.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// Keys that are written in one go.
const FILLED_AT_ONCE: usize = 50;

/// What a Redis says of itself.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) version: String,
    pub(super) pid: u32,
}

/// Host and port of a URL, without what must stay secret.
pub(super) fn address(url: &str) -> RedisResult<String> {
    Ok(Client::open(url)?.get_connection_info().addr().to_string())
}

/// Asks `PING`, then who it is.
pub(super) async fn server(url: &str) -> RedisResult<Server> {
    let mut connection = connect(url).await?;
    redis::cmd("PING").exec_async(&mut connection).await?;
    let info: InfoDict = redis::cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await?;
    let version = match info.get::<String>("valkey_version") {
        Some(version) => format!("{version} (Valkey)"),
        None => info.get("redis_version").unwrap_or_default(),
    };
    Ok(Server {
        version,
        pid: info.get("process_id").unwrap_or_default(),
    })
}

/// Commands it has carried out since it was started, by name, those aside that clients say about
/// themselves or to see whether it is there.
pub(super) async fn calls_by_name(url: &str) -> RedisResult<BTreeMap<String, u64>> {
    let info: String = run(url, redis::cmd("INFO").arg("commandstats")).await?;
    let calls = info.lines().filter_map(calls);
    Ok(calls
        .map(|(name, count)| (name.to_owned(), count))
        .collect())
}

/// CPU time that all of its threads have used since it was started, by its own account, in
/// nanoseconds; nothing if it does not say so.
pub(super) async fn cpu_ns(url: &str) -> RedisResult<Option<u64>> {
    let info: InfoDict = run(url, redis::cmd("INFO").arg("cpu")).await?;
    let system: Option<f64> = info.get("used_cpu_sys");
    let user: Option<f64> = info.get("used_cpu_user");
    let both = system.zip(user);
    Ok(both.map(|(system, user)| ((system + user) * 1e9) as u64))
}

/// The name and the calls in a line such as `cmdstat_get:calls=12,usec=34,…`, if they were
/// somebody's work.
fn calls(line: &str) -> Option<(&str, u64)> {
    let (command, figures) = line.strip_prefix("cmdstat_")?.split_once(':')?;
    let name = command.split('|').next()?;
    if [
        "auth", "client", "command", "hello", "info", "ping", "select",
    ]
    .contains(&name)
    {
        return None;
    }
    let calls = figures
        .split(',')
        .find_map(|figure| figure.strip_prefix("calls="))?;
    Some((command, calls.trim().parse().ok()?))
}

/// Writes so many keys of so many bytes each.
pub(super) async fn fill(url: &str, prefix: &str, keys: usize, bytes: usize) -> RedisResult<()> {
    let mut connection = connect(url).await?;
    let filler = vec![b'x'; bytes];
    for begin in (0..keys).step_by(FILLED_AT_ONCE) {
        let mut pipe = redis::pipe();
        for n in begin..keys.min(begin + FILLED_AT_ONCE) {
            pipe.cmd("SET")
                .arg(format!("{prefix}{n}"))
                .arg(&filler[..])
                .ignore();
        }
        pipe.exec_async(&mut connection).await?;
    }
    Ok(())
}

/// Sends one command on a connection of its own, and reads its answer.
pub(super) async fn run<T: FromRedisValue>(url: &str, command: &Cmd) -> RedisResult<T> {
    let mut connection = connect(url).await?;
    command.query_async(&mut connection).await
}

/// Has it end without saving anything. It hangs up instead of answering.
pub(super) async fn shut_down(url: &str) -> RedisResult<()> {
    let mut connection = connect(url).await?;
    let mut command = redis::cmd("SHUTDOWN");
    command.arg("NOSAVE").exec_async(&mut connection).await
}

async fn connect(url: &str) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_WAIT))
        .set_response_timeout(Some(ANSWER_WAIT));
    Client::open(url)?
        .get_multiplexed_async_connection_with_config(&config)
        .await
}

/// The error in one line. The crate's own text repeats its kind.
pub(super) fn in_words(error: &RedisError) -> String {
    match error.detail() {
        Some(detail) => format!("{} ({detail})", error.category()),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_commands_that_do_somebodys_work_are_counted() {
        assert_eq!(
            calls("cmdstat_getex:calls=12,usec=34,usec_per_call=2.83\r"),
            Some(("getex", 12))
        );
        assert_eq!(
            calls("cmdstat_function|load:calls=1,usec=34"),
            Some(("function|load", 1))
        );
        assert_eq!(calls("cmdstat_client|setinfo:calls=4,usec=34"), None);
        assert_eq!(calls("cmdstat_info:calls=2,usec=34"), None);
        assert_eq!(calls("# Commandstats"), None);
    }
}
