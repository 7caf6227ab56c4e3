//! Who is told what: the table of audiences and phases.

use serde::{Deserialize, Serialize};

use crate::{Application, Audience, EnvironmentId};

/// When in a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Phase {
    /// Before anything is changed.
    Before,
    /// While it rolls out.
    During,
    /// Once it has ended.
    After,
}

/// Somebody is told something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who.
    pub audience: Audience,
    /// In which phase.
    pub phase: Phase,
    /// At which moment.
    pub occasion: String,
    /// Where; empty: the notifier's default channel.
    pub addresses: Vec<String>,
    /// What.
    pub content: String,
}

/// Audience, phase, occasion, content. Executives hear of starts that reach users and of ends, never of progress.
const TABLE: &[(Audience, Phase, &str, &str)] = {
    use Audience::*;
    use Phase::*;
    &[
        (Development, Before, "the release is planned", "plan, risk and what it waits for"),
        (Development, During, "each step, each verdict", "step, split, checks with values"),
        (Development, After, "the end", "outcome; on failure the evidence: logs, exits, configuration diff"),
        (Operations, Before, "the release waits for somebody", "plan, risk, rollback plan, who must approve"),
        (
            Operations,
            During,
            "each step, each verdict, each pause",
            "step, split, checks, what can be done now",
        ),
        (Operations, After, "the end", "outcome, times, how long going back stays fast"),
        (Support, Before, "the rollout starts", "what changes for users, when, and whom to ask"),
        (Support, During, "traffic is taken back", "who was affected, since when, and that it is over"),
        (Support, After, "the end", "outcome in one sentence"),
        (Product, Before, "the rollout starts", "release notes and expected end"),
        (Product, During, "half of all traffic", "progress and expected end"),
        (Product, After, "the end", "outcome and effect on the business metrics that were watched"),
        (Executive, Before, "the rollout starts", "that it starts, and how risky it is"),
        (Executive, After, "the end", "outcome in one sentence"),
    ]
};

/// Who is told of a release in `environment`: the audiences with an address, and operations always.
pub(crate) fn messages(application: &Application, environment: &EnvironmentId) -> Vec<Message> {
    TABLE
        .iter()
        .filter_map(|&(audience, phase, occasion, content)| {
            let addresses = application.stakeholders.get(&audience).cloned().unwrap_or_default();
            let told = !addresses.is_empty() || audience == Audience::Operations;
            let content = format!("{} in {environment}: {content}", application.id);
            told.then(|| Message { audience, phase, occasion: occasion.to_owned(), addresses, content })
        })
        .collect()
}
