//! How applications are, rollout or not.

use std::time::Duration;

use bellwether_clock::{Timestamp, spawn};
use bellwether_judge::{burn::Urgency, capacity};
use bellwether_proto::{
    common::v1::WatchHeartbeat,
    monitor::v1::{self as pb, watch_health_response::Message},
};
use bellwether_resource::{
    Violations,
    error::{NOT_FOUND, Problem, STORAGE_FAILED},
    name, time,
};
use bellwether_server::Shutdown;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Status};

use super::Api;
use crate::{
    health::{Anomaly, Vitals},
    probes,
};

mod categories;

/// A sign of life.
const EVERY: Duration = Duration::from_secs(5);
/// Sent ahead of a reader; beyond that his pace is ours.
const AHEAD: usize = 4;
const DAY: f64 = 86_400.0;
/// Nobody plans for longer.
const LONGEST_DAYS: f64 = 3_650.0;
const EVENTS: usize = 1_000;

type Sent = Result<pb::WatchHealthResponse, Status>;

// === impl Api ===

impl Api {
    pub(super) async fn health(&self, target: &str) -> Result<pb::Health, Status> {
        check(target)?;
        let events = self.business_events(target).await?;
        let now = self.monitor.now();
        let vitality = self.monitor.recorder.vitality();
        let found = vitality.of(target, |vitals| shown(target, vitals, &events, now));
        let health = found.unwrap_or_else(|| shown(target, &Vitals::default(), &events, now));
        let derived = self.monitor.declared.of(target).computed.shown(now);
        let health = pb::Health { derived, probes: self.monitor.probes_of(target), ..health };
        Ok(with_journeys(health, probes::journeys(&self.monitor.probes, target, now)))
    }

    pub(super) async fn healths(
        &self,
        request: Request<pb::WatchHealthRequest>,
    ) -> Result<ReceiverStream<Sent>, Status> {
        let shutdown = Shutdown::of(request.extensions());
        let target = request.into_inner().target;
        check(&target)?;
        let (out, stream) = mpsc::channel(AHEAD);
        let api = self.clone();
        spawn("health", async move {
            tokio::select! {
                () = api.tell_health(&target, &out) => {}
                () = out.closed() => {}
                () = shutdown.triggered() => {
                    // a reader so slow that there is no room just sees the end
                    _ = out.try_send(Err(Shutdown::status()));
                }
            }
        });
        Ok(ReceiverStream::new(stream))
    }

    async fn tell_health(&self, target: &str, out: &mpsc::Sender<Sent>) {
        let mut turns = self.monitor.recorder.vitality().subscribe();
        let mut sent = None;
        loop {
            let health = self.health(target).await;
            let message = match health {
                Ok(health) if sent.as_ref() != Some(&health) => {
                    sent = Some(health.clone());
                    Ok(Message::Health(health))
                }
                Ok(_) => {
                    let time = Some(time::to_timestamp(self.monitor.now()));
                    Ok(Message::Heartbeat(WatchHeartbeat { resume_token: String::new(), time }))
                }
                Err(status) => Err(status),
            };
            let ends = message.is_err();
            let message = message.map(|message| pb::WatchHealthResponse { message: Some(message) });
            if out.send(message).await.is_err() || ends {
                return;
            }
            // whichever comes first
            _ = tokio::time::timeout(EVERY, turns.changed()).await;
        }
    }

    pub(super) fn baseline(
        &self,
        request: &pb::GetBaselineRequest,
    ) -> Result<pb::GetBaselineResponse, Status> {
        check(&request.target)?;
        let hours = |vitals: &Vitals| {
            let hour = |(place, hour): (usize, &crate::health::Hour)| pb::BaselineHour {
                hour_of_week: i32::try_from(place).unwrap_or_default(),
                weeks: i32::try_from(hour.weeks).unwrap_or(i32::MAX),
                requests_per_second: hour.rate(),
                error_percent: 100.0 * hour.error_share(),
                p50_ms: hour.quantile(0.5),
                p95_ms: hour.quantile(0.95),
                p99_ms: hour.quantile(0.99),
            };
            vitals.week().seen().map(hour).collect()
        };
        let hours = self.monitor.recorder.vitality().of(&request.target, hours).unwrap_or_default();
        Ok(pb::GetBaselineResponse { hours })
    }

