//! Starting, steering, ending and reading analyses.

use std::{borrow::Cow, sync::Arc};

use bellwether_judge::{SegmentKind, segment::Mode};
use bellwether_proto::{common::v1::Metadata, monitor::v1 as pb};
use bellwether_resource::{
    Call, Decision, Entry, Filter, FilterField, Paging, Violations,
    error::{NAME_TAKEN, PreconditionKind, Problem, STATE_CONFLICT, STORAGE_FAILED},
    etag, name, time,
};
use bellwether_server::{Caller, telemetry};
use tonic::{Response, Status};

use super::{Api, application, missing};
use crate::{
    convert,
    monitor::{self, warning},
    record::{Analyses, Ending, Event, Record},
};

const FIELDS: &[FilterField] =
    &[FilterField("target"), FilterField("state"), FilterField("team"), FilterField::LABELS];

// === impl Api ===

impl Api {
    pub(super) async fn start(
        &self,
        caller: &Caller,
        request: pb::StartAnalysisRequest,
    ) -> Result<pb::StartAnalysisResponse, Status> {
        let mut given = read_start(&request)?;
        let team = given.metadata.as_ref().map_or("", |metadata| metadata.team.as_str());
        caller.require_scope(team, application(&given.target))?;
        let call = Call::new(
            &caller.principal.to_string(),
            "bellwether.monitor.v1.HealthMonitorService/StartAnalysis",
            &request.request_id,
            &request,
        )?;
        let now = self.monitor.now();
        let history = self.monitor.histories.of(&given.target, &given.baseline_fleet, now);
        given.probes = self.monitor.probes.declared(&given.target, now);
        let (wanted, trace) = (given.clone(), telemetry::current_traceparent());
        let done = self.monitor.records.transact(&given.name, call, move |entry, _| {
            if entry.exists() {
                same_or_taken(entry, &wanted)?;
                return Ok(Decision::new(vec![]).answer(started));
            }
            let analysis = Box::new(wanted);
            let events = vec![Event::Started { analysis, history: Box::new(history), trace }];
            Ok::<_, Problem>(Decision::new(events).answer(started))
        });
        let record = done.await?.entry;
        self.put_to_work(&record).await?;
        Ok(pb::StartAnalysisResponse { analysis: Some(self.shown(&record.stream)?) })
    }

    /// Starts what the journal says is active and is not at work yet.
    async fn put_to_work(&self, record: &Record) -> Result<(), Problem> {
        if !record.state.is_active() || self.monitor.registry.get(&record.stream).is_some() {
            return Ok(());
        }
        let running = self.monitor.run(record, None, None)?;
        let unreadable = |error: bellwether_journal::ReadError| {
            tracing::error!(%error, "events cannot be looked up");
            STORAGE_FAILED.because("the service cannot read its journal")
        };
        for told in self.monitor.told_of(&running).await.map_err(unreadable)? {
            running.tell(warning(&told), told.critical, self.monitor.now());
        }
        self.monitor.settled(&running).await;
        Ok(())
    }

