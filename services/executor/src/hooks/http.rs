//! HTTP hooks: POST of a JSON document, 2xx is success.

use std::time::Duration;

use ::http::{HeaderMap, HeaderValue, Method, header::CONTENT_TYPE};
use bellwether_egress::{Call, Client, SendError};
use bellwether_rollout::Outcome;

use super::{Subject, text};

/// Between two attempts to connect.
const RECONNECT: Duration = Duration::from_millis(250);

/// Calls until there is an answer: where no connection comes about nothing was sent, and it is tried again until the
/// time is over.
pub(super) async fn run(client: &Client, url: &str, timeout: Duration, subject: &Subject) -> Outcome {
    let call = match prepare(url, timeout, subject) {
        Ok(call) => call,
        Err(error) => return Outcome::Failed { error },
    };
    tokio::time::timeout(timeout, connected(client, call)).await.unwrap_or(Outcome::TimedOut)
}

async fn connected(client: &Client, call: Call) -> Outcome {
    loop {
        match client.send(call.clone()).await {
            Ok(answer) if answer.status.is_success() => {
                return Outcome::Done { output: text(&answer.body) };
            }
            Ok(answer) => {
                let error = format!("{}: {}", answer.status, text(&answer.body));
                return Outcome::Failed { error };
            }
            Err(SendError::Connect(_)) => tokio::time::sleep(RECONNECT).await,
            Err(SendError::Timeout) => return Outcome::TimedOut,
            Err(error @ SendError::Transfer(_)) => return Outcome::Unknown { error: error.to_string() },
            Err(error @ (SendError::Refused { .. } | SendError::Url | SendError::NoRoots)) => {
                return Outcome::Failed { error: error.to_string() };
            }
        }
    }
}

fn prepare(url: &str, timeout: Duration, subject: &Subject) -> Result<Call, String> {
    let url = url.parse().map_err(|_| format!("{url} is no URL"))?;
    let key = HeaderValue::from_str(&subject.idempotency_key).map_err(|error| error.to_string())?;
    let body = serde_json::to_vec(subject).map_err(|error| error.to_string())?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert("idempotency-key", key);
    Ok(Call { method: Method::POST, url, headers, body: body.into(), timeout })
}
