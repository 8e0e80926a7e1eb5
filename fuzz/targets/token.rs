#![no_main]
//! Bytes as a token.

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use server_jwt::trial::Trial;

thread_local! {
    static TRIAL: RefCell<Trial> = RefCell::default();
}

fuzz_target!(|bytes: &[u8]| {
    // What it must hold is asserted in there.
    let _ = TRIAL.with_borrow_mut(|trial| trial.token(bytes));
});
