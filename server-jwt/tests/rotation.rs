//! Replacing keys while tokens are out: in two phases nobody is logged out, in one phase those
//! are who meet an instance that does not know the new key yet.

mod support;

use std::path::{Path, PathBuf};

use app::conformance::{Pair, Visitor, known};
use serde_json::{Value, json};
use server_jwt::keys::keygen::{Alg, make};
use support::pair_of;

/// Two instances, each with a key file of its own that holds `k1`.
struct Rolling {
    pair: Pair,
    files: [PathBuf; 2],
    k1: Value,
    k2: Value,
}

impl Rolling {
    async fn start() -> Self {
        let key = |kid| make(Alg::Es256, kid).expect("a key is made").private["keys"][0].clone();
        let (k1, k2) = (key("k1"), key("k2"));
        let files = [(); 2].map(|()| support::file(json!({ "keys": [k1] }).to_string()));
        let path = |n: usize| files[n].to_str().expect("text");
        let pair = pair_of(&[], &["--keys", path(0)], &["--keys", path(1)]).await;
        Self {
            pair,
            files,
            k1,
            k2,
        }
    }

    /// Writes `keys` into the file of instance `n` and has it read.
    async fn reload(&self, n: usize, keys: &[&Value]) {
        write(&self.files[n], keys);
        let answer = self.step(n, json!({ "step": "reload" })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    async fn step(&self, n: usize, step: Value) -> app::conformance::Answer {
        let server = [&self.pair.a, &self.pair.b][n];
        Visitor::default().post(server, "/lab/keys", step).await
    }

    async fn login(&self) -> Visitor {
        let mut mia = Visitor::default();
        mia.log_in(&self.pair.a, "mia").await;
        mia
    }

    async fn known_on_both(&self, visitor: &Visitor) -> (bool, bool) {
        (
            known(visitor, &self.pair.a).await,
            known(visitor, &self.pair.b).await,
        )
    }
}

fn write(path: &Path, keys: &[&Value]) {
    std::fs::write(path, json!({ "keys": keys }).to_string()).expect("the file is written");
}

#[tokio::test]
async fn in_two_phases_nobody_is_logged_out() {
    let rolling = Rolling::start().await;
    let old = rolling.login().await;
    let (k1, k2) = (&rolling.k1, &rolling.k2);
    // First everybody learns the new key, one after the other ...
    for n in [0, 1] {
        rolling.reload(n, &[k1, k2]).await;
        let during = rolling.login().await;
        assert_eq!(rolling.known_on_both(&during).await, (true, true));
    }
    // ... then everybody signs with it ...
    for n in [0, 1] {
        let answer = rolling
            .step(n, json!({ "step": "sign", "kid": "k2" }))
            .await;
        assert_eq!(answer.json["keys"][1]["signs"], true, "{}", answer.text);
        let during = rolling.login().await;
        assert_eq!(rolling.known_on_both(&during).await, (true, true));
        assert_eq!(rolling.known_on_both(&old).await, (true, true));
    }
    // ... and when the old tokens have expired, the old key goes.
    let new = rolling.login().await;
    for n in [0, 1] {
        rolling.reload(n, &[k2]).await;
    }
    assert_eq!(rolling.known_on_both(&new).await, (true, true));
    assert_eq!(rolling.known_on_both(&old).await, (false, false));
}

#[tokio::test]
async fn in_one_phase_the_others_log_people_out() {
    let rolling = Rolling::start().await;
    rolling.reload(0, &[&rolling.k2]).await;
    let new = rolling.login().await;
    assert_eq!(rolling.known_on_both(&new).await, (true, false));
    let refused = new.clone().get(&rolling.pair.b, "/me").await;
    assert_eq!(refused.reason(), "unknown-key");
}

#[tokio::test]
async fn the_order_in_the_file_is_enough_to_change_the_signer() {
    let rolling = Rolling::start().await;
    let (k1, k2) = (&rolling.k1, &rolling.k2);
    rolling.reload(0, &[k1, k2]).await;
    rolling.reload(0, &[k2, k1]).await;
    let state = rolling.step(0, json!({ "step": "reload" })).await;
    assert_eq!(state.json["keys"][0]["kid"], "k2");
    assert_eq!(state.json["keys"][0]["signs"], true);
    // A signer that was chosen by name stays, wherever it stands.
    rolling
        .step(0, json!({ "step": "sign", "kid": "k1" }))
        .await;
    let state = rolling.step(0, json!({ "step": "reload" })).await;
    assert_eq!(state.json["keys"][1]["signs"], true, "{}", state.text);
}

#[tokio::test]
async fn a_broken_file_and_an_unknown_key_change_nothing() {
    let rolling = Rolling::start().await;
    let old = rolling.login().await;
    std::fs::write(&rolling.files[0], "{").expect("the file is written");
    for step in [
        json!({ "step": "reload" }),
        json!({ "step": "sign", "kid": "k2" }),
        json!({ "step": "forget" }),
        json!({ "step": "sign" }),
    ] {
        let answer = rolling.step(0, step.clone()).await;
        assert_eq!(answer.status, 422, "{step}: {}", answer.text);
    }
    assert!(known(&old, &rolling.pair.a).await);
    assert!(known(&rolling.login().await, &rolling.pair.a).await);
}

#[tokio::test]
async fn a_hangup_reads_the_file_again() {
    let rolling = Rolling::start().await;
    write(&rolling.files[0], &[&rolling.k2]);
    let old = rolling.login().await;
    nix::sys::signal::raise(nix::sys::signal::Signal::SIGHUP).expect("it is raised");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(5);
    while known(&old, &rolling.pair.a).await {
        assert!(
            std::time::Instant::now() < until,
            "the file was not read again"
        );
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    assert!(known(&rolling.login().await, &rolling.pair.a).await);
}
