//! The configuration of the stack of containers on this machine: the same rules, other addresses.

use super::{free_port, root};

/// Where it shows its statistics, as if that were an arm.
pub(crate) const STATISTICS: &str = "statistics";

/// `haproxy.cfg` and `backends.cfg` of `docker`, listening for an arm where `balanced` says and
/// finding the instances of a host's pool where `instance` says, by pool and name. Whom a test does
/// not start is nowhere.
pub(crate) fn configuration(
    balanced: impl Fn(&str) -> Option<u16>,
    instance: impl Fn(&str, &str) -> Option<u16>,
) -> String {
    let read = |name| std::fs::read_to_string(root().join("docker").join(name)).unwrap();
    let text = read("haproxy.cfg") + "\n" + &read("backends.cfg");
    let (mut binds, mut servers) = (0, 0);
    let mut lines = Vec::new();
    for line in text.lines() {
        let words: Vec<_> = line.split_whitespace().collect();
        let indent = &line[..line.len() - line.trim_start().len()];
        lines.push(match words[..] {
            ["bind", _, "name", arm] => {
                binds += 1;
                let port = balanced(arm).unwrap_or_else(free_port);
                format!("{indent}bind 127.0.0.1:{port} name {arm}")
            }
            ["bind", _] => {
                let port = balanced(STATISTICS).unwrap_or_else(free_port);
                format!("{indent}bind 127.0.0.1:{port}")
            }
            ["server", name, address, ref more @ ..] => {
                servers += 1;
                let host = address.split(':').next().unwrap_or_default();
                let pool = host.rsplit_once('-').map_or(host, |(pool, _)| pool);
                let port = instance(pool, name).unwrap_or(1);
                format!("{indent}server {name} 127.0.0.1:{port} {}", more.join(" "))
            }
            // This machine has no engine with a name server.
            ["default-server", ..] => line
                .replace("init-addr last,libc,none", "")
                .replace("resolvers engine", "")
                .replace("resolve-prefer ipv4", ""),
            _ => line.to_owned(),
        });
    }
    assert!(binds >= 5 && servers >= 2 * binds, "{text}");
    lines.join("\n") + "\n"
}
