//! The target file's contract: what is documented can be read, and a mistake is one line that names
//! file, field and remedy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use loadtest::failure::Failure;
use loadtest::target::Target;
use loadtest::target::file::{Place, TargetFile};
use serde_json::{Value, json};

/// The published file is what the types say. `UPDATE_SCHEMA=1 cargo test -p loadtest --test
/// target_file` writes it anew.
#[test]
fn the_published_schema_is_the_one_of_the_types() {
    let wanted = TargetFile::json_schema();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        let text = serde_json::to_string_pretty(&wanted).unwrap() + "\n";
        fs::write(schema_file(), text).unwrap();
    }
    let published = fs::read_to_string(schema_file()).unwrap();
    let published: Value = serde_json::from_str(&published).unwrap();
    assert!(
        published == wanted,
        "target.schema.json is stale: run this test with UPDATE_SCHEMA=1"
    );
}

/// Every JSON block of the page is a whole file that is valid and can be loaded.
#[test]
fn the_page_shows_files_that_work() {
    let page = fs::read_to_string(root().join("docs/TARGETS.md")).unwrap();
    let blocks: Vec<_> = page.split("```json\n").skip(1).collect();
    assert!(blocks.len() >= 2, "{page}");
    for block in blocks {
        let text = block.split("```").next().unwrap();
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(problems(&value), Vec::<String>::new());
        load(text).unwrap();
    }
}

#[test]
fn what_is_left_out_is_as_in_our_own_servers() {
    let target = load(&ours().to_string()).unwrap();
    let requests = &target.file.requests;
    assert_eq!(requests.login.path, "/login");
    assert_eq!(requests.who_am_i.user.as_deref(), Some("/user"));
    assert_eq!(requests.instance_header, "x-served-by");
    let user = target.file.users.user(7);
    assert_eq!(user.user, app::users::load_user(7));
    assert_eq!(user.password, app::users::LOAD_PASSWORD);
    // After the last one comes the first.
    let count = target.file.users.count();
    assert_eq!(target.file.users.user(count + 7), user);
}

#[test]
fn a_login_may_be_described_in_part() {
    let mut file = flask();
    file["requests"]["login"] = json!({"path": "/sign-in"});
    let target = load(&file.to_string()).unwrap();
    assert_eq!(target.file.requests.login.path, "/sign-in");
    assert_eq!(
        target.file.requests.credential,
        Some(Place::Cookie("session".to_owned()))
    );
}

/// One mistake a line: the file, the field that is changed, to what, and what is said of it.
const MISTAKES: &str = r#"
ours  | /target                    | 2                | target: this program reads version 1
ours  | /arms                      | []               | arms: there is nothing to ask
ours  | /arms/0/arm                | "sessions"       | arms[0].arm: there is no arm "sessions"
ours  | /arms/0/instances/c        | ""               | arms[0].instances.c: unknown field `c`
ours  | /arms/0/balanced           | "localhost:80"   | arms[0].balanced: "localhost:80"
ours  | /arms/0/balanced           | "https://x:1"    | write http://HOST:PORT
ours  | /arms/0/balanced           | "http://u:p@x"   | arms[0].balanced: that address
ours  | /arms/0/instances/b        | "http://127.0.0.1:2" | two instances have two
ours  | /arms/0/lifetime_ms        | "long"           | arms[0].lifetime_ms: invalid type
ours  | /arms/0/properties         | {"label": "", "state": "store"} | leave them out
ours  | /requests                  | {"whoami": {}}   | requests.whoami: unknown field
ours  | /requests                  | {"login": {"path": "x"}} | does not begin with /
ours  | /requests                  | {"who_am_i": {"user": "name"}} | is no JSON pointer
ours  | /requests                  | {"instance_header": "a b"} | is no name of a header
ours  | /users                     | {"list": []}     | users: nobody may log in
ours  | /users                     | {"pattern": {"name": "x", "count": 2, "password": ""}} | {n}
ours  | /haproxy_statistics        | "stats"          | haproxy_statistics: "stats" is no page
ours  | /haproxy_statistics        | "http://u:p@x/"  | haproxy_statistics: that address
ours  | /lab_secret                | "no"             | unknown field `lab_secret`
flask | /arms/0/properties/state   | "moon"           | arms[0].properties.state: unknown
flask | /requests/credential       | null             | requests.credential: "flask" is an
flask | /arms/0/pool               | "x"              | only this project's servers have pools
"#;

