//! How a row is written: as MessagePack with the names of its fields, behind a byte that says so. It takes less room and
//! time than JSON, which the rows of earlier builds are and which is still read.

use serde::{Serialize, de::DeserializeOwned};

/// The first byte of a row; that of JSON is a brace.
const PACKED: u8 = 1;

/// A value cannot be written, or a row not be read.
#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// It has no such form.
    #[error("it cannot be written")]
    Write(#[from] rmp_serde::encode::Error),
    /// It is none of ours, or a newer build wrote it.
    #[error("it cannot be read")]
    Packed(#[from] rmp_serde::decode::Error),
    /// The same, of an earlier build.
    #[error("it cannot be read as JSON")]
    Json(#[from] serde_json::Error),
}

/// A value as a row.
///
/// # Errors
/// It has no such form.
pub fn pack(value: &impl Serialize) -> Result<Vec<u8>, FormError> {
    let mut row = vec![PACKED];
    // times are text, with and without flattening
    let packed = rmp_serde::Serializer::new(&mut row).with_struct_map();
    value.serialize(&mut packed.with_human_readable())?;
    Ok(row)
}

/// What [`pack`] wrote, or an earlier build.
///
/// # Errors
/// It is neither.
pub fn unpack<T: DeserializeOwned>(row: &[u8]) -> Result<T, FormError> {
    match row.split_first() {
        Some((&PACKED, packed)) => {
            let packed = rmp_serde::Deserializer::from_read_ref(packed);
            Ok(T::deserialize(&mut packed.with_human_readable())?)
        }
        _ => Ok(serde_json::from_slice(row)?),
    }
}

#[cfg(test)]
mod tests {
    use bellwether_judge::Panel;

    use super::*;

    /// As a build wrote it that knew JSON alone.
    const BEFORE: &[u8] = include_bytes!("../../tests/data/evidence.json");

    #[test]
    fn what_an_earlier_build_kept_is_read_and_kept_as_it_was() {
        let kept: Panel = unpack(BEFORE).unwrap();
        assert!(kept.analysis().is_used() && kept.analysis().log_evidence() < 0.0);
        let row = pack(&kept).unwrap();
        assert!(row.len() < BEFORE.len() * 65 / 100, "{} of {}", row.len(), BEFORE.len());
        let again: Panel = unpack(&row).unwrap();
        assert!((again.analysis().log_evidence() - kept.analysis().log_evidence()).abs() < 1e-9);
        let (again, kept) = (serde_json::to_value(again).unwrap(), serde_json::to_value(kept).unwrap());
        for part in ["settings", "names", "history", "started", "counters", "segments", "progress", "hard"] {
            assert_eq!(again[part], kept[part], "{part}");
            assert!(!kept[part].is_null(), "{part}");
        }
    }

    #[test]
    fn what_is_none_of_ours_is_refused() {
        for row in [&b""[..], b"nonsense", &[PACKED], &[PACKED, 0xc1], &[2, 0x80]] {
            assert!(unpack::<Panel>(row).is_err(), "{row:?}");
        }
    }
}
