#![no_main]
//! Bytes as the lines of a `Cookie` header with a session's name in it.

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    server_session::trial::cookies(bytes);
});
