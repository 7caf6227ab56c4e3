//! Calls to the outside.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::{Call, Hook, OnUnknown};

use crate::convert::fields::Fields;

const TIMEOUT: Duration = Duration::from_secs(5 * 60);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// A hook; its undoing is a call of its own and has none.
pub(super) fn hook(fields: &Fields<'_>, given: &pb::Hook) -> Option<Hook> {
    fields.id("id", &given.id);
    let timeout = fields.duration("timeout", given.timeout.as_ref(), SHORTEST..=LONGEST, TIMEOUT);
    let on_unknown = on_unknown(fields, given.on_unknown);
    let undo = given.on_undo.as_deref();
    let on_undo = undo.and_then(|undo| undoing(&fields.at("on_undo"), undo));
    let call = call(fields, given.call.as_ref())?;
    Some(Hook { name: given.id.clone(), call, timeout, on_undo, on_unknown })
}

fn undoing(fields: &Fields<'_>, given: &pb::Hook) -> Option<Call> {
    if given.on_undo.is_some() {
        fields.refuse("on_undo", "a hook", "nothing: undoing is not undone");
    }
    call(fields, given.call.as_ref())
}

fn call(fields: &Fields<'_>, given: Option<&pb::hook::Call>) -> Option<Call> {
    match given {
        None => {
            fields.refuse("call", "", "http_url or command");
            None
        }
        Some(pb::hook::Call::HttpUrl(url)) => {
            let known = url.starts_with("http://") || url.starts_with("https://");
            if !known || url.len() > 2048 || url.parse::<http::Uri>().is_err() {
                fields.refuse("http_url", url, "an http or https URL of at most 2,048 characters");
            }
            Some(Call::Http { url: url.clone() })
        }
        Some(pb::hook::Call::Command(command)) => {
            let fields = fields.at("command");
            fields.required("name", &command.name, 128);
            fields.at_most("args", command.args.len(), 256);
            let argv = std::iter::once(&command.name).chain(&command.args).cloned().collect();
            Some(Call::Command { argv })
        }
    }
}

fn on_unknown(fields: &Fields<'_>, given: i32) -> Option<OnUnknown> {
    match fields.choice("on_unknown", given)? {
        pb::UnknownOutcome::Unspecified => None,
        pb::UnknownOutcome::Retry => Some(OnUnknown::Retry),
        pb::UnknownOutcome::Ask => Some(OnUnknown::Ask),
    }
}