    pub(super) fn capacity(
        &self,
        request: &pb::GetCapacityForecastRequest,
    ) -> Result<pb::GetCapacityForecastResponse, Status> {
        let mut violations = Violations::new();
        violations.name("target", &request.target, name::TARGET);
        let limit = request.limit_requests_per_second;
        let fits = limit > 0.0 && limit <= 1e9;
        violations.check(fits, "limit_requests_per_second", limit, "above 0, at most 1000000000");
        violations.finish()?;
        let found = self.monitor.recorder.vitality().of(&request.target, Vitals::trend);
        let (points, kind) = found.ok_or_else(|| unknown(&request.target))?;
        let count = i32::try_from(points.len()).unwrap_or(i32::MAX);
        let Some(found) = capacity::forecast(&points, limit) else {
            let text = format!("{} hours are known of {}: too few for a trend", points.len(), request.target);
            return Err(NOT_FOUND.because(text).with("target", &request.target).into());
        };
        let last = points.last().map_or(0.0, |(day, _)| *day);
        let at = |days: Option<f64>| {
            let seconds = (last + days.filter(|days| *days <= LONGEST_DAYS)?) * DAY;
            Timestamp::from_second(seconds as i64).ok().map(time::to_timestamp)
        };
        Ok(pb::GetCapacityForecastResponse {
            requests_per_second: found.level,
            growth_per_day: found.slope,
            growth_low: found.slope_low,
            growth_high: found.slope_high,
            earliest_time: at(found.earliest),
            expected_time: at(found.expected),
            latest_time: at(found.latest),
            points: kind.to_owned(),
            count,
        })
    }

    /// Events of the business that were told of a target.
    async fn business_events(&self, target: &str) -> Result<Vec<pb::HealthEvent>, Problem> {
        let prefix = format!("health-event/{target}/");
        let found = self.monitor.records.journal().scan(&prefix, None, EVENTS).await.map_err(|error| {
            tracing::error!(%error, "events cannot be looked up");
            STORAGE_FAILED.because("the service cannot read its journal")
        })?;
        let read =
            found.iter().filter_map(|(_, value)| serde_json::from_slice::<pb::HealthEvent>(value).ok());
        Ok(read.filter(|event| event.kind() == pb::health_event::Kind::Business).collect())
    }
}

fn check(target: &str) -> Result<(), Problem> {
    let mut violations = Violations::new();
    violations.name("target", target, name::TARGET);
    violations.finish()
}

fn unknown(target: &str) -> Problem {
    NOT_FOUND.because(format!("nothing was counted of {target} yet")).with("target", target)
}

fn shown(target: &str, vitals: &Vitals, events: &[pb::HealthEvent], now: Timestamp) -> pb::Health {
    let burns = vitals.burn(now);
    let categories = categories::of(vitals, &burns, events, now);
    let burn = |burn: &bellwether_judge::burn::Burn| pb::BurnRate {
        threshold: burn.rule.rate,
        long_window: Some(time::to_duration(burn.rule.long)),
        short_window: Some(time::to_duration(burn.rule.short)),
        page: burn.rule.urgency == Urgency::Page,
        long_rate: burn.long,
        short_rate: burn.short,
        fires: burn.fires,
        log_evidence: burn.log_evidence,
    };
    let worst = categories.iter().map(|category| category.level).max();
    pb::Health {
        target: target.to_owned(),
        level: worst.unwrap_or(pb::Level::Ok.into()),
        burn_rates: burns.iter().map(burn).collect(),
        categories,
        slo_percent: 100.0 * vitals.slo(),
        anomalies: vitals.anomalies().map(anomaly).collect(),
        through_time: vitals.through().map(|at| time::to_timestamp(at + Duration::from_secs(60))),
        derived: Vec::new(),
        probes: Vec::new(),
    }
}

/// With what probes found, where there are any.
fn with_journeys(mut health: pb::Health, journeys: Option<pb::HealthCategory>) -> pb::Health {
    if let Some(journeys) = journeys {
        health.level = health.level.max(journeys.level);
        health.categories.push(journeys);
    }
    health
}

fn anomaly(anomaly: &Anomaly) -> pb::Anomaly {
    pb::Anomaly {
        time: Some(time::to_timestamp(anomaly.at)),
        signal: anomaly.signal.name().to_owned(),
        value: anomaly.value,
        usual: anomaly.usual,
        cause: anomaly.cause.clone(),
        surprise: anomaly.surprise,
    }
}
