use serde_json::json;

use super::*;

fn check(text: &str) -> Result<serde_json::Value, Problems> {
    let pool = contracts().unwrap();
    let message = pool.get_message_by_name("bellwether.executor.v1.StartRolloutRequest").unwrap();
    let documents = documents("app.yaml", text)?;
    to_json("app.yaml", &documents[0].root, &message)
}

#[test]
fn a_good_document_becomes_canonical_json() {
    let json = check(
        "target: targets/shop@production\n\
         spec:\n  version: \"1.10\"\n  env: { RETRIES: 3, FAST: true }\n  stop_grace: 1m30s\n\
         strategy:\n  kind: blue-green-canary\n  weights_percent: [10, 50.5, 100]\n\
         permit_until: 2026-11-24T08:00:00Z\n",
    )
    .unwrap();
    assert_eq!(
        json,
        json!({
            "target": "targets/shop@production",
            "spec": {"version": "1.10", "env": {"RETRIES": "3", "FAST": "true"}, "stopGrace": "90.000000000s"},
            "strategy": {"kind": "KIND_BLUE_GREEN_CANARY", "weightsPercent": [10.0, 50.5, 100.0]},
            "permitUntil": "2026-11-24T08:00:00Z",
        })
    );
    let message: bellwether_proto::executor::v1::StartRolloutRequest = serde_json::from_value(json).unwrap();
    assert_eq!(message.spec.unwrap().stop_grace.unwrap().seconds, 90);
}

#[test]
fn every_problem_is_reported_at_once_with_its_place() {
    let problems = check(
        "traget: x\n\
         spec:\n  version: 1.10\n  stop_grace: soon\n\
         strategy:\n  kind: yolo\n  batch: many\n  steps:\n    - scale: { count: 1, percent: 20 }\n\
         validate_only: perhaps\n",
    )
    .unwrap_err()
    .problems;
    let found: Vec<(u64, &str)> = problems.iter().map(|p| (p.line, p.path.as_str())).collect();
    assert_eq!(
        found,
        [
            (1, "traget"),
            (3, "spec.version"),
            (4, "spec.stop_grace"),
            (6, "strategy.kind"),
            (7, "strategy.batch"),
            (9, "strategy.steps[0].scale.percent"),
            (10, "validate_only"),
        ]
    );
    assert!(problems[0].text.contains("did you mean target?"), "{}", problems[0].text);
    assert!(problems[3].text.contains("blue-green-canary"), "{}", problems[3].text);
}

#[test]
fn broken_yaml_has_a_place() {
    let problems = documents("app.yaml", "spec: [1, 2\nx: }").unwrap_err().problems;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].line > 0, "{problems:?}");
}

#[test]
fn a_field_twice_is_said_in_one_sentence() {
    let problem = documents("app.yaml", "name: a\nname: b\n").unwrap_err().problems.remove(0);
    assert_eq!((problem.line, problem.text.as_str()), (2, "duplicate mapping key: name"));
}

#[test]
fn kinds_and_several_documents() {
    let found = documents("app.yaml", "name: a\n---\nkind: Environment\nname: b\n---\n").unwrap();
    let kinds: Vec<&str> = found.iter().map(|d| d.kind.as_str()).collect();
    assert_eq!(kinds, ["Application", "Environment"]);
}
