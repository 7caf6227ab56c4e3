//! As much of WebSocket's framing (RFC 6455, section 5.2) as it takes to know where a frame ends.

/// A close frame from a server: 1001, going away.
pub const GOING_AWAY: &[u8] = &[0x88, 2, 0x03, 0xe9];
/// The same from a client, masked with zeros.
pub const GOING_AWAY_MASKED: &[u8] = &[0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9];

/// Follows the frames of one direction.
#[derive(Debug, Default)]
pub struct Frames {
    /// The head of the frame that is under way, while it is not complete.
    head: Vec<u8>,
    /// Bytes of the frame's payload that are still to come.
    payload_left: u64,
}

// === impl Frames ===

impl Frames {
    /// These bytes have passed.
    pub fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.payload_left > 0 {
                let skip = usize::try_from(self.payload_left).unwrap_or(usize::MAX).min(bytes.len());
                self.payload_left -= skip as u64;
                bytes = bytes.get(skip..).unwrap_or_default();
                continue;
            }
            self.head.push(*first);
            bytes = rest;
            if let Some(length) = payload_length(&self.head) {
                self.payload_left = length;
                self.head.clear();
            }
        }
    }

    /// Whether no frame is under way.
    pub fn is_between(&self) -> bool {
        self.head.is_empty() && self.payload_left == 0
    }
}

/// The length that a head announces, once the head is complete.
fn payload_length(head: &[u8]) -> Option<u64> {
    let second = head.get(1)?;
    let extended = match second & 0x7f {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let mask = if second & 0x80 == 0 { 0 } else { 4 };
    if head.len() < 2 + extended + mask {
        return None;
    }
    let extended = head.get(2..2 + extended)?;
    let long = extended.iter().fold(0, |length, byte| length << 8 | u64::from(*byte));
    Some(if extended.is_empty() { u64::from(second & 0x7f) } else { long })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn between_after(bytes: &[u8]) -> Vec<bool> {
        let mut frames = Frames::default();
        let step = |byte: &u8| {
            frames.pass(&[*byte]);
            frames.is_between()
        };
        bytes.iter().map(step).collect()
    }

    #[test]
    fn a_short_frame_ends_with_its_payload() {
        assert_eq!(between_after(&[0x81, 2, b'h', b'i', 0x89, 0]), [false, false, false, true, false, true]);
        assert!(between_after(GOING_AWAY).ends_with(&[false, true]));
    }

    #[test]
    fn masks_and_long_lengths_are_part_of_the_head() {
        assert!(between_after(GOING_AWAY_MASKED).ends_with(&[false, true]));
        let mut long = vec![0x82, 126, 0x01, 0x00];
        long.extend([0; 256]);
        let mut frames = Frames::default();
        frames.pass(&long[..100]);
        assert!(!frames.is_between());
        frames.pass(&long[100..]);
        assert!(frames.is_between());
    }
}
