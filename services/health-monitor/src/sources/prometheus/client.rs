//! Asking a server.

use std::{io, path::Path, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bellwether_clock::Env;
use bellwether_egress::{Answer, Call, Client, SendError};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use url::Url;

use super::answer::{self, AnswerError, Current, Series, shortened};
use crate::sources::servers::{Server, read_secret};

/// More attempts after one that failed.
const RETRIES: u32 = 2;
/// Before the first of them; twice as long before the next.
const PAUSE: Duration = Duration::from_millis(200);

/// A server that can be asked.
#[derive(Clone)]
pub struct Prometheus {
    client: Client,
    url: Url,
    credentials: Option<Server>,
    timeout: Duration,
    env: Env,
}

/// Why a server gave no numbers.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    /// Nothing came back.
    #[error("{0}")]
    Send(#[from] SendError),
    /// The server is unwell.
    #[error("the server answers {0}")]
    Status(StatusCode),
    /// It refuses who asks.
    #[error("the server answers {0}: check the credentials of its entry in the monitor's sources")]
    Credentials(StatusCode),
    /// What it answers is no use.
    #[error("{0}")]
    Answer(#[from] AnswerError),
    /// The answer is too large.
    #[error("the answer is larger than what is read: narrow the selector")]
    TooLarge,
    /// A secret cannot be read.
    #[error("{path} cannot be read")]
    Secret {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
}

// === impl AskError ===

impl AskError {
    /// Whether another attempt may help now. Who gave no answer in time is not asked again at once.
    fn may_mend_at_once(&self) -> bool {
        !self.is_lasting() && !matches!(self, Self::Send(SendError::Timeout))
    }

    /// Whether it will not mend by itself.
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Send(error) => matches!(error, SendError::Refused { .. } | SendError::Url),
            Self::Credentials(_) | Self::TooLarge | Self::Secret { .. } => true,
            Self::Answer(error) => !matches!(error, AnswerError::Form(_)),
            Self::Status(_) => false,
        }
    }
}

// === impl Prometheus ===

impl Prometheus {
    /// At this address, or of the monitor's own configuration.
    pub fn new(client: Client, url: Url, credentials: Option<Server>, timeout: Duration, env: Env) -> Self {
        Self { client, url, credentials, timeout, env }
    }

    /// The raw samples that a selector has in the last `range`.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn raw(&self, selector: &str, range: Duration) -> Result<Vec<Series>, AskError> {
        self.ask(&format!("{selector}[{}s]", range.as_secs().max(1)), answer::read).await
    }

    /// What an expression gives now.
    ///
    /// # Errors
    /// The last attempt's.
    pub async fn current(&self, expression: &str) -> Result<Vec<Current>, AskError> {
        self.ask(expression, answer::read_current).await
    }

    async fn ask<T>(
        &self,
        query: &str,
        read: impl Fn(&[u8]) -> Result<T, AnswerError>,
    ) -> Result<T, AskError> {
        let mut pause = PAUSE;
        for _ in 0..RETRIES {
            match self.once(query, &read).await {
                Err(error) if error.may_mend_at_once() => {
                    tokio::time::sleep(self.env.jitter(pause, 20)).await;
                }
                done => return done,
            }
            pause *= 2;
        }
        self.once(query, &read).await
    }

    async fn once<T>(
        &self,
        query: &str,
        read_body: impl Fn(&[u8]) -> Result<T, AnswerError>,
    ) -> Result<T, AskError> {
        let mut form = self.url.clone();
        let timeout = format!("{}ms", self.timeout.as_millis());
        form.query_pairs_mut().clear().append_pair("query", query).append_pair("timeout", &timeout);
        let call = Call {
            method: Method::POST,
            url: self.endpoint(),
            headers: self.headers().await?,
            body: Bytes::from(form.query().unwrap_or_default().to_owned()),
            timeout: self.timeout,
        };
        read(&self.client.send(call).await?, read_body)
    }

    fn endpoint(&self) -> Url {
        let mut url = self.url.clone();
        let path = format!("{}/api/v1/query", url.path().trim_end_matches('/'));
        url.set_path(&path);
        url
    }

    async fn headers(&self) -> Result<HeaderMap, AskError> {
        let mut headers = HeaderMap::new();
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(header::CONTENT_TYPE, form);
        if let Some(value) = self.authorization().await? {
            headers.insert(header::AUTHORIZATION, value);
        }
        Ok(headers)
    }

    async fn authorization(&self) -> Result<Option<HeaderValue>, AskError> {
        let Some(server) = &self.credentials else { return Ok(None) };
        let (path, text) = if let Some(file) = &server.bearer_token_file {
            (file, format!("Bearer {}", secret(file).await?))
        } else if let (Some(user), Some(file)) = (&server.username, &server.password_file) {
            (file, format!("Basic {}", STANDARD.encode(format!("{user}:{}", secret(file).await?))))
        } else {
            return Ok(None);
        };
        let mut value = HeaderValue::try_from(text).map_err(|_| AskError::Secret {
            path: path.display().to_string(),
            source: io::Error::new(io::ErrorKind::InvalidData, "it has characters that no header has"),
        })?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn read<T>(answer: &Answer, read_body: impl Fn(&[u8]) -> Result<T, AnswerError>) -> Result<T, AskError> {
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => return Err(AskError::Credentials(answer.status)),
        status if status.is_redirection() => return Err(AskError::Status(status)),
        _ => {}
    }
    if answer.truncated {
        return Err(AskError::TooLarge);
    }
    match read_body(&answer.body) {
        Err(AnswerError::Form(_)) if !answer.status.is_success() => Err(AskError::Status(answer.status)),
        // it could not answer in time, or not now
        Err(AnswerError::Query { kind, text }) if answer.status.is_server_error() => {
            Err(AnswerError::Form(shortened(&format!("{kind}: {text}"))).into())
        }
        read => Ok(read?),
    }
}

async fn secret(path: &Path) -> Result<String, AskError> {
    let read = read_secret(path).await;
    read.map_err(|source| AskError::Secret { path: path.display().to_string(), source })
}
