//! What a request costs in the embedded balancer, and what it costs in HAProxy: the same two
//! instances behind both, the same load from wrk, in turns within one run.
//!
//! `benches/peers/balancer-vs-haproxy [ROUNDS] [SECONDS]` builds and runs it. It needs `haproxy`
//! and `wrk` on the `PATH`, and prints, for each path, CPU microseconds per request by the process
//! clock: the median of the rounds, and the ratio to HAProxy with all rounds' extremes.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cluster::{ArmSpec, Cluster, ClusterSettings, InstanceSpec, Policy, Pool, PoolSpec};

type Failure = Box<dyn std::error::Error>;

/// A way from the load to the instances.
struct Way {
    name: &'static str,
    address: SocketAddr,
    /// The process whose work it is; none for the direct way.
    pid: Option<u32>,
    /// CPU microseconds per request, one for each round.
    costs: Vec<f64>,
    /// Requests per second, one for each round.
    rates: Vec<f64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut args = std::env::args().skip(1);
    let rounds: usize = args.next().map_or(Ok(7), |text| text.parse())?;
    let seconds: u64 = args.next().map_or(Ok(4), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let cluster = Cluster::start(ClusterSettings {
        executable: beside_this("cluster-test-instance")?,
        work_dir: folder.path().to_owned(),
        health_interval: Duration::from_secs(1),
    })
    .await?;
    let pool = cluster.pool(two_toys()).await?;
    let balancer = cluster.balancer().await?;
    let arm = ArmSpec {
        arm: "x".to_owned(),
        policy: Policy::RoundRobin,
        pool: &pool,
        issuer: None,
        address: None,
    };
    let address = balancer.listen(arm).await?;
    let one = HaProxy::start(folder.path(), &pool, 1, RULES)?;
    let two = HaProxy::start(folder.path(), &pool, 2, RULES)?;
    let plain = HaProxy::start(folder.path(), &pool, 2, "    option forwardfor")?;
    let direct = pool.instances()[0].address();
    let mut ways = [
        way("direct, one instance", direct, None),
        way("embedded balancer", address, balancer.pid()),
        way("HAProxy, 1 thread", one.address, Some(one.child.id())),
        way("HAProxy, 2 threads", two.address, Some(two.child.id())),
        way(
            "HAProxy, 2, no rules",
            plain.address,
            Some(plain.child.id()),
        ),
    ];
    for round in 0..rounds {
        // Each round begins with another way, so that none always follows the same one.
        for turn in 0..5 {
            ways[(round + turn) % 5].measure(seconds).await?;
        }
    }
    print(&ways);
    cluster.stop().await?;
    Ok(())
}

fn way(name: &'static str, address: SocketAddr, pid: Option<u32>) -> Way {
    Way {
        name,
        address,
        pid,
        costs: Vec::new(),
        rates: Vec::new(),
    }
}

fn beside_this(name: &str) -> Result<PathBuf, Failure> {
    let this = std::env::current_exe()?;
    // target/release/examples/THIS, and target/release/NAME.
    let folder = this.ancestors().nth(2).ok_or("no folder")?;
    Ok(folder.join(name))
}

fn two_toys() -> PoolSpec {
    let toy = |name: &str| InstanceSpec {
        name: name.to_owned(),
        args: vec!["toy".into()],
        env: Vec::new(),
    };
    PoolSpec {
        name: "toys".to_owned(),
        instances: vec![toy("a"), toy("b")],
    }
}

/// The balancer's rules for what a header may say, in HAProxy's words.
const RULES: &str = "\
    http-request del-header forwarded
    http-request del-header x-real-ip
    http-request del-header x-served-by
    http-request del-header x-attempts
    http-request del-header x-forwarded- -m beg
    http-request set-header x-forwarded-for %[src]
    http-request set-header x-forwarded-proto http
    http-request set-header x-forwarded-host %[req.hdr(host)]
    http-response set-header x-attempts 1";

/// An HAProxy that does what the balancer does: turns, health checks, retries, with or without
/// the balancer's rules for headers.
struct HaProxy {
    child: Child,
    address: SocketAddr,
}

impl HaProxy {
    fn start(folder: &Path, pool: &Pool, threads: u32, rules: &str) -> Result<Self, Failure> {
        let address = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let file = folder.join(format!("haproxy-{}.cfg", address.port()));
        std::fs::write(&file, config(address, pool, threads, rules))?;
        let child = Command::new("haproxy")
            .arg("-db")
            .arg("-f")
            .arg(&file)
            .stdout(Stdio::null())
            .spawn()?;
        let started = Self { child, address };
        for _ in 0..100 {
            if std::net::TcpStream::connect(address).is_ok() {
                // Its first health checks.
                std::thread::sleep(Duration::from_secs(2));
                return Ok(started);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err("haproxy does not listen".into())
    }
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn config(address: SocketAddr, pool: &Pool, threads: u32, rules: &str) -> String {
    let instances = pool.instances();
    let servers = instances.iter().map(|instance| {
        let (name, address) = (instance.name(), instance.address());
        format!("    server {name} {address} check\n")
    });
    format!(
        "global
    nbthread {threads}
    maxconn 4096
defaults
    mode http
    option redispatch
    option http-keep-alive
    http-reuse safe
    retries 3
    retry-on conn-failure empty-response response-timeout
    timeout connect 1s
    timeout client 30s
    timeout server 5s
    timeout http-request 5s
    timeout http-keep-alive 5s
    timeout queue 5s
    default-server inter 1s fall 2 rise 2
frontend fe_x
    bind {address}
    http-request disable-l7-retry if METH_POST
{rules}
    default_backend be_x
backend be_x
    balance roundrobin
    option httpchk GET /readyz
{}",
        servers.collect::<String>()
    )
}

impl Way {
    async fn measure(&mut self, seconds: u64) -> Result<(), Failure> {
        // What the last way left running ends first.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let before = self.cpu_ns()?;
        let requests = wrk(self.address, seconds).await?;
        let used = self.cpu_ns()? - before;
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        {
            self.costs.push(used as f64 / 1_000.0 / requests as f64);
            self.rates.push(requests as f64 / seconds as f64);
        }
        Ok(())
    }

    fn cpu_ns(&self) -> std::io::Result<u64> {
        self.pid.map_or(Ok(0), cluster::accounting::cpu_ns)
    }
}

/// Loads `address` and returns how many requests were answered. Any other answer than 2xx or 3xx,
/// and any broken connection, fails the run: speed of wrong answers is no speed.
async fn wrk(address: SocketAddr, seconds: u64) -> Result<u64, Failure> {
    let output = tokio::process::Command::new("wrk")
        .args(["-t1", "-c32", &format!("-d{seconds}s")])
        .arg(format!("http://{address}/hello"))
        .output()
        .await?;
    let said = String::from_utf8(output.stdout)?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        return Err(format!("wrong answers at {address}:\n{said}").into());
    }
    let line = said.lines().find(|line| line.contains(" requests in "));
    let count = line.and_then(|line| line.split_whitespace().next());
    Ok(count.ok_or("wrk says nothing of requests")?.parse()?)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

fn print(ways: &[Way]) {
    for way in ways {
        let (cost, rate) = (median(&way.costs), median(&way.rates));
        println!(
            "{:22} {cost:6.2} us CPU a request, {rate:8.0} requests/s",
            way.name
        );
    }
    let balancer = &ways[1];
    for haproxy in &ways[2..] {
        let pairs = balancer.costs.iter().zip(&haproxy.costs);
        let ratios: Vec<_> = pairs.map(|(ours, theirs)| ours / theirs).collect();
        let lowest = ratios.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = ratios.iter().copied().fold(0.0, f64::max);
        println!(
            "balancer / {}: {:.2} (rounds {lowest:.2} to {highest:.2})",
            haproxy.name,
            median(&ratios)
        );
    }
}
