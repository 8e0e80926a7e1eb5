//! The accounts, in an SQLite file and in a real Postgres: the same tests for both.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod support;

use app::Role;
use app::users::{self, LOAD_PASSWORD, Source, Users, UsersError, load_user};
use support::postgres::Postgres;

/// Runs each test once over either kind of database.
macro_rules! over_both {
    ($($name:ident),+ $(,)?) => {
        mod in_a_file {
            $(#[tokio::test]
            async fn $name() {
                let folder = tempfile::tempdir().unwrap();
                super::$name(folder.path().join("accounts.sqlite").as_path().into()).await;
            })+
        }
        mod in_postgres {
            $(#[tokio::test]
            async fn $name() {
                let postgres = super::Postgres::shared();
                super::$name(postgres.database(stringify!($name)).await).await;
            })+
        }
    };
}

over_both!(
    what_was_created_is_found,
    creating_twice_changes_nothing,
    a_change_reaches_every_instance,
    of_two_new_passwords_one_wins,
    nothing_there_is_said_at_once,
);

async fn what_was_created_is_found(source: Source) {
    users::create(source.clone(), 12).await.unwrap();
    let users = Users::open(source).await.unwrap();
    let ada = users.find("ada").await.unwrap().unwrap();
    assert_eq!((ada.display_name.as_str(), ada.role), ("Ada", Role::Admin));
    assert!(!ada.disabled && ada.password_hash.starts_with("$argon2id$"));
    let last = users.find(&load_user(11)).await.unwrap().unwrap();
    assert_eq!(last.name, "load-00011");
    assert_eq!(
        (last.display_name.as_str(), last.role),
        ("Load 11", Role::Member)
    );
    assert!(users.find(&load_user(12)).await.unwrap().is_none());
    assert!(users.find("nobody").await.unwrap().is_none());
    assert!(users.find("ada' OR '1'='1").await.unwrap().is_none());
    assert!(!LOAD_PASSWORD.is_empty());
}

async fn creating_twice_changes_nothing(source: Source) {
    users::create(source.clone(), 3).await.unwrap();
    let users = Users::open(source.clone()).await.unwrap();
    let before = users.find("mia").await.unwrap().unwrap().password_hash;
    assert!(users.set_role("mia", Role::Accountant).await.unwrap());
    users::create(source, 5).await.unwrap();
    let mia = users.find("mia").await.unwrap().unwrap();
    assert_eq!((mia.password_hash, mia.role), (before, Role::Accountant));
    assert!(users.find(&load_user(4)).await.unwrap().is_some());
}

async fn a_change_reaches_every_instance(source: Source) {
    users::create(source.clone(), 0).await.unwrap();
    let [a, b] = [
        Users::open(source.clone()).await.unwrap(),
        Users::open(source).await.unwrap(),
    ];
    assert!(a.set_role("luca", Role::Member).await.unwrap());
    assert!(a.set_disabled("luca", true).await.unwrap());
    let luca = b.find("luca").await.unwrap().unwrap();
    assert!(luca.disabled && luca.role == Role::Member);
    assert!(a.set_disabled("luca", false).await.unwrap());
    assert!(!b.find("luca").await.unwrap().unwrap().disabled);
    assert!(!a.set_role("nobody", Role::Admin).await.unwrap());
    assert!(!a.set_disabled("nobody", true).await.unwrap());
}

async fn of_two_new_passwords_one_wins(source: Source) {
    users::create(source.clone(), 0).await.unwrap();
    let users = Users::open(source).await.unwrap();
    let old = users.find("mia").await.unwrap().unwrap().password_hash;
    let (one, other) = tokio::join!(
        users.replace_password("mia", &old, "one"),
        users.replace_password("mia", &old, "other"),
    );
    assert_ne!(one.unwrap(), other.unwrap(), "exactly one of the two");
    let now = users.find("mia").await.unwrap().unwrap().password_hash;
    assert!(now == "one" || now == "other");
}

async fn nothing_there_is_said_at_once(source: Source) {
    let error = Users::open(source.clone()).await.unwrap_err();
    assert!(matches!(error, UsersError::Open { .. }), "{error:?}");
    assert!(error.to_string().contains(&source.to_string()), "{error}");
}

#[tokio::test]
async fn ten_instances_that_start_at_once_make_one_database() {
    let source = Postgres::shared().database("ten_at_once").await;
    let all = (0..10).map(|_| users::create(source.clone(), 20));
    for made in futures_util::future::join_all(all).await {
        made.unwrap();
    }
    let users = Users::open(source).await.unwrap();
    assert!(users.find(&load_user(19)).await.unwrap().is_some());
}

#[tokio::test]
async fn ten_instances_that_start_at_once_make_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("accounts.db");
    let all = (0..10).map(|_| users::find_or_make(&path, 3));
    let all = futures_util::future::join_all(all).await;
    let all: Vec<Users> = all.into_iter().map(Result::unwrap).collect();
    assert!(all[0].set_role("mia", Role::Accountant).await.unwrap());
    for users in &all {
        assert!(users.find(&load_user(2)).await.unwrap().is_some());
        let mia = users.find("mia").await.unwrap().unwrap();
        assert_eq!(mia.role, Role::Accountant, "they share one file");
    }
    let again = users::find_or_make(&path, 0).await.unwrap();
    let mia = again.find("mia").await.unwrap().unwrap();
    assert_eq!(mia.role, Role::Accountant, "what is there is kept");
    drop((all, again));
    let names = std::fs::read_dir(folder.path()).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
    let ours = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("accounts.db");
    assert!(names.iter().all(ours), "nothing half-made stays: {names:?}");
}

#[tokio::test]
async fn a_wrong_address_is_one_line_without_its_password() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .unwrap()
        .port();
    let url = format!("postgres://somebody:sesame@127.0.0.1:{port}/accounts");
    let source = Source::Postgres(app::HeldBack::new(url));
    let error = users::create(source, 0).await.unwrap_err().to_string();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    assert!(
        !error.contains("sesame") && error.lines().count() == 1,
        "{error}"
    );
    let source = Source::Postgres(app::HeldBack::new("mysql://x:sesame@y".to_owned()));
    let error = users::create(source, 0).await.unwrap_err().to_string();
    assert!(!error.contains("sesame"), "{error}");
}
