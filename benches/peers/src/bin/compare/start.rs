//! Starting the subjects, ours and the peers alike, as children of one supervisor, and logging in.
//!
//! Long because each of a dozen subjects is started here, side by side, for all to compare.

use std::ffi::OsString;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use cluster::{
    ArmSpec, Balancer, Cluster, ClusterSettings, InstanceSpec, Policy, Pool, PoolSpec, Redis,
    RedisChoice,
};
use serde::Serialize;
use serde_json::Value;
use tokio::process::Child;

use crate::drive::{self, Exchange};
use crate::subjects::{Kind, Subject};

/// The password of the load users, here and at the peers.
const PASSWORD: &str = "load-users-share-one";
/// Logins live for 15 minutes and are renewed well before.
const LOGIN_AGE_MAX: Duration = Duration::from_secs(8 * 60);

/// What a measured process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// The server that remembers the login.
    Server,
    /// The store behind it.
    Redis,
    /// What stands before two servers, whose own cost is not counted.
    Balancer,
}

/// A subject that answers, with its logins.
pub(crate) struct Started {
    subject: &'static Subject,
    address: SocketAddr,
    measured: Vec<(Role, u32)>,
    exchanges: Vec<Exchange>,
    logged_in: Instant,
    /// Where answers may come from.
    instances: usize,
    /// What would end with its last handle.
    _alive: Alive,
}

struct Alive {
    _pool: Pool,
    _balancer: Option<Balancer>,
    _redis: Option<Redis>,
    _haproxy: Option<Child>,
}

impl Started {
    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        self.subject.name
    }

    /// Where it answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// One for each login.
    pub(crate) fn exchanges(&self) -> &[Exchange] {
        &self.exchanges
    }

    /// What each measured process has used so far, in nanoseconds.
    pub(crate) fn cpu_ns(&self) -> Result<Vec<(Role, u64)>> {
        let used = |&(role, pid)| Ok((role, cluster::accounting::cpu_ns(pid)?));
        self.measured.iter().map(used).collect()
    }

    /// Makes new logins when the old ones might expire in the next block.
    pub(crate) async fn log_in_again_when_old(&mut self) -> Result<()> {
        if self.logged_in.elapsed() > LOGIN_AGE_MAX {
            self.log_in(self.exchanges.len()).await?;
        }
        Ok(())
    }

    async fn log_in(&mut self, logins: usize) -> Result<()> {
        self.logged_in = Instant::now();
        self.exchanges.clear();
        for number in 0..logins {
            let exchange = log_in(self.address, number, self.instances).await?;
            self.exchanges.push(exchange);
        }
        Ok(())
    }
}

/// The supervisor, its Redis, and the accounts that our servers read, in `folder`.
pub(crate) async fn cluster(loadtest: &Path, folder: &Path) -> Result<Cluster> {
    ensure!(
        loadtest.is_file(),
        "--loadtest {}: no such file; run `cargo build --release` in the project's folder",
        loadtest.display()
    );
    app::users::create(&folder.join("accounts.db"), 256).await?;
    std::fs::write(folder.join("hs256.secret"), rand::random::<[u8; 32]>())?;
    let settings = ClusterSettings {
        executable: loadtest.to_owned(),
        work_dir: folder.to_owned(),
        health_interval: Duration::from_secs(1),
    };
    Ok(Cluster::start(settings).await?)
}

/// Starts `subject` and logs `logins` users in.
pub(crate) async fn start(
    cluster: &Cluster,
    folder: &Path,
    subject: &'static Subject,
    logins: u32,
) -> Result<Started> {
    let tag = "compare".to_owned();
    let redis = match subject.redis {
        true => Some(cluster.redis(RedisChoice { url: None, tag }).await?),
        false => None,
    };
    let instance = |name: &str| InstanceSpec {
        name: name.to_owned(),
        args: arguments(subject, folder, redis.as_ref()),
        env: Vec::new(),
    };
    let instances = match subject.kind {
        Kind::OurBalancer | Kind::HaProxy => vec![instance("a"), instance("b")],
        _ => vec![instance("a")],
    };
    let pool = PoolSpec {
        name: subject.name.to_owned(),
        instances,
    };
    let pool = cluster.pool(pool).await?;
    let mut alive = Alive {
        _pool: pool.clone(),
        _balancer: None,
        _haproxy: None,
        _redis: redis.clone(),
    };
    let (address, measured) = match subject.kind {
        Kind::OurBalancer => {
            let balancer = cluster.balancer().await?;
            let pid = balancer.pid().context("the balancer has ended")?;
            let address = listen(&balancer, subject.name, &pool).await?;
            alive._balancer = Some(balancer);
            (address, vec![(Role::Balancer, pid)])
        }
        Kind::HaProxy => {
            let (haproxy, address) = haproxy(folder, &pool).await?;
            let pid = haproxy.id().context("HAProxy has ended")?;
            alive._haproxy = Some(haproxy);
            (address, vec![(Role::Balancer, pid)])
        }
        Kind::Ours(_) | Kind::Rust(_) | Kind::Node(_) => {
            let instance = &pool.instances()[0];
            let pid = instance.pid().context("the server has ended")?;
            (instance.address(), vec![(Role::Server, pid)])
        }
    };
    let redis_pid = redis.as_ref().and_then(Redis::pid);
    let mut started = Started {
        subject,
        address,
        measured: measured
            .into_iter()
            .chain(redis_pid.map(|pid| (Role::Redis, pid)))
            .collect(),
        exchanges: Vec::new(),
        logged_in: Instant::now(),
        instances: pool.instances().len(),
        _alive: alive,
    };
    started.log_in(logins as usize).await?;
    Ok(started)
}

