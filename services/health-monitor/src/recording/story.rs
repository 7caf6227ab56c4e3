//! What happened to an analysis.

use bellwether_clock::Timestamp;
use bellwether_judge::History;
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::time;
use serde::{Deserialize, Serialize};

use crate::record::Event;

/// As the journal told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// As it was started, with its first segment.
    pub analysis: Box<pb::Analysis>,
    /// The baseline's past at the start.
    pub history: Box<History>,
    /// When it began.
    pub began: Timestamp,
    /// When it ended.
    pub ended: Option<Timestamp>,
    /// Every segment after the first, and when it was entered or corrected.
    pub segments: Vec<(Timestamp, pb::Segment)>,
    /// Every change of the decision.
    pub verdicts: Vec<pb::Verdict>,
}

// === impl Story ===

impl Story {
    /// After an event; None while nothing has begun.
    pub fn after(story: Option<Self>, event: Event, sequence: i64, at: Timestamp) -> Option<Self> {
        let mut story = match (story, event) {
            (_, Event::Started { analysis, history, .. }) => {
                return Some(Self {
                    analysis,
                    history,
                    began: at,
                    ended: None,
                    segments: Vec::new(),
                    verdicts: Vec::new(),
                });
            }
            (story, event) => {
                let mut story = story?;
                story.apply(event, sequence, at);
                story
            }
        };
        story.segments.sort_by_key(|(at, _)| *at);
        Some(story)
    }

    fn apply(&mut self, event: Event, sequence: i64, at: Timestamp) {
        match event {
            Event::SegmentEntered { segment } => self.segments.push((at, segment)),
            Event::Decided { verdict } => {
                if verdict.decision() == pb::Decision::Fail {
                    self.ended = Some(at);
                }
                self.verdicts.push(pb::Verdict { sequence, ..*verdict });
            }
            Event::Stopped | Event::Expired => self.ended = Some(at),
            Event::Started { .. } => {}
        }
    }

    /// As the contract says it.
    pub fn shown(&self) -> pb::RecordedAnalysis {
        let segment = |(at, segment): &(Timestamp, pb::Segment)| pb::RecordedSegment {
            time: Some(time::to_timestamp(*at)),
            segment: Some(*segment),
        };
        pb::RecordedAnalysis {
            analysis: Some((*self.analysis).clone()),
            begin_time: Some(time::to_timestamp(self.began)),
            end_time: self.ended.map(time::to_timestamp),
            segments: self.segments.iter().map(segment).collect(),
            verdicts: self.verdicts.clone(),
        }
    }
}
