#![no_main]
//! Bytes as the value of an `Authorization` or a `Cookie` header with a token in it.

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use server_jwt::trial::Trial;

thread_local! {
    static TRIAL: RefCell<Trial> = RefCell::default();
}

fuzz_target!(|bytes: &[u8]| {
    TRIAL.with_borrow_mut(|trial| trial.field(bytes));
});
