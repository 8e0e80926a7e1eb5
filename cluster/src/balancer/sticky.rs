//! The balancer's own cookie: put into the first answer, removed before a request is forwarded.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// What every cookie of the balancer's begins with. Browsers ignore ports, so one arm is sent the
/// cookies of all the others, and all of them are the balancer's own.
pub const PREFIX: &str = "svj-lb-";

/// One arm's cookie.
#[derive(Debug, Clone)]
pub(super) struct Cookie {
    name: String,
}

impl Cookie {
    pub(super) fn of_arm(arm: &str) -> Self {
        Self {
            name: format!("{PREFIX}{arm}"),
        }
    }

    /// Pins the visitor to `instance` for as long as the browser runs.
    pub(super) fn pin(&self, instance: &str) -> Option<HeaderValue> {
        let value = format!("{}={instance}; Path=/; HttpOnly; SameSite=Lax", self.name);
        HeaderValue::try_from(value).ok()
    }

    /// The instance that the visitor says it is pinned to. Where it says so twice, the first
    /// counts; what it says is only ever compared with names.
    pub(super) fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == self.name).then_some(value))
    }
}

/// Removes every cookie of the balancer's.
pub(super) fn strip(headers: &mut HeaderMap) {
    let has_ours = |value: &HeaderValue| {
        let bytes = value.as_bytes();
        bytes
            .windows(PREFIX.len())
            .any(|part| part == PREFIX.as_bytes())
    };
    if !headers.get_all(COOKIE).iter().any(has_ours) {
        return;
    }
    let left: Vec<_> = headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| without_ours(value.as_bytes()))
        .collect();
    headers.remove(COOKIE);
    for value in left {
        headers.append(COOKIE, value);
    }
}

fn without_ours(value: &[u8]) -> Option<HeaderValue> {
    let pairs = value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
    let left: Vec<_> = pairs
        .filter(|pair| !pair.is_empty() && !pair.starts_with(PREFIX.as_bytes()))
        .collect();
    if left.is_empty() {
        return None;
    }
    HeaderValue::from_bytes(&left.join(b"; ".as_slice())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        let values = values.iter().map(|value| (COOKIE, value.parse().unwrap()));
        values.collect()
    }

    fn stripped(values: &[&str]) -> Vec<String> {
        let mut headers = headers(values);
        strip(&mut headers);
        let left = headers.get_all(COOKIE).iter();
        left.map(|value| value.to_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn names_its_arm_and_no_other() {
        let cookie = Cookie::of_arm("x");
        assert_eq!(
            cookie.pin("a").unwrap(),
            "svj-lb-x=a; Path=/; HttpOnly; SameSite=Lax"
        );
        let both = headers(&["sid-x=1; svj-lb-xy=c;svj-lb-x=b", "svj-lb-x=a"]);
        assert_eq!(cookie.read(&both), Some("b"));
        assert_eq!(cookie.read(&headers(&["svj-lb-xy=c; svj-lb-x"])), None);
    }

    #[test]
    fn leaves_everybody_elses_cookies_as_they_are() {
        assert_eq!(stripped(&["a=1; b=\"2;3\""]), ["a=1; b=\"2;3\""]);
        assert_eq!(stripped(&["a=1; svj-lb-x=a; b=2"]), ["a=1; b=2"]);
        assert_eq!(stripped(&["svj-lb-x=a;svj-lb-y=b"]), [] as [&str; 0]);
        assert_eq!(stripped(&["svj-lb-x=a", "a=1"]), ["a=1"]);
        // A value that looks like ours is not ours.
        assert_eq!(stripped(&["a=svj-lb-x"]), ["a=svj-lb-x"]);
    }
}
