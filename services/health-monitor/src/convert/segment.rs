//! Segments.

use std::time::Duration;

use bellwether_judge::{Segment, SegmentKind};
use bellwether_proto::monitor::v1 as pb;
use bellwether_resource::Violations;

const LONGEST_BAKE: Duration = Duration::from_secs(24 * 3600);

/// A segment, with its violations noted. Of use only when there are none.
pub fn segment(violations: &mut Violations, given: &pb::Segment) -> Segment {
    violations.range("index", given.index, 1..=i32::MAX);
    violations.percent("candidate_share_percent", given.candidate_share_percent);
    violations.range("route_revision", given.route_revision, 0..=i64::MAX);
    let kind = violations.enumeration::<pb::SegmentKind>("kind", given.kind).unwrap_or_default();
    let min = violations.duration("min", given.min.as_ref(), Duration::ZERO..=LONGEST_BAKE);
    Segment {
        index: given.index,
        kind: match kind {
            pb::SegmentKind::Unspecified | pb::SegmentKind::Split => SegmentKind::Split,
            pb::SegmentKind::Full => SegmentKind::Full,
            pb::SegmentKind::Preview => SegmentKind::Preview,
            pb::SegmentKind::Shadow => SegmentKind::Shadow,
        },
        share: given.candidate_share_percent / 100.0,
        revision: given.route_revision,
        mirrored: given.mirrored,
        selected: given.selected,
        min: min.unwrap_or_default(),
    }
}
