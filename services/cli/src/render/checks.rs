//! A verdict: the decision, and every check with its values and intervals.

use bellwether_proto::monitor::v1::{CheckResult, CheckRole, Decision, Level, Verdict};

use super::style::{self, Tone, paint};

/// The verdict's own line: decision, reason, evidence.
pub fn headline(verdict: &Verdict) -> String {
    let decision = style::state(verdict.decision().as_str_name(), "DECISION_");
    let tone = match verdict.decision() {
        Decision::Pass => Tone::Good,
        Decision::Fail => Tone::Bad,
        Decision::NoData | Decision::Error => Tone::Warn,
        Decision::Undecided | Decision::Unspecified => Tone::Strong,
    };
    let reason = verdict.reason.as_ref().map_or(String::new(), |r| format!(" {}: {}", r.code, r.text));
    format!(
        "{}{reason}  (ln E {:.1} of {:.1})",
        paint(&decision, tone),
        verdict.log_evidence,
        verdict.log_evidence_limit
    )
}

/// A line for each check, and one more where numbers do not say it: how a probe failed, and why a check cannot be judged.
pub fn lines(verdict: &Verdict) -> Vec<String> {
    verdict.checks.iter().flat_map(|it| [Some(check(it)), said(it)]).flatten().collect()
}

fn said(check: &CheckResult) -> Option<String> {
    let unjudged = matches!(check.decision(), Decision::NoData | Decision::Error);
    let unwell = matches!(check.level(), Level::Warn | Level::Fail) && check.id.starts_with("probe");
    ((unjudged || unwell) && !check.text.is_empty()).then(|| format!("     {}", check.text))
}

fn check(check: &CheckResult) -> String {
    let level = match check.level() {
        Level::Fail => paint("FAIL", Tone::Bad),
        Level::Warn => paint("WARN", Tone::Warn),
        Level::Ok | Level::Unspecified => paint("ok  ", Tone::Good),
    };
    let role = match check.role() {
        CheckRole::Blocking => "blocking",
        CheckRole::Guard => "guard",
        CheckRole::Advisory => "advisory",
        CheckRole::Unspecified => "",
    };
    let mut text = format!("{level} {:<14} {role:<8}", check.id);
    if let Some(candidate) = check.candidate {
        text.push_str(&format!("  {}", value(candidate, &check.unit)));
        if let Some(baseline) = check.baseline {
            text.push_str(&format!(" vs {}", value(baseline, &check.unit)));
        }
    }
    if let (Some(low), Some(high)) = (check.effect_low, check.effect_high) {
        text.push_str(&format!("  ×[{}, {}]", factor(low), factor(high)));
    }
    text.push_str(&format!("  n={}/{}", check.candidate_samples, check.baseline_samples));
    if let Some(needed) = &check.time_needed {
        text.push_str(&format!("  needs {} more", style::duration(style::span(needed))));
    }
    if !check.journeys.is_empty() {
        text.push_str(&format!("  journeys: {}", check.journeys.join(", ")));
    }
    text
}

fn value(value: f64, unit: &str) -> String {
    match unit {
        "percent" | "%" => format!("{value:.2} %"),
        "" => format!("{value:.3}"),
        unit => format!("{value:.1} {unit}"),
    }
}

fn factor(value: f64) -> String {
    if value >= 100.0 { "∞".to_owned() } else { format!("{value:.2}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_fails_says_how() {
        let check = |id: &str, level: Level, text: &str| CheckResult {
            id: id.to_owned(),
            level: level.into(),
            text: text.to_owned(),
            ..Default::default()
        };
        let step = "probe pay: 2 of 9 runs failed at the candidate, 2 in a row, the last at 10:00: step card: status 500";
        let checks = vec![
            check("errors", Level::Warn, "numbers say it"),
            check("probe-pay", Level::Warn, step),
            check("probe-login", Level::Ok, "well"),
            CheckResult { decision: Decision::NoData.into(), ..check("backlog", Level::Ok, "no workers") },
        ];
        let told = lines(&Verdict { checks, ..Default::default() });
        assert_eq!(told.len(), 6, "{told:#?}");
        assert_eq!((told[2].trim(), told[5].trim()), (step, "no workers"));
    }
}
