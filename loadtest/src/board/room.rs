//! A room full of guests: the board listens on the local network, every guest has a user of their
//! own and follows the presenter, and only the presenter's link breaks things.

use std::net::IpAddr;

use app::users::{LOAD_PASSWORD, load_user};
use nix::ifaddrs::getifaddrs;
use nix::net::if_::InterfaceFlags;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use serde::{Deserialize, Serialize};

use super::stage::{Lane, Pool, Way};

/// The way of a frame whose buttons name the server themselves.
const EACH: &str = "each";

/// Where the presenter is, for the guests' pages to follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Setting {
    /// The step of the story; none in the Lab.
    frame: Option<u8>,
    session: Pool,
    jwt: Pool,
    way: String,
    lifetime_s: u32,
}

impl Setting {
    /// Whether it names what there is.
    pub(super) fn is_sound(&self) -> bool {
        self.session.lane() == Lane::Session
            && self.jwt.lane() == Lane::Jwt
            && (self.way == EACH || Way::read(&self.way).is_some())
    }
}

/// The user of the guest in that seat: account and password.
pub(super) fn guest(seat: usize) -> (String, &'static str) {
    (load_user(seat as u32), LOAD_PASSWORD)
}

/// The addresses of this machine on its networks, loopback left out.
pub(super) fn lan_addresses() -> Vec<IpAddr> {
    let Ok(interfaces) = getifaddrs() else {
        return Vec::new();
    };
    let up = interfaces.filter(|interface| {
        interface.flags.contains(InterfaceFlags::IFF_UP)
            && !interface.flags.contains(InterfaceFlags::IFF_LOOPBACK)
    });
    let addresses = up.filter_map(|interface| {
        let address = interface.address?;
        Some(address.as_sockaddr_in()?.ip())
    });
    addresses.map(IpAddr::V4).collect()
}

/// The address as a picture for phones, in lines of a terminal; black on white whatever the
/// terminal's own colours.
pub(super) fn qr(url: &str) -> String {
    let Ok(code) = QrCode::new(url) else {
        return String::new();
    };
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    picture
        .lines()
        .map(|line| format!("        {line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(session: Pool, jwt: Pool, way: &str) -> Setting {
        Setting {
            frame: Some(3),
            session,
            jwt,
            way: way.to_owned(),
            lifetime_s: 900,
        }
    }

    #[test]
    fn a_setting_names_a_pool_of_each_lane_and_a_way() {
        for way in ["sticky", "turns", "each", "b"] {
            assert!(
                setting(Pool::SessionRedis, Pool::Jwt, way).is_sound(),
                "{way}"
            );
        }
        assert!(!setting(Pool::Jwt, Pool::SessionRedis, "turns").is_sound());
        assert!(!setting(Pool::SessionMemory, Pool::Jwt, "<b>").is_sound());
    }

    #[test]
    fn a_qr_code_is_a_square_of_half_lines() {
        let picture = qr("http://192.168.1.20:4401");
        let lines: Vec<&str> = picture.lines().collect();
        assert!(lines.len() > 10, "{picture}");
        let width = lines[0].trim_start().chars().count();
        assert_eq!(width.div_ceil(2), lines.len());
    }
}
