//! The manifests in `docker/kubernetes`, without a cluster: they render, the schemas of Kubernetes
//! know every field, and what one manifest says of another, of the images or of our command lines
//! is so. That a cluster runs them is not shown here.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod tools;

use std::collections::BTreeSet;

use clap::Parser as _;
use serde_json::Value;
use tools::{Manifests, Rendered};

/// What can be applied, and how many objects that is.
const FOLDERS: [(&str, usize); 3] = [(".", 24), ("load", 2), ("merge", 1)];
/// The names that `docker/replicas.cfg` asks for, without the pair with a secret each.
const POOLS: [&str; 4] = ["session-memory", "session-redis", "jwt", "jwt-denylist"];

fn rendered(folder: &str) -> Rendered {
    Manifests::copied().rendered(folder).unwrap()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The pods that this makes, by the name of what makes them.
fn pods(rendered: &Rendered) -> Vec<(&str, &Value)> {
    let objects = rendered.objects.iter();
    let made = objects.filter(|object| object["spec"]["template"].is_object());
    made.map(|one| (name(one), &one["spec"]["template"]))
        .collect()
}

fn containers(pod: &Value) -> impl Iterator<Item = &Value> {
    list(&pod["spec"]["initContainers"]).chain(list(&pod["spec"]["containers"]))
}

/// Whether the labels that a selector asks for are all there.
fn selects(selector: &Value, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    let mut wanted = selector.as_object().unwrap().iter();
    wanted.all(|(key, value)| labels[key] == *value)
}

#[test]
fn every_folder_renders_and_the_schemas_know_every_field() {
    for (folder, objects) in FOLDERS {
        let manifests = Manifests::copied();
        let rendered = manifests.rendered(folder).unwrap();
        assert_eq!(rendered.objects.len(), objects, "{folder}");
        assert_eq!(rendered.validated(), Ok(()), "{folder}");
    }
}

#[test]
fn planted_faults_are_found_by_name() {
    let faults = [
        ("pool/servers.yaml", "replicas: 2", "replica: 2", "replica"),
        ("balancer.yaml", "replicas: 2", "replicas: two", "two"),
        ("store.yaml", "tcpSocket:", "tcpsocket:", "tcpsocket"),
        ("reach.yaml", "podSelector:", "podSelect:", "podSelect"),
        ("accounts.yaml", "apps/v1", "apps/v2", "apps/v2"),
    ];
    for (file, there, instead, told) in faults {
        let manifests = Manifests::copied();
        manifests.plant(file, there, instead);
        let found = manifests.rendered(".").unwrap().validated();
        let found = found.expect_err("the fault is not seen");
        assert!(found.contains(told), "{file}: {found}");
    }
}

#[test]
fn a_secret_that_nobody_made_is_named_and_none_is_committed() {
    let refused = Manifests::without_secrets().rendered(".").err().unwrap();
    assert!(refused.contains("secrets/keys.json"), "{refused}");
    let ignored = include_str!("../../../.gitignore");
    assert!(
        ignored
            .lines()
            .any(|line| line == "/docker/kubernetes/secrets")
    );
}

#[test]
fn the_images_are_those_of_the_compose_file() {
    let compose = include_str!("../../../docker-compose.yml");
    for (folder, _) in FOLDERS {
        for (name, pod) in pods(&rendered(folder)) {
            for container in containers(pod) {
                let image = container["image"].as_str().unwrap();
                assert!(compose.contains(&format!(":-{image}}}")), "{name}: {image}");
            }
        }
    }
}

#[test]
fn no_container_may_do_more_than_it_needs() {
    for (folder, _) in FOLDERS {
        for (name, pod) in pods(&rendered(folder)) {
            let spec = &pod["spec"];
            assert_eq!(spec["automountServiceAccountToken"], false, "{name}");
            assert_eq!(spec["securityContext"]["runAsNonRoot"], true, "{name}");
            for container in containers(pod) {
                let context = &container["securityContext"];
                assert_eq!(context["allowPrivilegeEscalation"], false, "{name}");
                assert_eq!(context["readOnlyRootFilesystem"], true, "{name}");
                assert_eq!(context["capabilities"]["drop"][0], "ALL", "{name}");
                assert!(
                    container["resources"]["limits"]["memory"].is_string(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn whatever_goes_on_is_probed_and_whatever_there_are_two_of_may_lose_one() {
    let rendered = rendered(".");
    let pods = pods(&rendered);
    for (name, pod) in &pods {
        for container in containers(pod) {
            for probe in ["readinessProbe", "livenessProbe"] {
                assert!(container[probe].is_object(), "{name} has no {probe}");
            }
        }
    }
    let budgets = rendered.of_kind("PodDisruptionBudget");
    let deployments = rendered.of_kind("Deployment");
    let pairs = deployments
        .iter()
        .filter(|one| one["spec"]["replicas"] == 2);
    let mut seen = 0;
    for pair in pairs {
        seen += 1;
        let pod = &pair["spec"]["template"];
        let guards = budgets
            .iter()
            .filter(|one| selects(&one["spec"]["selector"]["matchLabels"], pod));
        assert_eq!(guards.count(), 1, "{}", name(pair));
        let rolling = &pair["spec"]["strategy"]["rollingUpdate"];
        assert_eq!(rolling["maxUnavailable"], 0, "{}", name(pair));
    }
    assert_eq!(seen, POOLS.len() + 1, "every pool, and the balancer");
}

/// HAProxy asks by name, and a selector that is too wide would mix two pools.
#[test]
fn each_name_that_haproxy_asks_for_leads_to_one_pool() {
    let rendered = rendered(".");
    let config = include_str!("../../../docker/replicas.cfg");
    let pods = pods(&rendered);
    for service in rendered.of_kind("Service") {
        let found = pods
            .iter()
            .filter(|(_, pod)| selects(&service["spec"]["selector"], pod));
        let found: Vec<_> = found.map(|(name, _)| *name).collect();
        assert_eq!(found, [name(service)]);
    }
    for pool in POOLS {
        let asked = format!("\"{pool}-servers${{SERVICES_DOMAIN}}:8080\"");
        assert!(config.contains(&asked), "{asked}");
        let mut services = rendered.of_kind("Service").into_iter();
        let service = services.find(|one| name(one) == format!("{pool}-servers"));
        assert_eq!(service.unwrap()["spec"]["clusterIP"], "None", "{pool}");
    }
}

/// What a generator makes has a hash in its name, so a wrong name leads nowhere.
#[test]
fn every_secret_and_setting_that_is_asked_for_is_made() {
    let rendered = rendered(".");
    let made = [rendered.of_kind("Secret"), rendered.of_kind("ConfigMap")].concat();
    let made: BTreeSet<_> = made.into_iter().map(name).collect();
    let mut asked = BTreeSet::new();
    for (_, pod) in pods(&rendered) {
        let volumes = list(&pod["spec"]["volumes"]);
        asked.extend(volumes.filter_map(|one| one["secret"]["secretName"].as_str()));
        for container in containers(pod) {
            for one in list(&container["envFrom"]) {
                asked.extend(one["configMapRef"]["name"].as_str());
            }
            for one in list(&container["env"]) {
                asked.extend(one["valueFrom"]["secretKeyRef"]["name"].as_str());
            }
        }
    }
    assert_eq!(asked, made);
}

#[test]
fn our_command_lines_are_understood() {
    let mut servers = 0;
    for (name, pod) in pods(&rendered(".")) {
        let args = list(&pod["spec"]["containers"][0]["args"]).map(|arg| arg.as_str().unwrap());
        // What comes from the environment.
        let rest = ["--pool", "p", "--database-url", "postgres://u@h/d"];
        let args: Vec<_> = args.chain(rest).collect();
        match args[0] {
            "server-session" => drop(server_session::Args::try_parse_from(args).unwrap()),
            "server-jwt" => drop(server_jwt::Args::try_parse_from(args).unwrap()),
            _ => continue,
        }
        servers += 1;
        assert!(name.ends_with("-servers"));
    }
    assert_eq!(servers, POOLS.len());
}

/// Every shard is asked for once, and all of them are merged.
#[test]
fn shards_are_numbered_as_measure_and_merge_want_them() {
    let load = rendered("load");
    let job = &load.of_kind("Job")[0]["spec"];
    let shards = job["completions"].as_u64().unwrap();
    let script = job["template"]["spec"]["containers"][0]["command"][2].as_str();
    let script = script.unwrap().replace("\\\n", " ");
    assert!(script.contains("shard=$((JOB_COMPLETION_INDEX + 1))"));
    let line = script.split_once("exec ").unwrap().1;
    let mut asked: Vec<String> = Vec::new();
    for shard in 1..=shards {
        let words = shlex::split(&line.replace("$shard", &shard.to_string())).unwrap();
        let cli = loadtest::cli::Cli::try_parse_from(words).unwrap();
        let Some(loadtest::cli::Command::Measure(args)) = cli.command else {
            panic!("{line}");
        };
        assert_eq!(args.shard.to_string(), format!("{shard}/{shards}"));
        asked.push(args.run.out.unwrap().display().to_string());
    }
    let merge = rendered("merge");
    let args = &merge.of_kind("Job")[0]["spec"]["template"]["spec"]["containers"][0]["args"];
    let args = list(args).map(|arg| arg.as_str().unwrap());
    let cli = loadtest::cli::Cli::try_parse_from(["loadtest"].into_iter().chain(args)).unwrap();
    let Some(loadtest::cli::Command::Merge(args)) = cli.command else {
        panic!("merge does something else");
    };
    let merged: Vec<_> = args
        .dirs
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    assert_eq!(merged, asked);
}
