//! Every algorithm and every mode passes the suite that all memories pass.

mod support;

use server_jwt::keys::keygen::Alg;
use support::{pair, pair_with_redis};

mod hs256 {
    app::conformance_tests!(super::pair(super::Alg::Hs256, &[]));
}
mod rs256 {
    app::conformance_tests!(super::pair(super::Alg::Rs256, &[]));
}
mod es256 {
    app::conformance_tests!(super::pair(super::Alg::Es256, &[]));
}
mod eddsa {
    app::conformance_tests!(super::pair(super::Alg::EdDsa, &[]));
}
mod in_a_cookie {
    app::conformance_tests!(super::pair(super::Alg::Hs256, &["--carry", "cookie"]));
}
mod stock {
    app::conformance_tests!(super::pair(super::Alg::Hs256, &["--stock"]));
}
mod deny_list {
    app::conformance_tests!(super::pair_with_redis(&["--revoke", "deny-list"]));
}
mod deny_list_in_a_cookie {
    app::conformance_tests!(super::pair_with_redis(&[
        "--revoke",
        "deny-list",
        "--carry",
        "cookie"
    ]));
}
mod deny_list_with_store_epoch {
    app::conformance_tests!(super::pair_with_redis(&[
        "--revoke",
        "deny-list",
        "--store-epoch"
    ]));
}
mod deny_list_synced {
    app::conformance_tests!(super::pair_with_redis(&["--revoke", "deny-list-synced"]));
}
mod refresh {
    app::conformance_tests!(super::pair_with_redis(&["--refresh"]));
}
mod refresh_and_deny_list {
    app::conformance_tests!(super::pair_with_redis(&[
        "--refresh",
        "--revoke",
        "deny-list"
    ]));
}
