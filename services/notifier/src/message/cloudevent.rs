//! CloudEvents 1.0 in structured JSON mode, the body of a webhook.

use serde_json::{Value, json};

use super::{CdEvent, Message, cdevent};

/// The content type of [`render`]'s result.
pub const CONTENT_TYPE: &str = "application/cloudevents+json; charset=utf-8";

/// The type of the message's CloudEvent.
pub fn event_type(message: &Message) -> String {
    match &message.cdevent {
        Some(cdevent) => cdevent.kind.event_type().to_owned(),
        None => format!("dev.bellwether.{}", message.labelled("fact").to_ascii_lowercase()),
    }
}

/// The message as a CloudEvent; the same bytes each time.
///
/// Where CDEvents has an event for it, `data` is that (binding of CDEvents to CloudEvents: id, source, type, time and
/// subject are those of its context) and our own form is its `customData`; else `data` is our own form.
pub fn render(message: &Message) -> Vec<u8> {
    let (source, own) = (source(message), own_form(message));
    let (subject, data) = match &message.cdevent {
        Some(event) => {
            let subject = event.subject(&message.event_id.to_string());
            let id = subject["id"].clone();
            (id, with_context(message, event, &source, subject, own))
        }
        None => (json!(message.subject), own),
    };
    let event = json!({
        "specversion": "1.0",
        "id": message.event_id,
        "source": source,
        "type": event_type(message),
        "subject": subject,
        "time": message.time,
        "datacontenttype": "application/json",
        "data": data,
    });
    event.to_string().into_bytes()
}

fn source(message: &Message) -> String {
    format!("/bellwether/{}", message.labelled("source"))
}

fn with_context(message: &Message, event: &CdEvent, source: &str, subject: Value, own: Value) -> Value {
    let mut context = json!({
        "specversion": cdevent::VERSION,
        "id": message.event_id,
        "source": source,
        "type": event.kind.event_type(),
        "timestamp": message.time,
    });
    if !event.chain.is_empty() {
        context["chainId"] = json!(event.chain);
    }
    json!({
        "context": context,
        "subject": subject,
        "customData": own,
        "customDataContentType": "application/json",
    })
}

fn own_form(message: &Message) -> Value {
    json!({
        "title": message.title,
        "text": message.text,
        "subject": message.subject,
        "labels": message.labels,
    })
}
