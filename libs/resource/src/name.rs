//! Resource names: `applications/shop`, `targets/shop@production`, `rollouts/<uuid>`.

use std::fmt;

use uuid::Uuid;

/// A kind of resource, as its names show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// What names begin with, without the slash.
    pub collection: &'static str,
    /// What follows it.
    pub id: Id,
}

/// What follows the collection in a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Id {
    /// `[a-z][a-z0-9-]{0,62}`, chosen by users.
    Chosen,
    /// A UUID in its hyphenated, lower-case form.
    Uuid,
    /// `<application>@<environment>`, both chosen by users.
    Target,
    /// A positive number.
    Number,
    /// At most 128 characters of `[A-Za-z0-9._@-]`.
    Free,
}

/// `applications/<id>`.
pub const APPLICATION: Kind = Kind { collection: "applications", id: Id::Chosen };
/// `environments/<id>`.
pub const ENVIRONMENT: Kind = Kind { collection: "environments", id: Id::Chosen };
/// `targets/<application>@<environment>`.
pub const TARGET: Kind = Kind { collection: "targets", id: Id::Target };
/// `releases/<uuid>`.
pub const RELEASE: Kind = Kind { collection: "releases", id: Id::Uuid };
/// `rollouts/<uuid>`.
pub const ROLLOUT: Kind = Kind { collection: "rollouts", id: Id::Uuid };
/// `analyses/<id>`.
pub const ANALYSIS: Kind = Kind { collection: "analyses", id: Id::Free };
/// `incidents/<number>`.
pub const INCIDENT: Kind = Kind { collection: "incidents", id: Id::Number };
/// `windows/<id>`.
pub const WINDOW: Kind = Kind { collection: "windows", id: Id::Chosen };
/// `deliveries/<id>`.
pub const DELIVERY: Kind = Kind { collection: "deliveries", id: Id::Free };

/// Whether it is an identifier that users may choose: `[a-z][a-z0-9-]{0,62}`.
pub fn is_id(text: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 63 && text.starts_with(|first: char| first.is_ascii_lowercase()) && text.bytes().all(rest)
}

/// Whether it can be the name of a header or a cookie: a token of RFC 9110, section 5.6.2, of at most 64 characters.
pub fn is_token(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(allowed)
}

/// Application and environment of `<application>@<environment>`.
pub fn split_target(id: &str) -> Option<(&str, &str)> {
    id.split_once('@').filter(|(application, environment)| is_id(application) && is_id(environment))
}

// === impl Kind ===

impl Kind {
    /// The full name.
    pub fn name(self, id: impl fmt::Display) -> String {
        format!("{}/{id}", self.collection)
    }

    /// The part after the collection, when it is a name of this kind.
    pub fn parse(self, name: &str) -> Option<&str> {
        let id = name.strip_prefix(self.collection)?.strip_prefix('/')?;
        self.id.matches(id).then_some(id)
    }

    /// What a name of this kind looks like.
    pub fn pattern(self) -> String {
        format!("{}/{}", self.collection, self.id.pattern())
    }
}

// === impl Id ===

impl Id {
    fn matches(self, id: &str) -> bool {
        match self {
            Self::Chosen => is_id(id),
            Self::Uuid => Uuid::try_parse(id).is_ok_and(|uuid| uuid.hyphenated().to_string() == id),
            Self::Target => split_target(id).is_some(),
            Self::Number => !id.starts_with(['0', '+']) && id.parse::<u64>().is_ok(),
            Self::Free => {
                let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._@-".contains(&byte);
                (1..=128).contains(&id.len()) && id.bytes().all(allowed)
            }
        }
    }

    fn pattern(self) -> &'static str {
        match self {
            Self::Chosen => "<id> with <id> of [a-z][a-z0-9-]{0,62}",
            Self::Uuid => "<uuid>",
            Self::Target => "<application>@<environment>",
            Self::Number => "<number>",
            Self::Free => "<id> with <id> of [A-Za-z0-9._@-]{1,128}",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_strictly() {
        assert_eq!(APPLICATION.parse("applications/shop"), Some("shop"));
        assert_eq!(TARGET.parse("targets/shop@production"), Some("shop@production"));
        assert_eq!(split_target("shop@production"), Some(("shop", "production")));
        assert_eq!(INCIDENT.parse("incidents/17"), Some("17"));
        let uuid = "0192f0c1-2b3c-7d4e-8f50-61728394a5b6";
        assert_eq!(ROLLOUT.parse(&ROLLOUT.name(uuid)), Some(uuid));
        for wrong in
            ["", "applications", "applications/", "applications/Shop", "applications/shop/x", "targets/shop"]
        {
            assert_eq!(APPLICATION.parse(wrong), None, "{wrong}");
        }
        for wrong in ["targets/shop", "targets/@production", "targets/shop@", "targets/a@b@c"] {
            assert_eq!(TARGET.parse(wrong), None, "{wrong}");
        }
        for wrong in ["rollouts/1", "rollouts/0192F0C1-2B3C-7D4E-8F50-61728394A5B6"] {
            assert_eq!(ROLLOUT.parse(wrong), None, "{wrong}");
        }
        for wrong in ["incidents/0", "incidents/007", "incidents/+1", "incidents/-1"] {
            assert_eq!(INCIDENT.parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn ids_have_a_first_letter_and_a_bound() {
        assert!(is_id("a") && is_id(&"a".repeat(63)) && is_id("shop-2"));
        for wrong in ["", "2shop", "-a", "shop_2", "shöp", &"a".repeat(64)] {
            assert!(!is_id(wrong), "{wrong}");
        }
    }
}
