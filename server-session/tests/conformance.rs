//! Every store passes the suite that all memories pass.

mod support;

mod memory {
    app::conformance_tests!(super::support::pair("memory", &[]));
}
mod stock {
    app::conformance_tests!(super::support::pair("stock", &[]));
}
mod redis {
    app::conformance_tests!(super::support::pair("redis", &[]));
}
mod redis_at_once {
    app::conformance_tests!(super::support::pair("redis", &["--store-nodelay", "true"]));
}
mod cached {
    app::conformance_tests!(super::support::pair("cached", &[]));
}
