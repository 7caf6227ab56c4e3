//! What people type for a thing, and which thing it is.

/// A thing that a command speaks of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `shop`, `applications/shop`.
    Application(String),
    /// `shop@production`, `targets/shop@production`: the full name.
    Target(String),
    /// `shop@production-17`, `rollouts/<uuid>`: as the executor takes it.
    Rollout(String),
    /// `releases/<uuid>`, or just `<uuid>`: the full name.
    Release(String),
}

/// What was typed for a thing names none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} names nothing; give an application (shop), a target (shop@production), a rollout (shop@production-17 or \
     rollouts/…) or a release (releases/…)"
)]
pub struct Unnamed(String);

/// What was typed is not what this command speaks of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

// === impl Reference ===

impl Reference {
    /// The full name of a target.
    ///
    /// # Errors
    /// When something else was typed.
    pub fn target(text: &str) -> anyhow::Result<String> {
        match text.parse::<Self>()? {
            Self::Target(name) => Ok(name),
            _ => Err(Unfit(format!("{text:?} is no target; give e.g. shop@production")).into()),
        }
    }
}

impl std::str::FromStr for Reference {
    type Err = Unnamed;

    fn from_str(text: &str) -> Result<Self, Unnamed> {
        if let Some((collection, id)) = text.split_once('/') {
            return match collection {
                "applications" if !id.is_empty() => Ok(Self::Application(id.to_owned())),
                "targets" if id.contains('@') => Ok(Self::Target(text.to_owned())),
                "rollouts" if !id.is_empty() => Ok(Self::Rollout(text.to_owned())),
                "releases" if !id.is_empty() => Ok(Self::Release(text.to_owned())),
                _ => Err(Unnamed(text.to_owned())),
            };
        }
        match text.split_once('@') {
            None if uuid::Uuid::try_parse(text).is_ok() => Ok(Self::Release(format!("releases/{text}"))),
            None if is_id(text) => Ok(Self::Application(text.to_owned())),
            Some((application, environment)) if is_id(application) && is_id(environment) => {
                Ok(match environment.rsplit_once('-') {
                    Some((_, number)) if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) => {
                        Self::Rollout(text.to_owned())
                    }
                    _ => Self::Target(format!("targets/{text}")),
                })
            }
            _ => Err(Unnamed(text.to_owned())),
        }
    }
}

fn is_id(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `shop@production` of `targets/shop@production`.
pub fn short(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_apart() {
        let parse = |text: &str| text.parse::<Reference>().unwrap();
        assert_eq!(parse("shop"), Reference::Application("shop".into()));
        assert_eq!(parse("shop@production"), Reference::Target("targets/shop@production".into()));
        assert_eq!(parse("shop@pre-prod"), Reference::Target("targets/shop@pre-prod".into()));
        assert_eq!(parse("shop@production-17"), Reference::Rollout("shop@production-17".into()));
        assert_eq!(parse("releases/1"), Reference::Release("releases/1".into()));
        let bare = "01a20c5e-9457-7e0d-9cb4-3946b2f2c442";
        assert_eq!(parse(bare), Reference::Release(format!("releases/{bare}")));
        for wrong in ["", "Shop", "shop@", "things/1", "targets/shop", "a b"] {
            assert!(wrong.parse::<Reference>().is_err(), "{wrong}");
        }
    }
}
