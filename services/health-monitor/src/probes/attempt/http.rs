//! Journeys over HTTP.

use std::time::Duration;

use bellwether_egress::{Answer, Call};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::{Answered, Failure, Tools, chain, judge::Read};
use crate::probes::spec::{Journey, MARK, Place, Spec, Step, Values};

// === impl Tools ===

impl Tools {
    /// One step after the other, until one is not as expected. `answered` has those that were.
    pub(super) async fn walk(
        &self,
        spec: &Spec,
        journey: &Journey,
        extra: &HeaderMap,
        answered: &mut Vec<Answered>,
    ) -> Result<(), Failure> {
        let mut values = self.values(spec);
        for step in &journey.steps {
            let failed = |text| Failure::of(&step.id, text);
            let url = url(journey, step, &values).map_err(failed)?;
            let secrets = self.secrets(step, &url).await.map_err(failed)?;
            let values_here =
                values.iter().chain(&secrets).map(|(name, value)| (name.clone(), value.clone()));
            let call = call(spec, step, url, extra, &values_here.collect()).map_err(failed)?;
            let begun = self.env.now();
            let answer = self.client.send(call).await.map_err(|error| failed(chain(&error)))?;
            let latency = self.env.since(begun);
            answered.push(Answered { id: step.id.clone(), status: answer.status.as_u16(), latency });
            take(step, &answer, latency, &secrets, &mut values).map_err(failed)?;
        }
        Ok(())
    }

    fn values(&self, spec: &Spec) -> Values {
        let value = |name: &str, value: String| (name.to_owned(), value);
        Values::from([
            value("application", spec.application.clone()),
            value("environment", spec.environment.clone()),
            value("run", self.env.uuid().to_string()),
        ])
    }
}

/// Judges an answer, and takes of it what later steps need.
fn take(
    step: &Step,
    answer: &Answer,
    latency: Duration,
    secrets: &Values,
    values: &mut Values,
) -> Result<(), String> {
    let read = Read::new(answer, &step.expect, &step.extract, secrets);
    read.judge(&step.expect, latency)?;
    for extract in &step.extract {
        values.insert(extract.name.clone(), read.extract(extract)?);
    }
    Ok(())
}

fn call(spec: &Spec, step: &Step, url: Url, extra: &HeaderMap, values: &Values) -> Result<Call, String> {
    let mut headers = HeaderMap::new();
    for (name, template) in &step.headers {
        let value = HeaderValue::try_from(template.fill(values));
        headers.append(
            name,
            value.map_err(|_| format!("what was extracted for the header {name} cannot be in one"))?,
        );
    }
    let own = matches!(step.place, Place::Path(_));
    for (name, value) in extra.iter().filter(|_| own) {
        headers.insert(name, value.clone());
    }
    headers
        .insert(MARK, HeaderValue::try_from(&spec.id).map_err(|_| "the probe's id is no header".to_owned())?);
    // what a kept connection hides: that no new one can be made
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(Call {
        method: step.method.clone(),
        url,
        headers,
        body: Bytes::from(step.body.fill(values)),
        // the run's own timeout is shorter, and knows the step
        timeout: spec.timeout * 2,
    })
}

fn url(journey: &Journey, step: &Step, values: &Values) -> Result<Url, String> {
    let text = match &step.place {
        Place::Path(path) => format!("{}{}", journey.url.as_str().trim_end_matches('/'), path.fill(values)),
        Place::Url(url) => url.fill(values),
    };
    Url::parse(&text).map_err(|error| format!("what was extracted makes no address: {error}"))
}
