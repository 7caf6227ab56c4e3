//! The small things that all answers are made of.

use bellwether_proto::{common::v1 as common, executor::v1 as pb};
pub(crate) use bellwether_resource::time::{to_duration as duration, to_timestamp as timestamp};
use bellwether_rollout::{FleetId, Percent, Reason, Split};

/// Code, text, values.
pub(crate) fn reason(reason: &Reason) -> common::Reason {
    common::Reason {
        code: reason.code.clone(),
        text: reason.text.clone(),
        values: reason.values.clone().into_iter().collect(),
    }
}

/// A principal that was kept as `kind:id`.
pub(crate) fn principal(kept: &str) -> common::Principal {
    use common::principal::Kind;
    let (kind, id) = kept.split_once(':').unwrap_or((kept, kept));
    let kind = match kind {
        "human" => Kind::Human,
        "agent" => Kind::Agent,
        "service" => Kind::Service,
        "local" => Kind::Local,
        _ => Kind::Unspecified,
    };
    common::Principal { id: id.to_owned(), kind: kind.into() }
}

/// The shares of a split.
pub(super) fn shares(split: &Split) -> Vec<pb::Share> {
    let share = |(fleet, percent): (&FleetId, &Percent)| pb::Share {
        fleet: fleet.to_string(),
        percent: percent.as_f64(),
    };
    split.shares.iter().map(share).collect()
}