async fn listen(balancer: &Balancer, arm: &str, pool: &Pool) -> Result<SocketAddr> {
    let arm = ArmSpec {
        arm: arm.to_owned(),
        policy: Policy::RoundRobin,
        pool,
        issuer: None,
        address: None,
    };
    Ok(balancer.listen(arm).await?)
}

/// How to start one instance: our executable, which can also become another program.
fn arguments(subject: &Subject, folder: &Path, redis: Option<&Redis>) -> Vec<OsString> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut arguments: Vec<OsString> = match subject.kind {
        Kind::Ours(arguments) => arguments.iter().map(OsString::from).collect(),
        Kind::OurBalancer | Kind::HaProxy => vec!["trusting".into()],
        Kind::Rust(peer) => {
            let this = std::env::current_exe().unwrap_or_default();
            let mut arguments = vec!["exec-watched".into(), this.with_file_name(peer[0]).into()];
            arguments.extend(peer[1..].iter().map(OsString::from));
            arguments
        }
        Kind::Node(script) => {
            let script = here.join("node").join(script);
            vec!["exec-watched".into(), "node".into(), script.into()]
        }
    };
    if matches!(
        subject.kind,
        Kind::Ours(_) | Kind::OurBalancer | Kind::HaProxy
    ) {
        arguments.extend(["--accounts".into(), folder.join("accounts.db").into()]);
    }
    if arguments[0] == "server-jwt" {
        arguments.extend(["--secret-file".into(), folder.join("hs256.secret").into()]);
    }
    if let Some(redis) = redis {
        arguments.extend(["--redis-url".into(), redis.url().into()]);
    }
    arguments
}

/// HAProxy as the compose stack uses it, on one thread as our balancer, with the same duties:
/// health checks, retries, limits, its own and nobody else's forwarding headers.
async fn haproxy(folder: &Path, pool: &Pool) -> Result<(Child, SocketAddr)> {
    // HAProxy cannot take port 0 and say which: a free port is found here and let go again.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let file = folder.join("haproxy.cfg");
    let mut text = std::fs::File::create(&file)?;
    write!(
        text,
        "{}",
        include_str!("haproxy.cfg").replace("ADDRESS", &address.to_string())
    )?;
    for instance in pool.instances() {
        writeln!(
            text,
            "    server {} {}",
            instance.name(),
            instance.address()
        )?;
    }
    let child = tokio::process::Command::new("haproxy")
        .arg("-db")
        .arg("-f")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("haproxy: `apt-get install haproxy`, or leave it out with --only")?;
    let started = Instant::now();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        ensure!(
            started.elapsed() < Duration::from_secs(5),
            "HAProxy does not listen"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok((child, address))
}

/// Logs one user in, and proves what `/me` answers from each instance.
async fn log_in(address: SocketAddr, number: usize, instances: usize) -> Result<Exchange> {
    let user = format!("load-{number:05}");
    let body = format!("{{\"username\":\"{user}\",\"password\":\"{PASSWORD}\"}}");
    let request = format!(
        "POST /login HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = drive::ask(address, request.as_bytes())
        .await
        .context("POST /login")?;
    let shown: Value = serde_json::from_slice(&answer.body)?;
    let cookie = answer
        .header("set-cookie")
        .and_then(|cookie| cookie.split(';').next());
    let credential = match (shown["access_token"].as_str(), cookie) {
        (Some(token), _) => format!("authorization: Bearer {token}\r\n"),
        (None, Some(cookie)) => format!("cookie: {cookie}\r\n"),
        // The peers without login.
        (None, None) => String::new(),
    };
    let request = format!("GET /me HTTP/1.1\r\nhost: {address}\r\n{credential}\r\n").into_bytes();
    let mut bodies = Vec::new();
    // Twice round, so that every instance behind a balancer has answered.
    for _ in 0..2 * instances {
        let answer = drive::ask(address, &request).await.context("GET /me")?;
        prove(&answer, &user, credential.is_empty())?;
        if !bodies.contains(&answer.body) {
            bodies.push(answer.body);
        }
    }
    ensure!(
        bodies.len() == instances,
        "{} different answers",
        bodies.len()
    );
    Ok(Exchange { request, bodies })
}

/// The same five fields and the same two headers from everybody.
fn prove(answer: &drive::Answer, user: &str, anybody: bool) -> Result<()> {
    let shown: Value = serde_json::from_slice(&answer.body)?;
    let fields = shown.as_object().context("no object")?;
    let mut names: Vec<&str> = fields.keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "answering_instance",
        "login_instance",
        "role",
        "since",
        "user",
    ];
    ensure!(names == expected, "/me has the fields {names:?}");
    ensure!(
        anybody || shown["user"] == user,
        "/me says {}",
        shown["user"]
    );
    ensure!(
        answer.header("cache-control") == Some("no-store"),
        "no cache-control: no-store"
    );
    let served_by = answer.header("x-served-by").context("no x-served-by")?;
    ensure!(
        shown["answering_instance"] == served_by,
        "x-served-by and /me disagree"
    );
    Ok(())
}
