//! Parts of requests.

use std::str::FromStr;

use bellwether_notifier::routing::{Matcher, Routing};
use bellwether_proto::notifier::v1 as notifier;
use bellwether_resource::{Filter, FilterField, OrderBy, Paging, Violations, name};
use prost::Message as _;

const FIELDS: &[FilterField] = &[FilterField("target"), FilterField("state"), FilterField("release")];

/// One text as filter, order, page token and name.
pub(super) fn queries(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut violations = Violations::default();
    let filter = Filter::read(&mut violations, text, FIELDS);
    let _ = filter.matches(|field| Some(field.to_owned().into()));
    let _ = filter.canonical();
    let order = OrderBy { field: "target", descending: false };
    let _ = OrderBy::read(&mut violations, text, &["target", "state"], order);
    let paging = Paging::read(&mut violations, 10, text, &["ListTargets", ""]);
    let items = (0..30).map(|it| (format!("{it:02}"), it));
    let (page, _) = paging.cut(items, false);
    assert!(page.len() <= paging.size());
    violations.name("name", text, name::TARGET);
}

/// A matcher of the notifier's routes.
pub(super) fn matchers(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let _ = Matcher::from_str(text);
}

/// The notifier's whole routing, encoded.
pub(super) fn routing(data: &[u8]) {
    let Ok(given) = notifier::Routing::decode(data) else { return };
    if let Ok(routing) = Routing::compile(given) {
        let labels = [("severity".to_owned(), "critical".to_owned())].into();
        let _ = routing.route(&labels);
    }
}
