//! How much each check counts in the evidence for rolling back: fixed for the whole rollout, together 1.
//!
//! E = Σ w·E under any dependence, so that ln(1/w) is what a check must collect beyond ln(1/α). Where faults are
//! likely to show the weight is large: BLOCKING checks count four times as much as guards, and of the two forms of a check the
//! one that the plan mostly uses eight times as much as the other. A canary's faults show beside live traffic of stable; what
//! reaches 100 % has been compared before, and finds ten times the requests there. Of a plan without a live baseline
//! (blue-green, recreate) it is the other way round.

use crate::{
    check::{Body, Check},
    settings::{Role, Settings},
};

/// A BLOCKING check beside a guard.
const BLOCKING: f64 = 4.0;
/// The form that the plan mostly uses, beside the other one.
const MAIN: f64 = 8.0;

/// The limits of critical journeys, together, beside a guard.
const JOURNEYS: f64 = 2.0;

/// What counts as one among those that may fail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    /// The check.
    Own,
    /// All shares of answers (statuses, no connection) together.
    Answers,
    /// It never fails.
    None,
}

/// The parts of the two forms, before they are made to be 1 together.
#[derive(Clone, Copy)]
struct Forms {
    live: f64,
    alone: f64,
}

/// Sets the weights of all checks. Returns that of each critical journey.
pub(crate) fn weigh(checks: &mut [Check], settings: &Settings) -> f64 {
    let compares = settings.has_baseline && !settings.compared_elsewhere;
    let forms = Forms {
        live: if !compares {
            0.0
        } else if settings.compares_nowhere {
            1.0
        } else {
            MAIN
        },
        alone: if compares && !settings.compares_nowhere { 1.0 } else { MAIN },
    };
    let answers = |has: fn(&Check) -> bool| {
        checks.iter().filter(|check| family(check) == Family::Answers && has(check)).count()
    };
    let (live_answers, alone_answers) = (answers(|_| true), answers(Check::has_alone));
    let critical = settings.journeys.iter().filter(|journey| journey.critical).count();
    for check in &mut *checks {
        let part = if check.role == Role::Blocking { BLOCKING } else { 1.0 };
        let of = |answers: usize| match family(check) {
            Family::Own => part,
            Family::Answers => part / answers.max(1) as f64,
            Family::None => 0.0,
        };
        let (live, alone) = (of(live_answers), if check.has_alone() { of(alone_answers) } else { 0.0 });
        (check.weight_live, check.weight_alone) = (forms.live * live, forms.alone * alone);
    }
    // looked at in every segment, alone
    let journeys = if critical > 0 { JOURNEYS * MAIN } else { 0.0 };
    let whole: f64 =
        checks.iter().map(|check| check.weight_live + check.weight_alone).sum::<f64>() + journeys;
    if whole > 0.0 {
        for check in checks {
            check.weight_live /= whole;
            check.weight_alone /= whole;
        }
    }
    if critical > 0 { journeys / whole / critical as f64 } else { 0.0 }
}

fn family(check: &Check) -> Family {
    match (&check.body, check.role) {
        (Body::TrafficShare, _) | (_, Role::Advisory) => Family::None,
        (Body::Proportion(p), _) if p.is_of_answers() => Family::Answers,
        (Body::Proportion(_) | Body::Latency(_) | Body::Count(_), _) => Family::Own,
        (Body::Gauge(_) | Body::Saturation(_), _) => Family::Own,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::build,
        history::History,
        settings::{CheckSpec, Journey},
    };

    /// (live, alone) of each, and that of the journeys.
    fn weights(settings: &Settings) -> (Vec<(String, f64, f64)>, f64) {
        let (checks, journey) =
            build(settings, &History { requests: 10_000, errors: 10, ..History::default() });
        let of = checks.into_iter().map(|check| (check.id, check.weight_live, check.weight_alone)).collect();
        (of, journey)
    }

    fn of(weights: &[(String, f64, f64)], id: &str) -> (f64, f64) {
        weights.iter().find(|(name, ..)| name == id).map(|(_, live, alone)| (*live, *alone)).unwrap()
    }

    #[test]
    fn they_are_one_together() {
        let critical = |id: &str| Journey { id: id.to_owned(), critical: true };
        for compares_nowhere in [false, true] {
            for compared_elsewhere in [false, true] {
                for one_sided in [false, true] {
                    for journeys in [vec![], vec![critical("a"), critical("b")]] {
                        let count = journeys.len() as f64;
                        let settings = Settings {
                            one_sided: one_sided || compared_elsewhere,
                            compares_nowhere,
                            compared_elsewhere,
                            journeys,
                            ..Settings::default()
                        };
                        let (checks, journey) = weights(&settings);
                        let sum: f64 = checks.iter().map(|(_, live, alone)| live + alone).sum();
                        assert!((sum + count * journey - 1.0).abs() < 1e-12, "{settings:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn where_faults_are_likely_to_show_they_are_large() {
        let canary = Settings { one_sided: true, ..Settings::default() };
        let (checks, _) = weights(&canary);
        let (live, alone) = of(&checks, "errors");
        assert!((live - 8.0 * alone).abs() < 1e-12 && live > 0.35, "{live} {alone}");
        let guards: f64 = checks.iter().filter(|it| it.0.starts_with("status")).map(|it| it.1).sum();
        assert!(guards > 0.0 && guards < live / 4.0, "{guards}");

        let (checks, _) = weights(&Settings { compares_nowhere: true, ..canary });
        let (live, alone) = of(&checks, "errors");
        assert!((alone - 8.0 * live).abs() < 1e-12 && live > 0.0, "{live} {alone}");
    }

    #[test]
    fn what_only_warns_has_none() {
        let mut settings = Settings::default();
        settings.checks.iter_mut().for_each(|check: &mut CheckSpec| check.role = Role::Advisory);
        let (checks, journey) = weights(&settings);
        assert!(checks.iter().all(|(_, live, alone)| *live == 0.0 && *alone == 0.0));
        assert!(journey.abs() < f64::EPSILON);
    }
}