    pub(super) async fn update(
        &self,
        caller: &Caller,
        request: pb::UpdateAnalysisRequest,
    ) -> Result<pb::UpdateAnalysisResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        violations.name("name", &request.name, name::ANALYSIS);
        let given = violations.required("segment", request.segment).unwrap_or_default();
        let segment = violations.within("segment", |violations| convert::segment(violations, &given));
        violations.finish()?;
        let record = self.record(&request.name)?;
        self.require_scope(caller, &record)?;
        let call = Call::new(
            &caller.principal.to_string(),
            "bellwether.monitor.v1.HealthMonitorService/UpdateAnalysis",
            &request.request_id,
            &request,
        )?;
        let done = self.monitor.records.transact(&request.name, call, move |entry, _| {
            may_enter(entry, &given)?;
            let same = entry.state.analysis.as_ref().and_then(|analysis| analysis.segment) == Some(given);
            let ended = entry.state.ending.is_some();
            let events = if same || ended { vec![] } else { vec![Event::SegmentEntered { segment: given }] };
            Ok::<_, Problem>(Decision::new(events).answer(|_| pb::UpdateAnalysisResponse::default()))
        });
        done.await?;
        if let Some(running) = self.monitor.registry.get(&request.name)
            && running.segment().index <= segment.index
        {
            running.enter(segment, self.monitor.now());
            self.monitor.probes.wake(&running.target);
            self.monitor.settled(&running).await;
        }
        Ok(pb::UpdateAnalysisResponse { analysis: Some(self.shown(&request.name)?) })
    }

    pub(super) async fn stop(
        &self,
        caller: &Caller,
        request: pb::StopAnalysisRequest,
    ) -> Result<pb::StopAnalysisResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        violations.name("name", &request.name, name::ANALYSIS);
        violations.finish()?;
        let record = self.record(&request.name)?;
        self.require_scope(caller, &record)?;
        let call = Call::new(
            &caller.principal.to_string(),
            "bellwether.monitor.v1.HealthMonitorService/StopAnalysis",
            &request.request_id,
            &request,
        )?;
        let done = self.monitor.records.transact(&request.name, call, |entry, _| {
            let events = if entry.state.is_active() { vec![Event::Stopped] } else { vec![] };
            Ok::<_, Problem>(Decision::new(events).answer(|_| pb::StopAnalysisResponse::default()))
        });
        done.await?;
        self.monitor.registry.remove(&request.name);
        Ok(pb::StopAnalysisResponse { analysis: Some(self.shown(&request.name)?) })
    }

    /// With the trace of the analysis in the answer's metadata, for whoever tells of its verdicts.
    pub(super) fn get(
        &self,
        request: &pb::GetAnalysisRequest,
    ) -> Result<Response<pb::GetAnalysisResponse>, Status> {
        let mut violations = Violations::new();
        violations.name("name", &request.name, name::ANALYSIS);
        violations.finish()?;
        let record = self.record(&request.name)?;
        let mut answer = Response::new(pb::GetAnalysisResponse { analysis: Some(self.show(&record)) });
        if let Some(Ok(trace)) = record.state.trace.as_ref().map(|trace| trace.parse()) {
            answer.metadata_mut().insert(telemetry::TRACEPARENT, trace);
        }
        Ok(answer)
    }

    pub(super) fn list(&self, request: &pb::ListAnalysesRequest) -> Result<pb::ListAnalysesResponse, Status> {
        let mut violations = Violations::new();
        let filter = Filter::read(&mut violations, &request.filter, FIELDS);
        let query = ["ListAnalyses", &filter.canonical()];
        let paging = Paging::read(&mut violations, request.page_size, &request.page_token, &query);
        violations.finish()?;
        let mut found: Vec<(String, Record)> = self
            .monitor
            .records
            .all()
            .into_iter()
            .filter(|record| filter.matches(|field| value(record, field)))
            .map(|record| (format!("{:020} {}", record.create_time.as_microsecond(), record.stream), record))
            .collect();
        found.sort_by(|a, b| b.0.cmp(&a.0));
        let (page, next_page_token) = paging.cut(found, true);
        let analyses = page.iter().map(|record| self.show(record)).collect();
        Ok(pb::ListAnalysesResponse { analyses, next_page_token })
    }

    fn record(&self, name: &str) -> Result<Record, Problem> {
        self.monitor.records.get(name).ok_or_else(|| missing(name))
    }

    fn require_scope(&self, caller: &Caller, record: &Record) -> Result<(), Status> {
        let analysis = record.state.analysis.as_deref();
        let team = analysis.and_then(|a| a.metadata.as_ref()).map_or("", |metadata| metadata.team.as_str());
        caller.require_scope(team, analysis.map_or("", |analysis| application(&analysis.target)))
    }

    fn shown(&self, name: &str) -> Result<pb::Analysis, Problem> {
        self.record(name).map(|record| self.show(&record))
    }

    /// With its state and its newest verdict.
    fn show(&self, record: &Record) -> pb::Analysis {
        let mut analysis = record.state.analysis.as_deref().cloned().unwrap_or_default();
        let running = self.monitor.registry.get(&record.stream);
        let newest = running.and_then(|running| running.newest(self.monitor.now()));
        let verdict = newest.or_else(|| self.monitor.board.newest_of(&record.stream));
        let metadata = analysis.metadata.take().unwrap_or_default();
        analysis.metadata = Some(Metadata {
            etag: etag::of([record.stream.as_bytes(), &record.version.to_be_bytes()]),
            version: i64::try_from(record.version).unwrap_or(i64::MAX),
            create_time: Some(time::to_timestamp(record.create_time)),
            update_time: Some(time::to_timestamp(record.update_time)),
            ..metadata
        });
        analysis.state = monitor::state(record.state.ending).into();
        analysis.verdict =
            verdict.map(Arc::unwrap_or_clone).or_else(|| record.state.verdict.as_deref().cloned());
        analysis
    }
}

fn started(_: &Entry<Analyses>) -> pb::StartAnalysisResponse {
    pb::StartAnalysisResponse::default()
}

