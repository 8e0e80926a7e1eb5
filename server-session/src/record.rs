//! How a login stands in a session's record.
//!
//! tower-sessions keeps JSON values by name. The way everybody uses it is to insert the struct
//! itself; then each request copies a JSON object, name by name and value by value, twice. One
//! short text holds the same and is copied at a quarter of the price. Both are read.

use std::collections::HashMap;

use app::{Login, Role};
use serde_json::Value;

/// What tower-sessions keeps in a record.
pub type Data = HashMap<String, Value>;

/// The name a login has in its record.
pub const LOGIN: &str = "login";

/// The name of what an experiment keeps beside a login, for nobody to read.
pub const PADDING: &str = "padding";

/// A login as one text.
pub fn text(login: &Login) -> Value {
    let fields = (
        &login.user,
        &login.name,
        login.role,
        login.since_ms,
        &login.login_instance,
    );
    Value::String(serde_json::to_string(&fields).expect("text and numbers are valid JSON"))
}

/// A login as tower-sessions' users insert it.
pub fn object(login: &Login) -> Value {
    serde_json::to_value(login).expect("text and numbers are valid JSON")
}

/// The login that was written in either way.
///
/// # Errors
/// When it is neither.
pub fn login(value: Value) -> Result<Login, serde_json::Error> {
    let Value::String(text) = value else {
        return serde_json::from_value(value);
    };
    let (user, name, role, since_ms, login_instance) = serde_json::from_str(&text)?;
    Ok(Login {
        user,
        name,
        role,
        since_ms,
        login_instance,
    })
}

/// The login in a record's data, if it has one that can be read.
pub fn login_in(data: &Data) -> Option<Login> {
    login(data.get(LOGIN)?.clone()).ok()
}

/// Notes another role in a record's data: what a token cannot have done to it.
///
/// ```
/// use app::{Login, Role};
/// use server_session::record::{Data, LOGIN, login_in, set_role, text};
///
/// let login = Login {
///     user: "mia".to_owned(),
///     name: "Mia".to_owned(),
///     role: Role::Member,
///     since_ms: 1_764_000_000_000,
///     login_instance: "session-redis-a".to_owned(),
/// };
/// let mut data = Data::from([(LOGIN.to_owned(), text(&login))]);
/// set_role(&mut data, Role::Accountant);
/// let role = Role::Accountant;
/// assert_eq!(login_in(&data), Some(Login { role, ..login }));
/// ```
pub fn set_role(data: &mut Data, role: Role) {
    if let Some(mut login) = login_in(data) {
        login.role = role;
        data.insert(LOGIN.to_owned(), text(&login));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mia() -> Login {
        Login {
            user: "mia".to_owned(),
            name: "Mia \"M\" O'Hara, 美亚".to_owned(),
            role: Role::Member,
            since_ms: 1_764_000_000_123,
            login_instance: "session-memory-a".to_owned(),
        }
    }

    #[test]
    fn both_ways_of_writing_a_login_are_read() {
        assert_eq!(login(text(&mia())).expect("it reads"), mia());
        assert_eq!(login(object(&mia())).expect("it reads"), mia());
        assert!(login(Value::from(7)).is_err());
        assert!(login(Value::from("[\"mia\"]")).is_err());
    }

    #[test]
    fn a_role_is_rewritten_and_nothing_else() {
        let mut data = Data::from([
            (LOGIN.to_owned(), text(&mia())),
            ("count".to_owned(), 3.into()),
        ]);
        set_role(&mut data, Role::Admin);
        let expected = Login {
            role: Role::Admin,
            ..mia()
        };
        assert_eq!(login_in(&data), Some(expected));
        assert_eq!(data["count"], 3);
        let mut nobody = Data::new();
        set_role(&mut nobody, Role::Admin);
        assert!(nobody.is_empty());
    }
}
