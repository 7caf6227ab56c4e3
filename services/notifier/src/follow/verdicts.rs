//! The monitor's verdicts. Their stream is no Watch: it has sequences instead of tokens.

use std::time::Duration;

use bellwether_client::{ApiError, Backoff, Transport};
use bellwether_clock::Timestamp;
use bellwether_proto::monitor::v1::{
    Analysis, GetAnalysisRequest, StreamVerdictsRequest, StreamVerdictsResponse, Verdict,
    health_monitor_service_client::HealthMonitorServiceClient, stream_verdicts_response::Message as Part,
};
use bellwether_resource::time::timestamp;
use bellwether_server::telemetry;
use tonic::{Code, Status};

use super::{
    Context,
    place::{Lost, Place},
};
use crate::{facts, message::Message};

type Client = HealthMonitorServiceClient<Transport>;

/// A heartbeat comes once a second.
const SILENCE: Duration = Duration::from_secs(10);
const FIRST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(5);

struct Verdicts {
    client: Client,
    place: Place,
    backoff: Backoff,
    /// At the beginning of a journal the newest verdict of each comes, whatever its age: those until then are old.
    since: Option<Timestamp>,
}

/// Why reading ended.
enum End {
    /// The stream is lost; it is opened again.
    Stream(Status),
    /// The outbox is.
    Outbox,
}

pub(super) async fn follow(context: Context, transport: Transport) {
    let (shutdown, env) = (context.shutdown.clone(), context.env.clone());
    let followed = async {
        let place = Place::open(context, "monitor/verdicts").await?;
        let backoff = Backoff::new(env, FIRST, LONGEST);
        let mut verdicts = Verdicts { client: Client::new(transport), place, backoff, since: None };
        loop {
            match verdicts.read().await {
                End::Outbox => return Err(Lost),
                End::Stream(status) => verdicts.pause(status).await,
            }
        }
    };
    let ended: Result<std::convert::Infallible, Lost> = tokio::select! {
        ended = followed => ended,
        () = shutdown.triggered() => return,
    };
    tracing::debug!(?ended, "verdicts are no longer followed");
}

// === impl Verdicts ===

impl Verdicts {
    async fn pause(&mut self, status: Status) {
        let pause = self.backoff.pause(None);
        tracing::debug!(%status, ?pause, "following verdicts again");
        tokio::time::sleep(pause).await;
    }

    /// Reads one stream to its end.
    async fn read(&mut self) -> End {
        let after_sequence = self.sequence();
        self.since = (after_sequence == 0).then(|| self.place.told());
        let request = StreamVerdictsRequest { analyses: vec![], after_sequence };
        let mut stream = match self.client.stream_verdicts(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => return End::Stream(status),
        };
        loop {
            let next = tokio::time::timeout(SILENCE, stream.message()).await;
            let taken = match next {
                Ok(Ok(Some(message))) => self.take(message).await,
                Ok(Ok(None)) => Err(End::Stream(Status::unavailable("the stream has ended"))),
                Ok(Err(status)) => Err(End::Stream(status)),
                Err(_) => Err(End::Stream(Status::unavailable("the stream is silent"))),
            };
            if let Err(end) = taken {
                return end;
            }
            self.backoff.reset();
        }
    }

    async fn take(&mut self, message: StreamVerdictsResponse) -> Result<(), End> {
        match message.message {
            Some(Part::Verdict(verdict)) if verdict.sequence > 0 => self.tell(&verdict).await,
            Some(Part::Heartbeat(heartbeat)) => self.beat(&heartbeat.resume_token).await,
            Some(Part::Verdict(_)) | None => Ok(()),
        }
    }

    /// A sequence behind ours is that of a journal that was begun anew: then everything in it is read.
    async fn beat(&mut self, sequence: &str) -> Result<(), End> {
        let Ok(theirs) = sequence.parse::<i64>() else { return Ok(()) };
        if theirs >= self.sequence() {
            return self.place.rest_at(sequence).await.map_err(End::from);
        }
        tracing::info!("the monitor's journal was begun anew");
        self.place.rest_at("0").await?;
        Err(End::Stream(Status::aborted("reading from the beginning")))
    }

    async fn tell(&mut self, verdict: &Verdict) -> Result<(), End> {
        let time = verdict.decide_time.as_ref().and_then(timestamp).unwrap_or(Timestamp::UNIX_EPOCH);
        let is_news = self.since.is_none_or(|since| time > since);
        let told = if is_news { self.analysis(&verdict.analysis).await? } else { None };
        let message = told.and_then(|(analysis, trace)| {
            facts::verdicts::of(verdict, &analysis).map(|message| Message { trace, ..message })
        });
        Ok(self.place.pass(message, &verdict.sequence.to_string(), time).await?)
    }

    /// The analysis, with its trace.
    async fn analysis(&mut self, name: &str) -> Result<Option<(Analysis, Option<String>)>, End> {
        loop {
            match self.client.get_analysis(GetAnalysisRequest { name: name.to_owned() }).await {
                Ok(answer) => {
                    let trace = answer.metadata().get(telemetry::TRACEPARENT);
                    let trace = trace.and_then(|trace| trace.to_str().ok()).map(ToOwned::to_owned);
                    return Ok(answer.into_inner().analysis.map(|analysis| (analysis, trace)));
                }
                Err(status) if status.code() == Code::NotFound => return Ok(None),
                Err(status) => self.place.pause(&ApiError::from(status)).await?,
            }
        }
    }

    fn sequence(&self) -> i64 {
        self.place.token().parse().unwrap_or(0)
    }
}

impl From<Lost> for End {
    fn from(Lost: Lost) -> Self {
        Self::Outbox
    }
}
