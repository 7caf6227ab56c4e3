//! One attempt at a webhook.

use std::time::Duration;

use bellwether_clock::Timestamp;
use bellwether_egress::{Answer, Call, Client, SendError};
use bellwether_server::telemetry;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER},
};
use jiff::fmt::rfc2822;

use super::{HEADER_ID, HEADER_SIGNATURE, HEADER_TIMESTAMP, Key, SecretError, channel::Ending, signature};
use crate::{
    message::{self, Reason},
    outbox::{Delivery, Outcome},
    routing::Webhook,
};

/// Characters of a refusing answer that are kept for people.
const EXCERPT: usize = 200;

pub(super) async fn send(client: &Client, hook: &Webhook, delivery: &Delivery, now: Timestamp) -> Ending {
    let keys = match read_keys(hook).await {
        Ok(keys) => keys,
        Err(error) => return Ending::failed(None, secret_reason(&error)),
    };
    let body = message::render(&delivery.message);
    let Some(mut headers) = headers(&keys, &delivery.message_id(), now.as_second(), &body) else {
        return Ending::failed(None, Reason::new("INVALID_REQUEST", "the request cannot be formed"));
    };
    if let Some(trace) = trace(delivery) {
        headers.insert(HeaderName::from_static(telemetry::TRACEPARENT), trace);
    }
    let call = Call {
        method: Method::POST,
        url: hook.url.clone(),
        headers,
        body: body.into(),
        timeout: hook.timeout,
    };
    match client.send(call).await {
        Ok(answer) => judge(&answer, now),
        Err(error) => unanswered(&error),
    }
}

async fn read_keys(hook: &Webhook) -> Result<Vec<Key>, SecretError> {
    let mut keys = Vec::with_capacity(hook.secrets.len());
    for secret in &hook.secrets {
        keys.push(Key::read(secret).await?);
    }
    Ok(keys)
}

/// An unsigned request has id and timestamp too: the id is what the receiver deduplicates by.
fn headers(keys: &[Key], id: &str, timestamp: i64, body: &[u8]) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(message::CONTENT_TYPE));
    headers.insert(HeaderName::from_static(HEADER_ID), HeaderValue::from_str(id).ok()?);
    headers.insert(HeaderName::from_static(HEADER_TIMESTAMP), HeaderValue::from(timestamp));
    if !keys.is_empty() {
        let value = HeaderValue::from_str(&signature(keys, id, timestamp, body)).ok()?;
        headers.insert(HeaderName::from_static(HEADER_SIGNATURE), value);
    }
    Some(headers)
}

/// The attempt's place in the trace; where nothing traces here, that of what led to it.
fn trace(delivery: &Delivery) -> Option<HeaderValue> {
    let trace = telemetry::current_traceparent().or_else(|| delivery.message.trace.clone())?;
    HeaderValue::from_str(&trace).ok()
}

fn judge(answer: &Answer, now: Timestamp) -> Ending {
    let status = Some(answer.status.as_u16());
    let later = retry_after(&answer.headers, now).map(Outcome::Later);
    let failed = |code, text: &str| Ending::failed(status, answered(code, text, answer));
    let struggling = |ending: Ending| match later {
        Some(later) => ending.with(later),
        None => ending.down(),
    };
    match answer.status {
        code if code.is_success() => Ending::delivered(status),
        StatusCode::GONE => failed("GONE", "the receiver answered 410 Gone").with(Outcome::Gone),
        StatusCode::TOO_MANY_REQUESTS => {
            struggling(failed("RATE_LIMITED", "the receiver asked to slow down"))
        }
        code if code.is_redirection() => {
            failed("REDIRECT_REFUSED", "the receiver answered with a redirect, which is not followed")
        }
        code if code.is_server_error() => {
            struggling(failed("HTTP_STATUS", "the receiver answered with an error"))
        }
        _ => failed("HTTP_STATUS", "the receiver refused the message"),
    }
}

fn answered(code: &str, text: &str, answer: &Answer) -> Reason {
    let excerpt = String::from_utf8_lossy(&answer.body);
    let excerpt: String = excerpt.chars().filter(|c| !c.is_control()).take(EXCERPT).collect();
    let reason = Reason::new(code, text).with("status", answer.status.as_u16());
    if excerpt.is_empty() { reason } else { reason.with("answer", excerpt) }
}

fn unanswered(error: &SendError) -> Ending {
    let text = error.to_string();
    match error {
        SendError::Refused { .. } => Ending::failed(None, Reason::new("ADDRESS_REFUSED", text)),
        SendError::Url => Ending::failed(None, Reason::new("INVALID_REQUEST", text)),
        SendError::NoRoots => Ending::failed(None, Reason::new("NO_CERTIFICATE_AUTHORITIES", text)),
        SendError::Timeout => Ending::failed(None, Reason::new("TIMEOUT", text)).down(),
        SendError::Connect(source) => Ending::failed(None, caused("CONNECT_FAILED", text, source)).down(),
        SendError::Transfer(source) => Ending::failed(None, caused("CONNECTION_BROKEN", text, source)).down(),
    }
}

/// The innermost cause is what a person needs: `Connection refused`, `certificate has expired`.
fn caused(code: &str, text: String, source: &reqwest::Error) -> Reason {
    let mut innermost: &dyn std::error::Error = source;
    while let Some(next) = innermost.source() {
        innermost = next;
    }
    Reason::new(code, text).with("cause", innermost)
}

fn secret_reason(error: &SecretError) -> Reason {
    Reason::new("SECRET_UNAVAILABLE", error.to_string())
}

/// `Retry-After` as seconds or as a date (RFC 9110 §10.2.3).
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let value = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(date.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests;
