//! What several tests of this crate stand on.

pub(crate) mod postgres;
