//! Messages as they go over the wire.

use std::ops::Range;

use bytes::{BufMut as _, Bytes, BytesMut};
use prost::Message;

use super::resume::Origin;

/// The gRPC prefix: not compressed, and the length.
const PREFIX: usize = 5;

/// A message encoded once for all readers. All of it is theirs but the resume token, which differs by filter and is as
/// long for each.
pub(super) struct Shared {
    frame: Bytes,
    /// Whose token it holds…
    origin: Origin,
    /// …for which position…
    position: u64,
    /// …and where.
    place: Range<usize>,
}

/// `message` as a frame.
pub(super) fn encode(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut frame = BytesMut::with_capacity(PREFIX + length);
    frame.put_u8(0);
    // a message is far shorter than 4 GiB: a resource and at most 64 KiB of JSON
    frame.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(&mut frame);
    frame.freeze()
}

// === impl Shared ===

impl Shared {
    /// `message`, which holds the token of `origin` for `position`. None where the token's text occurs in it a second
    /// time, so that nobody could say which of them is the token.
    pub(super) fn new(message: &impl Message, origin: Origin, position: u64) -> Option<Self> {
        let (frame, token) = (encode(message), origin.token(position));
        let mut found = frame.windows(token.len()).enumerate().filter(|(_, at)| *at == token.as_bytes());
        let (start, _) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let place = start..start + token.len();
        Some(Self { frame, origin, position, place })
    }

    /// The frame for readers of `origin`.
    pub(super) fn of(&self, origin: &Origin) -> Option<Bytes> {
        if *origin == self.origin {
            return Some(self.frame.clone());
        }
        let token = origin.token(self.position);
        let mut frame = BytesMut::from(&*self.frame);
        let place = frame.get_mut(self.place.clone()).filter(|place| place.len() == token.len())?;
        place.copy_from_slice(token.as_bytes());
        Some(frame.freeze())
    }
}

#[cfg(test)]
mod tests {
    use bellwether_journal::JournalId;
    use bellwether_proto::common::v1::Change;
    use uuid::Uuid;

    use super::*;
    use crate::{Filter, FilterField, Violations};

    fn origin(filter: &str) -> Origin {
        let filter = Filter::read(&mut Violations::new(), filter, &[FilterField("name")]);
        Origin::new(JournalId(Uuid::from_u128(1)), "counters/", "name", &filter)
    }

    fn change(fact: &str, token: String) -> Change {
        Change { fact: fact.into(), resume_token: token, sequence: 7, ..Change::default() }
    }

    #[test]
    fn readers_of_other_filters_differ_by_the_token_alone() {
        let (first, other) = (origin(""), origin("name = a"));
        let shared = Shared::new(&change("A", first.token(7)), first, 7).unwrap();
        for origin in [first, other] {
            let frame = shared.of(&origin).unwrap();
            assert_eq!(frame, encode(&change("A", origin.token(7))));
            assert_eq!(frame[..PREFIX], [0, 0, 0, 0, (frame.len() - PREFIX) as u8]);
        }
        assert_eq!(shared.of(&first).unwrap().as_ptr(), shared.frame.as_ptr(), "the bytes are shared");
    }

    #[test]
    fn a_token_in_the_data_is_not_mistaken_for_the_token() {
        let origin = origin("");
        assert!(Shared::new(&change(&origin.token(7), origin.token(7)), origin, 7).is_none());
        assert!(Shared::new(&change("A", origin.token(8)), origin, 7).is_none());
    }
}
