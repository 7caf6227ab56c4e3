//! A plot of a verdict over time, as SVG: both sides of every check with the interval that the candidate's value lies
//! in, the evidence against its bound, and the moment of decision.

use std::{fmt::Write as _, fs, path::Path};

use anyhow::Context as _;
use bellwether_proto::monitor::v1::{CheckPoint, CurvePoint, Decision, Verdict};

use super::style;

mod panel;

use panel::{Line, Panel};

const WIDTH: f64 = 900.0;
const PANEL: f64 = 170.0;
const TITLE: f64 = 36.0;
const MOST_CHECKS: usize = 8;

const CANDIDATE: &str = "#c0392b";
const BASELINE: &str = "#2471a3";
const EVIDENCE: &str = "#444444";
const FAINT: &str = "#b0b0b0";

/// Writes the plot of a curve to a file.
///
/// # Errors
/// When it cannot be written.
pub fn write(file: &Path, title: &str, curve: &[CurvePoint], verdicts: &[Verdict]) -> anyhow::Result<()> {
    let svg = svg(title, curve, verdicts);
    fs::write(file, svg).with_context(|| format!("cannot write {}", file.display()))
}

fn svg(title: &str, curve: &[CurvePoint], verdicts: &[Verdict]) -> String {
    let began = curve.iter().filter_map(seconds).fold(f64::INFINITY, f64::min);
    let ended = curve.iter().filter_map(seconds).fold(f64::NEG_INFINITY, f64::max);
    let decided = decision(verdicts).map(|(at, what)| (at - began, what));
    let span = (ended - began).max(decided.map_or(0.0, |(at, _)| at)).max(1.0);
    let mut panels: Vec<Panel> = checks(curve).into_iter().map(|id| of_check(&id, curve, began)).collect();
    panels.push(of_evidence(curve, began));
    let height = TITLE + PANEL * panels.len() as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"11\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n<text x=\"12\" y=\"22\" \
         font-size=\"14\">{}</text>\n",
        escaped(title)
    );
    for (index, panel) in panels.iter().enumerate() {
        let top = TITLE + PANEL * index as f64;
        svg.push_str(&panel.draw(top, (WIDTH, PANEL), span, decided));
    }
    svg.push_str("</svg>\n");
    svg
}

/// FAIL, else the first PASS: when, and what.
fn decision(verdicts: &[Verdict]) -> Option<(f64, &'static str)> {
    let first = |wanted: Decision, name: &'static str| {
        let found = verdicts.iter().find(|verdict| verdict.decision() == wanted)?;
        found.decide_time.as_ref().map(|at| (instant(at), name))
    };
    first(Decision::Fail, "FAIL").or_else(|| first(Decision::Pass, "PASS"))
}

/// The checks that have a value on the candidate.
fn checks(curve: &[CurvePoint]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for check in curve.iter().flat_map(|point| &point.checks).filter(|check| check.candidate.is_some()) {
        if !ids.contains(&check.id) && ids.len() < MOST_CHECKS {
            ids.push(check.id.clone());
        }
    }
    ids
}

fn of_check(id: &str, curve: &[CurvePoint], began: f64) -> Panel {
    let points: Vec<(f64, &CheckPoint)> = curve
        .iter()
        .filter_map(|point| {
            Some((seconds(point)? - began, point.checks.iter().find(|check| check.id == id)?))
        })
        .collect();
    let line = |value: fn(&CheckPoint) -> Option<f64>| {
        points.iter().filter_map(|(at, check)| Some((*at, value(check)?))).collect()
    };
    let unit = points.first().map_or("", |(_, check)| check.unit.as_str());
    let unit = if unit == "percent" { "%" } else { unit };
    Panel {
        title: format!("{id} ({unit})"),
        band: points.iter().filter_map(|(at, check)| interval(*at, check)).collect(),
        lines: vec![
            Line {
                name: "candidate".to_owned(),
                colour: CANDIDATE,
                dashed: false,
                points: line(|c| c.candidate),
            },
            Line {
                name: "baseline".to_owned(),
                colour: BASELINE,
                dashed: false,
                points: line(|c| c.baseline),
            },
        ],
    }
}

/// Where the candidate's value lies, if the baseline's is as measured.
fn interval(at: f64, check: &CheckPoint) -> Option<(f64, f64, f64)> {
    let baseline = check.baseline?;
    Some((at, baseline * check.effect_low?, baseline * check.effect_high?))
}

fn of_evidence(curve: &[CurvePoint], began: f64) -> Panel {
    let line = |value: fn(&CurvePoint) -> f64| {
        curve.iter().filter_map(|point| Some((seconds(point)? - began, value(point)))).collect()
    };
    let mut lines = vec![
        Line {
            name: "ln E for rolling back".to_owned(),
            colour: EVIDENCE,
            dashed: false,
            points: line(|point| point.log_evidence),
        },
        Line {
            name: "its bound".to_owned(),
            colour: CANDIDATE,
            dashed: true,
            points: line(|point| point.log_evidence_limit),
        },
    ];
    for id in checks(curve) {
        let of =
            |point: &CurvePoint| point.checks.iter().find(|check| check.id == id).map(|c| c.log_evidence);
        let points = curve.iter().filter_map(|point| Some((seconds(point)? - began, of(point)?))).collect();
        lines.push(Line { name: id, colour: FAINT, dashed: false, points });
    }
    Panel { title: "evidence".to_owned(), band: Vec::new(), lines }
}

fn seconds(point: &CurvePoint) -> Option<f64> {
    point.time.as_ref().map(instant)
}

fn instant(at: &bellwether_proto::Timestamp) -> f64 {
    style::time(at).map_or(0.0, |at| at.as_millisecond() as f64 / 1e3)
}

/// Text that may stand in XML.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '"' | '\'' => {
                _ = write!(escaped, "&#{};", u32::from(character));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_the_bound_and_the_decision_are_drawn() {
        let at = |seconds| Some(bellwether_proto::Timestamp { seconds, nanos: 0 });
        let check = |i: i64| CheckPoint {
            id: "errors<>".to_owned(),
            unit: "percent".to_owned(),
            candidate: Some(i as f64),
            baseline: Some(1.0),
            effect_low: Some(0.5),
            effect_high: Some(i as f64 * 2.0),
            log_evidence: i as f64,
        };
        let curve: Vec<CurvePoint> = (1..20)
            .map(|i| CurvePoint {
                time: at(1_000 + i),
                log_evidence: i as f64,
                log_evidence_limit: 4.6,
                checks: vec![check(i)],
            })
            .collect();
        let verdict =
            Verdict { decision: Decision::Fail.into(), decide_time: at(1_005), ..Verdict::default() };
        let svg = svg("shop@production-1", &curve, &[verdict]);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert!(svg.contains("FAIL after 4.0s") && svg.contains("errors&#60;&#62;"), "{svg}");
        assert_eq!(svg.matches("<polyline").count(), 2 + 3);
        assert_eq!(svg.matches("<polygon").count(), 1);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
