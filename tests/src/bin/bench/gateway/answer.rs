//! The one request, and how its answer is read: as little as it takes to see that it is right.

use anyhow::{Context as _, bail, ensure};

/// What is sent.
pub const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: bench\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";

/// Whether these bytes are one answer, whole.
///
/// # Errors
/// They are more than one answer, or none of success.
pub fn is_whole(bytes: &[u8]) -> anyhow::Result<bool> {
    match length(bytes)? {
        Some(length) if bytes.len() > length => bail!("{} bytes came for an answer of {length}", bytes.len()),
        length => Ok(length == Some(bytes.len())),
    }
}

/// The bytes of the answer at the start of `bytes`, once its head is there.
fn length(bytes: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(bytes.get(..end).unwrap_or_default())?;
    ensure!(head.starts_with("HTTP/1.1 200"), "{head}");
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    let body = head.lines().find_map(named).with_context(|| format!("an answer without a length: {head}"))?;
    Ok(Some(end + 4 + body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_to_their_end() {
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\n12345";
        assert!(is_whole(answer).unwrap());
        assert!(!is_whole(&answer[..answer.len() - 1]).unwrap());
        assert!(!is_whole(&answer[..20]).unwrap());
        assert!(is_whole(&[&answer[..], b"6"].concat()).is_err());
        assert!(is_whole(b"HTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n").is_err());
    }
}
