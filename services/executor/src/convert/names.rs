//! Resource names.

use std::str::FromStr;

use bellwether_resource::name::{self, ROLLOUT, TARGET, split_target};
use bellwether_rollout::RolloutId;

use super::fields::Fields;

/// How a caller names a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RolloutName {
    /// `rollouts/<uuid>`.
    Id(RolloutId),
    /// `shop@production-17`: the target and the number within it.
    Display(String, u64),
}

/// `targets/<application>@<environment>` as `<application>@<environment>`.
pub(crate) fn target(fields: &Fields<'_>, field: &str, given: &str) -> String {
    fields.name(field, given, TARGET).unwrap_or_default()
}

/// The full name of a rollout.
pub(crate) fn full_rollout(id: RolloutId) -> String {
    ROLLOUT.name(id)
}

/// `rollouts/<uuid>` or a display name.
pub(crate) fn rollout(fields: &Fields<'_>, field: &str, given: &str) -> Option<RolloutName> {
    let name = given.parse().ok();
    if name.is_none() {
        fields.refuse(field, given, "rollouts/<uuid>, or its display name like shop@production-17");
    }
    name
}

/// `releases/<uuid>`, or nothing.
pub(crate) fn release(fields: &Fields<'_>, field: &str, given: &str) {
    if !given.is_empty() {
        fields.name(field, given, name::RELEASE);
    }
}

// === impl RolloutName ===

impl FromStr for RolloutName {
    type Err = ();

    fn from_str(given: &str) -> Result<Self, ()> {
        if let Some(id) = ROLLOUT.parse(given) {
            return Ok(Self::Id(RolloutId(uuid::Uuid::from_str(id).map_err(|_| ())?)));
        }
        let bare = given.strip_prefix("rollouts/").unwrap_or(given);
        let (target, number) = bare.rsplit_once('-').ok_or(())?;
        split_target(target).ok_or(())?;
        Ok(Self::Display(target.to_owned(), number.parse().map_err(|_| ())?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rollout_is_named_by_id_or_by_number() {
        let display = RolloutName::Display("shop@production".into(), 17);
        assert_eq!("shop@production-17".parse(), Ok(display.clone()));
        assert_eq!("rollouts/shop@production-17".parse(), Ok(display));
        let id = RolloutId(uuid::Uuid::from_u128(7));
        assert_eq!(full_rollout(id).parse(), Ok(RolloutName::Id(id)));
        for wrong in ["", "rollouts/", "rollouts/x", "shop-17", "Shop@production-17", "shop@production-x"] {
            assert!(wrong.parse::<RolloutName>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_display_name_with_dashes_splits_at_the_last_one() {
        let name = RolloutName::Display("web-shop@eu-west".into(), 2);
        assert_eq!("web-shop@eu-west-2".parse(), Ok(name));
    }
}
