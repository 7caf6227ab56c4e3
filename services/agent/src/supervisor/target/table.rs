//! What the gateway is told of a target.

use std::collections::BTreeMap;

use super::State;
use crate::gateway::{Fleet, Instance, Policy, Preview, Target};

// === impl State ===

impl State {
    /// The routing that should be in force: the wished route over the instances that can take it.
    pub(super) fn table(&self) -> Target {
        let route = self.file.route();
        let wish = &self.file.wish;
        let previewed = route.preview.clone().zip(wish.preview.clone());
        let mut target = Target {
            revision: route.revision,
            ingress: wish.ingress.clone(),
            preview: previewed.map(|(fleet, by)| Preview { fleet, by }).into_iter().collect(),
            fleets: self.fleets(),
            split: route.split,
            rules: route.rules,
            mirror: route.mirror,
            affinity: route.affinity,
            journeys: wish.journeys.clone(),
            policy: Policy { errors: wish.errors.clone(), ..Policy::default() },
        };
        // a fleet that is named and has no instance is one that answers with 503
        let named = target.split.iter().map(|share| &share.fleet);
        let named = named.chain(target.rules.iter().map(|rule| &rule.fleet));
        let named = named.chain(target.preview.iter().map(|preview| &preview.fleet));
        let named: Vec<_> = named.chain(target.mirror.iter().map(|mirror| &mirror.fleet)).cloned().collect();
        for fleet in named {
            target.fleets.entry(fleet).or_default();
        }
        target
    }

    fn fleets(&self) -> BTreeMap<String, Fleet> {
        let mut fleets: BTreeMap<String, Fleet> = BTreeMap::new();
        for (id, handle) in &self.instances {
            let view = handle.view();
            let fleet = &handle.record.fleet;
            let drain_until = self.retiring.get(id).copied().or_else(|| self.file.drain_until(fleet));
            let Some(address) = view.address.filter(|_| view.ready || drain_until.is_some()) else {
                continue;
            };
            let (id, protocol) = (id.to_string(), handle.record.spec.protocol);
            let version = handle.record.spec.version.clone();
            let instance = Instance { id, address, protocol, drain_until, version };
            fleets.entry(fleet.clone()).or_default().instances.push(instance);
        }
        fleets
    }
}
