//! How the sources of an analysis do: what becomes ERROR, and what is worth a warning.

use std::collections::BTreeMap;

use bellwether_clock::Timestamp;
use bellwether_proto::common::v1::Reason;

/// How each source of an analysis does.
#[derive(Debug, Default)]
pub struct SourceHealth(BTreeMap<String, State>);

#[derive(Debug)]
struct State {
    trouble: Option<Trouble>,
    note: Option<String>,
}

/// Why a source gives nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Trouble {
    since: Timestamp,
    problem: String,
    /// Long enough to be said.
    lasting: bool,
}

// === impl SourceHealth ===

impl SourceHealth {
    /// A source answered. `note`: what is odd about the answer.
    pub fn answered(&mut self, source: &str, note: Option<String>) {
        self.0.insert(source.to_owned(), State { trouble: None, note });
    }

    /// A source failed. `lasting`: it will not mend by itself, or has failed for long enough.
    pub fn failed(&mut self, source: &str, problem: String, lasting: bool, now: Timestamp) {
        let state = self.0.entry(source.to_owned()).or_insert(State { trouble: None, note: None });
        let since = state.trouble.as_ref().map_or(now, |trouble| trouble.since);
        let lasting = lasting || state.trouble.as_ref().is_some_and(|trouble| trouble.lasting);
        state.trouble = Some(Trouble { since, problem, lasting });
    }

    /// Whether any source is in trouble that lasts.
    pub fn has_failed(&self) -> bool {
        self.failing().next().is_some()
    }

    /// Why the verdict is ERROR: which sources failed, since when, and how.
    pub fn reason(&self) -> Reason {
        let texts: Vec<String> = self
            .failing()
            .map(|(id, trouble)| {
                format!("source {id} has failed since {}: {}", trouble.since, trouble.problem)
            })
            .collect();
        let mut values = std::collections::HashMap::new();
        for (id, trouble) in self.failing() {
            values.insert(format!("{id}.since"), trouble.since.to_string());
            values.insert(format!("{id}.problem"), trouble.problem.clone());
        }
        let sources: Vec<&str> = self.failing().map(|(id, _)| id.as_str()).collect();
        values.insert("sources".to_owned(), sources.join(", "));
        Reason { code: "SOURCE_FAILED".to_owned(), text: texts.join("; "), values }
    }

    /// What is worth knowing and decides nothing.
    pub fn warnings(&self) -> Vec<Reason> {
        let warning = |code: &str, id: &str, text: String| Reason {
            code: code.to_owned(),
            text,
            values: [("source".to_owned(), id.to_owned())].into(),
        };
        let of = |(id, state): (&String, &State)| match (&state.trouble, &state.note) {
            (Some(trouble), _) => {
                Some(warning("SOURCE_FAILED", id, format!("source {id} fails: {}", trouble.problem)))
            }
            (None, Some(note)) => Some(warning("SOURCE_ODD", id, format!("source {id}: {note}"))),
            (None, None) => None,
        };
        self.0.iter().filter_map(of).collect()
    }

    fn failing(&self) -> impl Iterator<Item = (&String, &Trouble)> {
        let lasting = |state: &State| state.trouble.as_ref().is_some_and(|trouble| trouble.lasting);
        self.0
            .iter()
            .filter(move |(_, state)| lasting(state))
            .filter_map(|(id, state)| state.trouble.as_ref().map(|trouble| (id, trouble)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_verdict_says_which_and_since_when() {
        let mut health = SourceHealth::default();
        let now = Timestamp::UNIX_EPOCH;
        health.failed("main", "no connection".into(), false, now);
        assert!(!health.has_failed(), "once is nothing");
        assert_eq!(health.warnings()[0].code, "SOURCE_FAILED");
        health.failed("main", "no connection".into(), true, now + Duration::from_secs(9));
        health.failed("main", "no answer in time".into(), false, now + Duration::from_secs(12));
        assert!(health.has_failed());
        let reason = health.reason();
        assert_eq!(reason.code, "SOURCE_FAILED");
        assert_eq!(reason.text, "source main has failed since 1970-01-01T00:00:00Z: no answer in time");
        health.answered("main", Some("nothing matches".into()));
        assert!(!health.has_failed());
        assert_eq!(health.warnings()[0].code, "SOURCE_ODD");
    }
}
