use super::*;

const NAMES: [&str; 4] = ["errors", "requests", "queue_depth", "workers"];

fn compile(text: &str) -> Result<Expression, Refused> {
    Expression::compile(text, &NAMES.map(str::to_owned).into())
}

fn value(text: &str, numbers: [f64; 4]) -> Result<f64, EvaluateError> {
    compile(text).unwrap().evaluate(&NAMES.into_iter().zip(numbers).collect())
}

#[test]
fn numbers_are_doubles_however_they_are_written() {
    for (text, expected) in [
        ("errors / max(requests, 1)", 0.25),
        ("queue_depth / workers", 2.5),
        ("-errors + 2 * 3u - 0.5", 3.5),
        ("min(errors, requests, 0)", 0.0),
        ("errors > 1 && !(requests == 8) || workers != 4 ? 1 : 2", 2.0),
        ("requests / 3", 8.0 / 3.0),
        ("1 / 2", 0.5),
    ] {
        assert_eq!(value(text, [2.0, 8.0, 10.0, 4.0]), Ok(expected), "{text}");
    }
    assert_eq!(
        compile("queue_depth / workers").unwrap().names().collect::<Vec<_>>(),
        ["queue_depth", "workers"]
    );
}

#[test]
fn what_gives_no_number_says_so() {
    let nothing = [0.0; 4];
    assert_eq!(
        value("queue_depth / workers + 1", [0.0, 0.0, 1.0, 0.0]),
        Err(EvaluateError::NoNumber(f64::INFINITY))
    );
    assert!(matches!(value("errors / requests", nothing), Err(EvaluateError::NoNumber(it)) if it.is_nan()));
    assert!(value("max(errors / requests, 1)", nothing).is_err(), "NaN has no order");
    let half = compile("errors / requests").unwrap().evaluate(&BTreeMap::from([("errors", 1.0)]));
    assert_eq!(half, Err(EvaluateError::Missing("requests".into())));
}

#[test]
fn what_is_refused_says_what_is_allowed() {
    for (text, words) in [
        ("errors +", "can be read"),
        ("", "can be read"),
        ("errors / total", "(errors, queue_depth, requests, workers), not total"),
        ("queue-depth", "not queue"),
        ("errors > 1", "a number, where the whole has a comparison"),
        ("errors > 1 + (requests < 2)", "a number, where + has a comparison"),
        ("errors && requests > 1", "a comparison, where && has a number"),
        ("errors > 1 ? 1 : requests > 1", "a number, where ? : has a comparison"),
        ("'text'", "not text"),
        ("size(errors)", "not size()"),
        ("errors.size()", "not .size()"),
        ("errors.rate", "not the field .rate"),
        ("errors % 2", "not %"),
        ("[errors][0]", "not lists"),
        ("[1, 2].all(x, x > 1) ? 1 : 0", "not loops"),
        ("{'a': 1}", "not lists and maps"),
        ("max()", "not max()"),
    ] {
        let refused = compile(text).map(|_| ()).unwrap_err().to_string();
        assert!(refused.contains(words), "{text}: {refused}");
    }
}

#[test]
fn large_ones_are_refused_at_once() {
    assert_eq!(compile(&format!("1{}", " ".repeat(LONGEST))).unwrap_err(), Refused::TooLarge);
    assert_eq!(compile(&vec!["1"; 60].join("+")).unwrap_err(), Refused::TooLarge);
    for (open, close) in [
        ("(", ")"),
        ("-(", ")"),
        ("max(", ", 1)"),
        ("[", "]"),
        ("{1:", "}"),
        ("!", ""),
        ("-", ""),
        ("1?", ":1"),
    ] {
        for times in [16, 17, 70, 120] {
            let deep = format!("{}1{}", open.repeat(times), close.repeat(times));
            let compiled = compile(&deep);
            assert!(times == 16 || compiled.is_err() || open.len() == 1, "{deep}");
        }
    }
    let left = compile(&format!("1{}", "-1".repeat(49))).unwrap();
    assert_eq!(left.evaluate(&BTreeMap::new()), Ok(-48.0));
}
