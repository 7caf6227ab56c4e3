//! Bearer secrets: 256 random bits; only their hash is kept.

use bellwether_clock::Env;
use sha2::{Digest as _, Sha256};

/// A new bearer token: `bw_` and 64 hex digits.
pub fn generate_secret(env: &Env) -> String {
    let bits: Vec<u8> = (0..4).flat_map(|_| env.random().to_be_bytes()).collect();
    format!("bw_{}", hex::encode(bits))
}

/// SHA-256 of a bearer token in lower-case hex, as `tokens.toml` keeps it. A fast hash is right here: the secret has
/// 256 bits of its own.
pub fn secret_hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_hash_alike() {
        let env = Env::system();
        let (one, two) = (generate_secret(&env), generate_secret(&env));
        assert_ne!(one, two);
        assert_eq!(one.len(), 67);
        assert_eq!(secret_hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