#[test]
fn a_mistake_names_file_field_and_remedy() {
    for line in MISTAKES.lines().filter(|line| !line.is_empty()) {
        let [file, pointer, value, wanted] = line.split('|').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let mut file = if file.trim() == "ours" {
            ours()
        } else {
            flask()
        };
        set(
            &mut file,
            pointer.trim(),
            serde_json::from_str(value).unwrap(),
        );
        let said = complaint(&file.to_string());
        assert!(said.contains(wanted.trim()), "{line}: {said}");
        assert!(!said.contains("u:p"), "{said}");
    }
    assert!(complaint("{\"target\": 1,").contains("EOF"));
    assert!(complaint("7").contains("invalid type"));
    let twice = complaint(&(ours().to_string() + "{}"));
    assert!(twice.contains("trailing"), "{twice}");
}

#[test]
fn a_file_that_is_not_there_is_named_with_its_flag() {
    let dir = tempfile::tempdir().unwrap();
    let error = Target::load(&dir.path().join("none.json")).unwrap_err();
    let said = error.to_string();
    assert!(
        matches!(error, Failure::Usage(_)) && said.starts_with("--target "),
        "{said}"
    );
    assert!(
        said.contains("none.json") && said.contains("name a file"),
        "{said}"
    );
}

/// The secret stands in a file beside the target's, and is never shown.
#[test]
fn a_lab_secret_is_read_from_beside_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("target.json");
    let mut file = ours();
    file["lab_secret_file"] = json!("secret");
    fs::write(&path, file.to_string()).unwrap();
    let target = Target::load(&path).unwrap();
    let arm = &target.file.arms[0];

    let missing = target.lab(arm).unwrap_err().to_string();
    assert!(missing.contains("lab_secret_file: "), "{missing}");
    fs::write(dir.path().join("secret"), "short").unwrap();
    let short = target.lab(arm).unwrap_err().to_string();
    assert!(
        short.contains("16 characters") && !short.contains("short"),
        "{short}"
    );
    fs::write(dir.path().join("secret"), "0123456789abcdef\n").unwrap();
    let lab = target.lab(arm).unwrap().unwrap();
    assert_eq!(lab.secret(), "0123456789abcdef");
    assert!(!format!("{lab:?}{target:?}").contains("0123456789abcdef"));
}

fn ours() -> Value {
    json!({
        "target": 1,
        "arms": [{
            "arm": "session-memory", "balanced": "http://127.0.0.1:1",
            "instances": {"a": "http://127.0.0.1:2", "b": "http://127.0.0.1:3"}
        }]
    })
}

fn flask() -> Value {
    let mut file = ours();
    file["requests"] = json!({"credential": {"cookie": "session"}});
    file["arms"][0]["arm"] = json!("flask");
    file["arms"][0]["properties"] = json!({"label": "Flask", "state": "process"});
    file
}

/// Puts `value` where `pointer` points; its last name may be new.
fn set(file: &mut Value, pointer: &str, value: Value) {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap()[name] = value;
}

fn load(text: &str) -> Result<Target, Failure> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("target.json"), text).unwrap();
    Target::load(&dir.path().join("target.json"))
}

fn complaint(text: &str) -> String {
    let said = load(text).unwrap_err().to_string();
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(
        said.starts_with("--target ") && said.contains("target.json: "),
        "{said}"
    );
    assert!(
        said.ends_with("docs/TARGETS.md describes the file"),
        "{said}"
    );
    said
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn schema_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target.schema.json")
}

fn problems(file: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(&TargetFile::json_schema()).expect("a schema");
    validator
        .iter_errors(file)
        .map(|error| error.to_string())
        .collect()
}
