//! What a step sends and nobody sees.

use url::Url;

use super::{Tools, chain};
use crate::{
    probes::spec::{SECRET, Step, Values},
    sources::servers::read_secret,
};

// === impl Tools ===

impl Tools {
    /// The secrets that a step names, if they may go where it goes.
    pub(super) async fn secrets(&self, step: &Step, url: &Url) -> Result<Values, String> {
        let mut found = Values::new();
        let headers = step.headers.iter().map(|(_, value)| value);
        for named in headers.chain([&step.body]).flat_map(|template| template.secrets()) {
            let name = named.trim_start_matches(SECRET);
            let known = self.secrets.get(name);
            let secret = known.ok_or_else(|| format!("the monitor's sources have no secret {name}"))?;
            let host = url.host_str().unwrap_or_default();
            if !secret.hosts.iter().any(|known| known.eq_ignore_ascii_case(host)) {
                return Err(format!("the secret {name} may not be sent to {host}"));
            }
            let read = read_secret(&secret.file).await;
            let value =
                read.map_err(|error| format!("the secret {name} cannot be read: {}", chain(&error)))?;
            found.insert(named.to_owned(), value);
        }
        Ok(found)
    }
}
