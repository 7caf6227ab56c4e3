//! Bakes with their defaults.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::Bake;

use crate::convert::fields::Fields;

const MIN: Duration = Duration::from_secs(30);
const MAX: Duration = Duration::from_secs(30 * 60);
const LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The bake, or `default` where none is given.
pub(super) fn bake(fields: &Fields<'_>, given: Option<&pb::Bake>, default: Bake) -> Bake {
    given.map_or(default, |given| explicit(fields, given))
}

/// A bake that is given: at least 30 s, at most 30 min, with checks, unless it says otherwise.
pub(super) fn explicit(fields: &Fields<'_>, given: &pb::Bake) -> Bake {
    let min = fields.duration("min", given.min.as_ref(), Duration::ZERO..=LIMIT, MIN);
    let max = fields.duration("max", given.max.as_ref(), Duration::ZERO..=LIMIT, MAX.max(min));
    if max < min {
        fields.refuse("max", format!("{max:?}"), format!("at least min, {min:?}"));
    }
    Bake { min, max, checks: !given.no_checks }
}

/// What a bake is when nobody says anything.
pub(super) const fn default() -> Bake {
    Bake { min: MIN, max: MAX, checks: true }
}
