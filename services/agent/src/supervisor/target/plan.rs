//! Which instances are missing and which are too many. Pure.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::supervisor::wish::{FleetWish, Wish};

/// An instance, as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Present<'a> {
    pub(super) id: Uuid,
    pub(super) fleet: &'a str,
    pub(super) ready: bool,
    /// What it runs is what its fleet should run.
    pub(super) as_wished: bool,
}

/// What is to be done.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Plan<'a> {
    /// A new instance for each.
    pub(super) start: Vec<&'a FleetWish>,
    /// Instances that are no longer wanted.
    pub(super) retire: BTreeSet<Uuid>,
}

/// What is to be done with the instances that are present (those on their way out left aside) so that they become
/// those that are wished for.
pub(super) fn plan<'a>(wish: &'a Wish, present: &[Present<'_>]) -> Plan<'a> {
    let mut plan = Plan::default();
    let wished = |instance: &&Present<'_>| instance.as_wished && wish.fleet(instance.fleet).is_some();
    plan.retire.extend(present.iter().filter(|instance| !wished(instance)).map(|instance| instance.id));
    for fleet in &wish.fleets {
        let mut of_fleet: Vec<_> = present.iter().filter(wished).filter(|it| it.fleet == fleet.id).collect();
        let missing = fleet.count.saturating_sub(of_fleet.len());
        plan.start.extend(std::iter::repeat_n(fleet, missing));
        // ready ones stay before others, old ones before young ones (ids sort by time)
        of_fleet.sort_by_key(|instance| (!instance.ready, instance.id));
        plan.retire.extend(of_fleet.iter().skip(fleet.count).map(|instance| instance.id));
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::supervisor::wish::Spec;

    fn wish(fleets: &[(&str, usize)]) -> Wish {
        let fleet = |(id, count): &(&str, usize)| FleetWish {
            id: (*id).into(),
            spec: Spec::default(),
            count: *count,
        };
        Wish { fleets: fleets.iter().map(fleet).collect(), ..Wish::default() }
    }

    fn present(number: u128, fleet: &str, ready: bool) -> Present<'_> {
        Present { id: Uuid::from_u128(number), fleet, ready, as_wished: true }
    }

    #[test]
    fn what_is_missing_is_started() {
        let wish = wish(&[("a", 2), ("b", 1)]);
        let plan = plan(&wish, &[present(1, "a", true)]);
        assert_eq!(plan.start.iter().map(|fleet| fleet.id.as_str()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(plan.retire.is_empty());
    }

    #[test]
    fn what_is_not_wished_for_is_retired() {
        let wish = wish(&[("a", 1)]);
        let changed = Present { as_wished: false, ..present(3, "a", true) };
        let plan = plan(&wish, &[present(1, "a", true), present(2, "gone", true), changed]);
        assert_eq!(plan.retire, [2, 3].map(Uuid::from_u128).into());
        assert!(plan.start.is_empty());
    }

    #[test]
    fn of_too_many_the_ready_and_old_ones_stay() {
        let wish = wish(&[("a", 2)]);
        let all =
            [present(1, "a", false), present(2, "a", true), present(3, "a", true), present(4, "a", true)];
        assert_eq!(plan(&wish, &all).retire, [1, 4].map(Uuid::from_u128).into());
    }
}
