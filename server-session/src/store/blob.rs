//! A session's record as bytes: its version, its end, and its data in MessagePack.
//!
//! The version makes a save that would overwrite somebody else's fail. The end is when the
//! session is over however much it is used, by the clock of whoever keeps it.

use tower_sessions::cookie::time::OffsetDateTime;
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Error;

use crate::record::Data;

/// A record as it lies in Redis, read without copying: version and end in eight bytes each,
/// little end first (Lua's `struct` calls that `<I8I8`), then the data.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blob<'b> {
    pub(super) version: u64,
    pub(super) ends_ms: u64,
    pub(super) data: &'b [u8],
}

impl<'b> Blob<'b> {
    /// Reads what stands before the data.
    pub(super) fn read(bytes: &'b [u8]) -> Result<Self, Error> {
        let cut = || Error::Decode("a record of less than 16 bytes".to_owned());
        let (version, rest) = bytes.split_first_chunk().ok_or_else(cut)?;
        let (ends_ms, data) = rest.split_first_chunk().ok_or_else(cut)?;
        Ok(Self {
            version: u64::from_le_bytes(*version),
            ends_ms: u64::from_le_bytes(*ends_ms),
            data,
        })
    }
}

/// Data as it is written.
pub(super) fn pack(data: &Data) -> Result<Vec<u8>, Error> {
    rmp_serde::to_vec(data).map_err(|error| Error::Encode(error.to_string()))
}

/// Data as it is read.
pub(super) fn unpack(data: &[u8]) -> Result<Data, Error> {
    rmp_serde::from_slice(data).map_err(|error| Error::Decode(error.to_string()))
}

/// The record that tower-sessions asked for.
pub(super) fn record(id: &Id, data: &[u8]) -> Result<Record, Error> {
    Ok(Record {
        id: *id,
        data: unpack(data)?,
        // Nobody asks: the store itself knows when a record has expired.
        expiry_date: OffsetDateTime::UNIX_EPOCH,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<u64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,8}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Whatever an application keeps in a session comes out of the store as it went in.
        #[test]
        fn a_record_comes_back_as_it_was_stored(
            data in prop::collection::hash_map(".{0,12}", values(), 0..5),
            version in any::<u64>(),
            ends_ms in any::<u64>(),
        ) {
            let packed = pack(&data).expect("it is written");
            let stored = [&version.to_le_bytes()[..], &ends_ms.to_le_bytes(), &packed].concat();
            let blob = Blob::read(&stored).expect("it is long enough");
            prop_assert_eq!((blob.version, blob.ends_ms), (version, ends_ms));
            prop_assert_eq!(unpack(blob.data).expect("it is read"), data);
        }

        /// What somebody else wrote under our key is an error and no panic.
        #[test]
        fn any_bytes_are_a_record_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            match Blob::read(&bytes) {
                Ok(blob) => {
                    let _ = unpack(blob.data);
                    prop_assert!(bytes.len() >= 16);
                }
                Err(_) => prop_assert!(bytes.len() < 16),
            }
        }
    }
}
