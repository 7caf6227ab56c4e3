//! A fact in words: what every receiver is told about it.

mod cdevent;
mod cloudevent;
mod ids;
mod rank;
mod reason;

use bellwether_clock::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use cdevent::{CdEvent, CdKind};
pub use cloudevent::{CONTENT_TYPE, event_type, render};
pub use ids::{delivery_id, event_id};
pub use rank::{Class, Phase, Severity, Source};
pub use reason::Reason;

use crate::routing::Labels;

/// A fact in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Identifies the fact: derived from where it stands, so a re-read makes the same.
    pub event_id: Uuid,
    /// One line for a person, at most [`MAX_TITLE`] characters.
    pub title: String,
    /// More, at most [`MAX_TEXT`] characters.
    #[serde(default)]
    pub text: String,
    /// What routes match on; the contract lists them.
    pub labels: Labels,
    /// How it is treated.
    pub class: Class,
    /// What it is about; order is kept per subject.
    pub subject: String,
    /// The team that owns the subject; empty: none.
    #[serde(default)]
    pub team: String,
    /// When the fact happened.
    pub time: Timestamp,
    /// Its form in CDEvents, where there is one.
    #[serde(default)]
    pub cdevent: Option<CdEvent>,
    /// The W3C `traceparent` of what led to it, where it is known.
    #[serde(default)]
    pub trace: Option<String>,
}

/// Characters of a title.
pub const MAX_TITLE: usize = 200;
/// Characters of a text.
pub const MAX_TEXT: usize = 4000;

// === impl Message ===

impl Message {
    /// A message with the labels that every one has; `place` says where the fact stands in its source, e.g.
    /// `rollouts/4711`, and never changes its meaning.
    pub fn new(source: Source, place: &str, fact: &str, time: Timestamp) -> Self {
        let labels = [("source", source.as_str()), ("fact", fact)];
        let mut message = Self {
            event_id: event_id(source, place, time),
            title: String::new(),
            text: String::new(),
            labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).into(),
            class: Class::Progress,
            subject: String::new(),
            team: String::new(),
            time,
            cdevent: None,
            trace: None,
        };
        message.set_class(Class::Progress);
        message.label("severity", Severity::Info.as_str());
        message
    }

    /// Sets class and severity.
    pub fn ranked(mut self, class: Class, severity: Severity) -> Self {
        self.set_class(class);
        self.label("severity", severity.as_str());
        self
    }

    /// Sets the phase.
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.label("phase", phase.as_str());
        self
    }

    /// Sets title and text, cut to what is allowed.
    pub fn saying(mut self, title: &str, text: &str) -> Self {
        self.title = title.chars().take(MAX_TITLE).collect();
        self.text = text.chars().take(MAX_TEXT).collect();
        self
    }

    /// Sets what it is about.
    pub fn about(mut self, subject: &str) -> Self {
        subject.clone_into(&mut self.subject);
        self
    }

    /// Sets a label; an empty value is none.
    pub fn label(&mut self, key: &str, value: &str) {
        if value.is_empty() {
            self.labels.remove(key);
        } else {
            self.labels.insert(key.to_owned(), value.to_owned());
        }
    }

    /// The value of a label; empty when it is missing.
    pub fn labelled(&self, key: &str) -> &str {
        self.labels.get(key).map_or("", String::as_str)
    }

    fn set_class(&mut self, class: Class) {
        self.class = class;
        self.label("class", class.as_str());
    }
}
