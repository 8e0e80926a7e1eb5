//! The interface as it is written down: the published documents are what the code makes.

#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

const POOL: &str = "interface";

/// The two servers.
const SERVERS: [&str; 2] = ["server-session", "server-jwt"];

fn published(server: &str) -> PathBuf {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi");
    docs.join(format!("{server}.json"))
}

fn made(server: &str) -> Value {
    match server {
        "server-jwt" => server_jwt::openapi(),
        _ => server_session::openapi(&app::Instance {
            pool: POOL.to_owned(),
            name: "a".to_owned(),
            clock: app::Clock::default(),
            secure_cookies: false,
        }),
    }
}

/// `UPDATE_OPENAPI=1 cargo test --workspace --test openapi` writes them anew.
#[test]
fn the_published_documents_are_what_the_code_makes() {
    for server in SERVERS {
        let file = published(server);
        if std::env::var_os("UPDATE_OPENAPI").is_some() {
            let text = serde_json::to_string_pretty(&made(server)).unwrap() + "\n";
            fs::write(&file, text).unwrap();
        }
        let published: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        assert!(
            published == made(server),
            "docs/openapi/{server}.json is stale: run this test with UPDATE_OPENAPI=1"
        );
    }
}
