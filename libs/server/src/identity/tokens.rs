//! `tokens.toml`: who may call with which bearer token. Written by `bellwether token create`.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Kind, Role, private_file};

/// The whole file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// Its entries (`[[token]]`).
    #[serde(default, rename = "token")]
    pub tokens: Vec<Token>,
}

/// One bearer token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// The principal's name; several tokens may name the same one.
    pub principal: String,
    /// `HUMAN`, `AGENT` or `SERVICE`.
    pub kind: Kind,
    /// SHA-256 of the token, 64 hex digits.
    pub sha256: String,
    /// What its holder may do.
    #[serde(default)]
    pub roles: Vec<Role>,
    /// Bound to this team's resources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team: Option<String>,
    /// Bound to these applications; it may also push their samples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub applications: Vec<String>,
    /// Whether it may say for whom it acts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub acts_for_others: bool,
}

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFileError {
    /// Reading failed.
    #[error("cannot read {0}")]
    Read(String, #[source] io::Error),
    /// Writing failed.
    #[error("cannot write {0}")]
    Write(String, #[source] io::Error),
    /// It is not what it should be; the source says where.
    #[error("the tokens file is not valid")]
    Parse(#[source] toml::de::Error),
    /// An entry cannot be.
    #[error("the token of {principal:?}: {problem}")]
    Entry {
        /// Whose token.
        principal: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

// === impl TokenFile ===

impl TokenFile {
    /// Reads and checks its text.
    ///
    /// # Errors
    /// [`TokenFileError::Parse`], [`TokenFileError::Entry`].
    pub fn parse(text: &str) -> Result<Self, TokenFileError> {
        let file: Self = toml::from_str(text).map_err(TokenFileError::Parse)?;
        file.tokens.iter().try_for_each(Token::check)?;
        Ok(file)
    }

    /// Reads the file; one that is absent holds nothing.
    ///
    /// # Errors
    /// [`TokenFileError`].
    pub fn read(path: &Path) -> Result<Self, TokenFileError> {
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(TokenFileError::Read(path.display().to_string(), error)),
        }
    }

    /// Replaces the file at once, readable for its owner only.
    ///
    /// # Errors
    /// [`TokenFileError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), TokenFileError> {
        let failed = |error| TokenFileError::Write(path.display().to_string(), error);
        let text = toml::to_string(self).map_err(|error| failed(io::Error::other(error)))?;
        private_file::replace(path, text.as_bytes()).map_err(failed)
    }
}

// === impl Token ===

impl Token {
    fn check(&self) -> Result<(), TokenFileError> {
        let problem = if self.principal.is_empty() || self.principal == "local" {
            "the principal must have a name other than `local`"
        } else if self.principal.contains(|c: char| c.is_control() || c.is_whitespace() || !c.is_ascii()) {
            "the principal's name must be printable ASCII without spaces"
        } else if hex::decode(&self.sha256).is_ok_and(|bytes| bytes.len() == 32) {
            return Ok(());
        } else {
            "sha256 must be 64 hex digits"
        };
        Err(TokenFileError::Entry { principal: self.principal.clone(), problem })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret_hash;

    fn token() -> Token {
        Token {
            principal: "alice".into(),
            kind: Kind::Human,
            sha256: secret_hash("x"),
            roles: vec![Role::Operator, Role::Approver],
            team: Some("shop".into()),
            applications: Vec::new(),
            acts_for_others: false,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tokens.toml");
        assert_eq!(TokenFile::read(&path).unwrap(), TokenFile::default());
        let file = TokenFile { tokens: vec![token()] };
        file.write(&path).unwrap();
        assert_eq!(TokenFile::read(&path).unwrap(), file);
        assert!(fs::read_to_string(&path).unwrap().contains("kind = \"HUMAN\""));
    }

    #[test]
    fn nonsense_is_refused() {
        let long = secret_hash("x");
        for bad in [
            "[[token]]\nprincipal='a'\nkind='HUMAN'\nsha256='12'".to_owned(),
            format!("[[token]]\nprincipal='local'\nkind='HUMAN'\nsha256='{long}'"),
            format!("[[token]]\nprincipal='a b'\nkind='HUMAN'\nsha256='{long}'"),
            format!("[[token]]\nprincipal='a'\nkind='ROBOT'\nsha256='{long}'"),
            format!("[[token]]\nprincipal='a'\nkind='HUMAN'\nsha256='{long}'\nroles=['root']"),
            format!("[[token]]\nprincipal='a'\nkind='HUMAN'\nsha256='{long}'\ntypo=1"),
        ] {
            assert!(TokenFile::parse(&bad).is_err(), "{bad}");
        }
    }
}
