//! A main process: starts a cluster, says which processes it has, and waits to be killed.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use cluster::{ArmSpec, Cluster, ClusterSettings, InstanceSpec, Policy, PoolSpec, RedisChoice};

/// `hold WORK_DIR`: prints the process ids of supervisor, instances, balancer and Redis on one
/// line, with instance `b` frozen.
pub(crate) fn run(args: &[OsString]) -> ExitCode {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let pids = start(PathBuf::from(&args[0])).await;
        println!("{}", pids.1.join(" "));
        std::io::stdout().flush().expect("somebody reads this");
        std::future::pending::<()>().await;
        drop(pids);
    });
    ExitCode::SUCCESS
}

type Held = (Cluster, cluster::Balancer, cluster::Redis);

async fn start(work_dir: PathBuf) -> (Held, Vec<String>) {
    let cluster = Cluster::start(ClusterSettings {
        executable: std::env::current_exe().expect("this file"),
        work_dir,
        health_interval: Duration::from_millis(200),
    })
    .await
    .expect("a cluster");
    let choice = RedisChoice {
        url: None,
        tag: "held".to_owned(),
    };
    let redis = cluster.redis(choice).await.expect("a Redis on PATH");
    let balancer = cluster.balancer().await.expect("a balancer");
    let instances = ["a", "b"].map(|name| InstanceSpec {
        name: name.to_owned(),
        args: vec!["toy".into()],
        env: Vec::new(),
    });
    let spec = PoolSpec {
        name: "held".to_owned(),
        instances: instances.into(),
    };
    let pool = cluster.pool(spec).await.expect("a pool");
    let arm = ArmSpec {
        arm: "held".to_owned(),
        policy: Policy::RoundRobin,
        pool: &pool,
        issuer: None,
        address: None,
    };
    balancer.listen(arm).await.expect("an address");
    let frozen = pool.instance("b").expect("it was started");
    let mut pids = vec![cluster.supervisor_pid()];
    pids.extend(pool.instances().iter().filter_map(cluster::Instance::pid));
    pids.extend(balancer.pid());
    pids.extend(redis.pid());
    frozen.freeze().await.expect("it runs");
    let pids = pids.iter().map(u32::to_string).collect();
    ((cluster, balancer, redis), pids)
}
