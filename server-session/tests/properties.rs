//! Properties of cookies and records, for generated input.

use app::{Login, Role};
use proptest::prelude::*;
use server_session::carry::Sent;
use server_session::record::{self, Data};
use server_session::trial::{NAME, cookies};

fn logins() -> impl Strategy<Value = Login> {
    let role = prop_oneof![
        Just(Role::Admin),
        Just(Role::Accountant),
        Just(Role::Member)
    ];
    (".{0,40}", "\\PC{0,40}", role, any::<u64>(), "[a-z-]{1,20}").prop_map(
        |(user, name, role, since_ms, login_instance)| Login {
            user,
            name,
            role,
            since_ms,
            login_instance,
        },
    )
}

proptest! {
    #[test]
    fn any_bytes_are_read_as_tower_sessions_reads_them(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        cookies(&bytes);
    }

    #[test]
    fn any_cookies_around_ours_leave_it_one(
        before in "([a-z]{1,8}=[!-+--:<-~]{0,12}; ){0,3}",
        id in "[A-Za-z0-9_-]{22}",
        after in "(; [a-z]{1,8}=[!-+--:<-~]{0,12}){0,3}",
    ) {
        let line = format!("{before}{NAME}={id}{after}");
        prop_assert_eq!(cookies(line.as_bytes()), Sent::One);
        prop_assert_eq!(cookies(format!("{line}; {NAME}={id}").as_bytes()), Sent::Twice);
    }

    #[test]
    fn a_value_of_another_form_is_none(value in "[ -:<-~]{0,40}") {
        let line = format!("{NAME}={value}");
        let form = value.trim();
        let plausible = form.len() == 22
            && form.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        let expected = if plausible { Sent::One } else { Sent::Malformed };
        prop_assert_eq!(cookies(line.as_bytes()), expected);
    }

    #[test]
    fn a_login_is_read_as_it_was_written(login in logins()) {
        for written in [record::text(&login), record::object(&login)] {
            let data = Data::from([(record::LOGIN.to_owned(), written)]);
            prop_assert_eq!(record::login_in(&data), Some(login.clone()));
        }
    }
}