/// The definition as it is kept.
fn read_start(request: &pb::StartAnalysisRequest) -> Result<pb::Analysis, Problem> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let given = violations.required("analysis", request.analysis.clone()).unwrap_or_default();
    let definition = violations.within("analysis", |violations| {
        violations.name("name", &given.name, name::ANALYSIS);
        violations.name("target", &given.target, name::TARGET);
        violations.text("candidate_fleet", &given.candidate_fleet, 1..=128);
        violations.text("baseline_fleet", &given.baseline_fleet, 0..=128);
        violations.text("candidate_version", &given.candidate_version, 0..=128);
        violations.text("baseline_version", &given.baseline_version, 0..=128);
        let distinct = given.candidate_fleet != given.baseline_fleet || given.candidate_fleet.is_empty();
        violations.check(
            distinct,
            "baseline_fleet",
            &given.baseline_fleet,
            "another fleet than the candidate",
        );
        if let Some(metadata) = &given.metadata {
            violations.within("metadata", |violations| {
                violations.team("team", &metadata.team);
                violations.labels("labels", &metadata.labels);
            });
        }
        monitor::read(violations, &pb::Analysis { probes: None, ..given.clone() })
    });
    violations.finish()?;
    let metadata = given.metadata.clone().unwrap_or_default();
    Ok(pb::Analysis {
        metadata: Some(Metadata { team: metadata.team, labels: metadata.labels, ..Metadata::default() }),
        // a first segment that is judged alone makes the one-sided checks take part
        one_sided_planned: definition.settings.one_sided
            || definition.segment.mode(definition.settings.has_baseline) == Mode::Alone,
        state: 0,
        verdict: None,
        probes: None,
        ..given
    })
}

/// The same analysis again is no mistake; which segment it is in does not matter.
fn same_or_taken(entry: &Entry<Analyses>, wanted: &pb::Analysis) -> Result<(), Problem> {
    let present = entry.state.analysis.as_deref().cloned().unwrap_or_default();
    // nor which probes there were
    let comparable =
        |analysis: &pb::Analysis| pb::Analysis { segment: None, probes: None, ..analysis.clone() };
    // whether a first segment was alone depends on the segment; the weights were fixed at the start
    let (one_sided_planned, only_one_sided_planned) =
        (present.one_sided_planned, present.only_one_sided_planned);
    let wanted = pb::Analysis { one_sided_planned, only_one_sided_planned, ..comparable(wanted) };
    if comparable(&present) == wanted {
        return Ok(());
    }
    Err(NAME_TAKEN.because(format!("{} exists with another definition", entry.stream)))
}

/// A segment must be the present one or a later one, and one that the weights were fixed for.
fn may_enter(entry: &Entry<Analyses>, given: &pb::Segment) -> Result<(), Problem> {
    let Some(analysis) = &entry.state.analysis else { return Err(missing(&entry.stream)) };
    if matches!(entry.state.ending, Some(Ending::Stopped | Ending::Expired)) {
        let state = monitor::state(entry.state.ending).as_str_name();
        return Err(STATE_CONFLICT.because(format!("{} has ended", entry.stream)).precondition(
            PreconditionKind::State,
            entry.stream.to_string(),
            format!("is {state}, must be STATE_ACTIVE; start another analysis"),
        ));
    }
    let present = analysis.segment.unwrap_or_default().index;
    if given.index < present {
        return Err(STATE_CONFLICT
            .because(format!("{} has left segment {}", entry.stream, given.index))
            .precondition(
                PreconditionKind::State,
                entry.stream.to_string(),
                format!("is in segment {present}; segments only go forward"),
            ));
    }
    let mut violations = Violations::new();
    let segment = convert::segment(&mut violations, given);
    let alone = segment.mode(!analysis.baseline_fleet.is_empty()) == Mode::Alone;
    if alone && !analysis.one_sided_planned {
        let allowed = "SPLIT, unless the analysis was started with one_sided_planned";
        let kind = match segment.kind {
            SegmentKind::Split => "SPLIT",
            SegmentKind::Full => "FULL",
            SegmentKind::Preview => "PREVIEW",
            SegmentKind::Shadow => "SHADOW",
        };
        violations.add("segment.kind", kind, allowed);
    }
    violations.finish()
}

fn value<'r>(record: &'r Record, field: &str) -> Option<Cow<'r, str>> {
    let analysis = record.state.analysis.as_deref()?;
    let metadata = analysis.metadata.as_ref();
    match field {
        "target" => Some(analysis.target.as_str().into()),
        "team" => metadata.map(|metadata| metadata.team.as_str().into()),
        "state" => {
            Some(monitor::state(record.state.ending).as_str_name().trim_start_matches("STATE_").into())
        }
        label => metadata?.labels.get(label.strip_prefix("labels.")?).map(|value| value.as_str().into()),
    }
}
