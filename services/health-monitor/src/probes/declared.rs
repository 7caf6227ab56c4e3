//! The probes of a target as an analysis begins with them: their check takes part, with its weight, from then on.

use bellwether_clock::Timestamp;
use bellwether_judge::{
    Settings,
    settings::{CheckKind, CheckSpec, Declared, Probes as Check, Role},
};
use bellwether_proto::monitor::v1 as pb;

use super::Probes;

/// The check's id, where the policy names none.
const ID: &str = "probes";
/// The same where another check is called so.
const OTHER_ID: &str = "declared-probes";

// === impl Probes ===

impl Probes {
    /// Those of a target that PASS waits for; None: there are none.
    pub fn declared(&self, target: &str, now: Timestamp) -> Option<pb::DeclaredProbes> {
        let of_target = self.of_target(target, |spec, outcome| {
            let name = format!("probes/{}", spec.id);
            (spec.blocking, name, 3_600.0 / spec.interval.as_secs_f64().max(1.0), outcome.recent(now))
        });
        let mut blocking = of_target.into_iter().filter(|(blocking, ..)| *blocking).peekable();
        blocking.peek()?;
        let mut declared = pb::DeclaredProbes::default();
        for (_, name, per_hour, (runs, failed)) in blocking {
            declared.names.push(name);
            declared.runs_per_hour += per_hour;
            declared.runs += u64::from(runs);
            declared.failed += u64::from(failed);
        }
        Some(declared)
    }
}

/// With the check of the probes, where there are any and the policy does not say otherwise.
pub fn with_check(mut settings: Settings, declared: Option<&pb::DeclaredProbes>) -> Settings {
    let Some(declared) = declared else { return settings };
    settings.probes = Some(Declared {
        per_hour: declared.runs_per_hour.max(f64::MIN_POSITIVE),
        runs: declared.runs,
        failed: declared.failed.min(declared.runs),
    });
    if !settings.checks.iter().any(|check| matches!(check.kind, CheckKind::Probes(_))) {
        let taken = settings.checks.iter().any(|check| check.id == ID);
        let id = if taken { OTHER_ID } else { ID };
        settings.checks.push(CheckSpec::new(id, Role::Guard, CheckKind::Probes(Check::default())));
    }
    settings
}

#[cfg(test)]
mod tests {
    use bellwether_judge::settings::ErrorRate;

    use super::*;

    #[test]
    fn the_check_is_there_where_probes_are() {
        let declared = pb::DeclaredProbes { runs_per_hour: 120.0, runs: 3, failed: 1, ..Default::default() };
        let plain = Settings { checks: Vec::new(), ..Settings::default() };
        assert_eq!(with_check(plain.clone(), None), plain);
        let with = with_check(plain.clone(), Some(&declared));
        assert_eq!(with.probes, Some(Declared { per_hour: 120.0, runs: 3, failed: 1 }));
        let [check] = with.checks.as_slice() else { panic!("{:?}", with.checks) };
        assert_eq!((check.id.as_str(), check.role), ("probes", Role::Guard));
    }

    #[test]
    fn the_policy_has_its_say() {
        let own = CheckSpec::new("journeys", Role::Advisory, CheckKind::Probes(Check::default()));
        let named = Settings { checks: vec![own.clone()], ..Settings::default() };
        assert_eq!(with_check(named, Some(&pb::DeclaredProbes::default())).checks, [own]);
        let other = CheckSpec::new("probes", Role::Guard, CheckKind::ErrorRate(ErrorRate::default()));
        let taken = Settings { checks: vec![other], ..Settings::default() };
        assert_eq!(with_check(taken, Some(&pb::DeclaredProbes::default())).checks[1].id, "declared-probes");
    }
}
