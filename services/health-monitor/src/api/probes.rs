//! Creating, reading and removing probes.

use std::borrow::Cow;

use bellwether_proto::{common::v1::Metadata, monitor::v1 as pb};
use bellwether_resource::{
    Aggregate as _, Call, Decision, Entry, Filter, FilterField, Paging, Violations,
    error::{NOT_FOUND, PreconditionKind, Problem, STATE_CONFLICT},
    etag, time,
};
use bellwether_server::Caller;
use tonic::Status;

use super::Api;
use crate::probes::{self, Event, MOST, MOST_OF_TARGET, Probed, Record, Spec};

const FIELDS: &[FilterField] =
    &[FilterField("application"), FilterField("environment"), FilterField("team"), FilterField::LABELS];
/// The longest reason, in characters.
const REASON: usize = 1_000;

// === impl Api ===

impl Api {
    pub(super) async fn apply(
        &self,
        caller: &Caller,
        request: pb::ApplyProbeRequest,
    ) -> Result<pb::ApplyProbeResponse, Status> {
        let (probe, spec, etag) = read_apply(&request)?;
        let name = probe.name.clone();
        let team = probe.metadata.as_ref().map_or("", |metadata| metadata.team.as_str());
        caller.require_scope(team, &spec.application)?;
        self.require_scope_of(caller, &name)?;
        let call = call(caller, "ApplyProbe", &request.request_id, &request)?;
        let all = &self.monitor.probes;
        let _one_after_the_other = all.adding.lock().await;
        self.check_room(&spec, &name)?;
        let by = caller.principal.to_string();
        if request.validate_only {
            let empty = || Entry::<Probed>::empty(name.as_str().into()).into();
            let present = all.records.get(&name).unwrap_or_else(empty);
            etag::check(&name, &etag, &etag_of(&present))?;
            return Ok(pb::ApplyProbeResponse { probe: Some(probe) });
        }
        let done = all.records.transact(&name, call, move |entry, _| {
            etag::check(&entry.stream, &etag, &etag_of(entry))?;
            let same = entry.state.probe.as_deref() == Some(&probe);
            let events = if same { vec![] } else { vec![Event::Applied { probe: Box::new(probe), by }] };
            let answer = |entry: &Record| pb::ApplyProbeResponse { probe: shown(entry) };
            Ok::<_, Problem>(Decision::new(events).answer(answer))
        });
        let answer = done.await?.answer;
        self.monitor.probe(&name);
        Ok(answer)
    }

    pub(super) fn probes(&self, request: &pb::ListProbesRequest) -> Result<pb::ListProbesResponse, Status> {
        let mut violations = Violations::new();
        let filter = Filter::read(&mut violations, &request.filter, FIELDS);
        let query = ["ListProbes", &filter.canonical()];
        let paging = Paging::read(&mut violations, request.page_size, &request.page_token, &query);
        violations.finish()?;
        let all = self.monitor.probes.records.all();
        let all = all.iter().filter_map(|record| shown(record));
        let found = all.filter(|probe| filter.matches(|field| value(probe, field)));
        let (mut page, next_page_token) = paging.cut(found.map(|probe| (probe.name.clone(), probe)), false);
        for probe in &mut page {
            probe.status = self.monitor.probes.status(&probe.name);
        }
        Ok(pb::ListProbesResponse { probes: page, next_page_token })
    }

    pub(super) async fn delete(
        &self,
        caller: &Caller,
        request: pb::DeleteProbeRequest,
    ) -> Result<pb::DeleteProbeResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = probes::given_id(&mut violations, "name", &request.name);
        violations.text("reason", request.reason.trim(), 1..=REASON);
        violations.finish()?;
        let name = format!("{}{id}", Probed::PREFIX);
        self.require_scope_of(caller, &name)?;
        let call = call(caller, "DeleteProbe", &request.request_id, &request)?;
        let by = caller.principal.to_string();
        let done = self.monitor.probes.records.transact(&name, call, move |entry, _| {
            if entry.state.probe.is_none() {
                return Err(NOT_FOUND.because(format!("there is no probe {:?}", entry.stream)));
            }
            etag::check(&entry.stream, &request.etag, &etag_of(entry))?;
            let deleted = Event::Deleted { by, reason: request.reason };
            Ok::<_, Problem>(Decision::new(vec![deleted]).answer(|_| pb::DeleteProbeResponse {}))
        });
        let answer = done.await?.answer;
        self.monitor.probe(&name);
        Ok(answer)
    }

    /// Whoever may not touch a probe as it is may not make it his own.
    fn require_scope_of(&self, caller: &Caller, name: &str) -> Result<(), Status> {
        let record = self.monitor.probes.records.get(name);
        let Some(probe) = record.as_ref().and_then(|record| record.state.probe.as_deref()) else {
            return Ok(());
        };
        let team = probe.metadata.as_ref().map_or("", |metadata| metadata.team.as_str());
        caller.require_scope(team, &probe.application)
    }

    /// Refuses one more than there may be.
    fn check_room(&self, spec: &Spec, name: &str) -> Result<(), Problem> {
        let all = self.monitor.probes.records.all();
        let others: Vec<_> = all
            .iter()
            .filter(|record| *record.stream != *name)
            .filter_map(|record| record.state.probe.as_deref())
            .collect();
        let beside = |probe: &&&pb::Probe| {
            probe.application == spec.application && probe.environment == spec.environment
        };
        let of_target = others.iter().filter(beside).count();
        let (there, most, whose) = match of_target >= MOST_OF_TARGET {
            true => (of_target, MOST_OF_TARGET, spec.target.as_str()),
            false => (others.len(), MOST, "the monitor"),
        };
        if there < most {
            return Ok(());
        }
        let problem = STATE_CONFLICT.because(format!("{whose} has {there} probes, and may have {most}"));
        Err(problem.precondition(
            PreconditionKind::State,
            spec.target.clone(),
            format!("has {there} probes, may have {most}; delete one first"),
        ))
    }
}

fn call(
    caller: &Caller,
    method: &str,
    request_id: &str,
    request: &impl serde::Serialize,
) -> Result<Call, Problem> {
    let method = format!("bellwether.monitor.v1.HealthMonitorService/{method}");
    Call::new(&caller.principal.to_string(), &method, request_id, request)
}

/// The probe as it is kept, what it says, and the etag that it is to have.
fn read_apply(request: &pb::ApplyProbeRequest) -> Result<(pb::Probe, Spec, String), Problem> {
    let mut violations = Violations::new();
    violations.request_id(&request.request_id);
    let given = violations.required("probe", request.probe.clone());
    let spec = given
        .as_ref()
        .and_then(|given| violations.within("probe", |violations| probes::read(violations, given)));
    violations.finish()?;
    let (Some(given), Some(spec)) = (given, spec) else {
        return Err(bellwether_resource::error::INTERNAL.because("a probe without violations cannot be read"));
    };
    let metadata = given.metadata.clone().unwrap_or_default();
    let kept = Metadata { team: metadata.team, labels: metadata.labels, ..Metadata::default() };
    let probe = pb::Probe {
        name: format!("{}{}", Probed::PREFIX, spec.id),
        metadata: Some(kept),
        application: spec.application.clone(),
        environment: spec.environment.clone(),
        status: None,
        ..given
    };
    Ok((probe, spec, metadata.etag))
}

/// None: it is gone.
fn shown(record: &Record) -> Option<pb::Probe> {
    let probe = record.state.probe.as_deref()?.clone();
    let metadata = probe.metadata.clone().unwrap_or_default();
    let metadata = Metadata {
        etag: etag_of(record),
        version: i64::try_from(record.version).unwrap_or(i64::MAX),
        create_time: Some(time::to_timestamp(record.create_time)),
        update_time: Some(time::to_timestamp(record.update_time)),
        ..metadata
    };
    Some(pb::Probe { metadata: Some(metadata), ..probe })
}

fn etag_of(record: &Record) -> String {
    etag::of([record.stream.as_bytes(), &record.version.to_be_bytes()])
}

fn value<'p>(probe: &'p pb::Probe, field: &str) -> Option<Cow<'p, str>> {
    let metadata = probe.metadata.as_ref();
    match field {
        "application" => Some(probe.application.as_str().into()),
        "environment" => Some(probe.environment.as_str().into()),
        "team" => metadata.map(|metadata| metadata.team.as_str().into()),
        label => metadata?.labels.get(label.strip_prefix("labels.")?).map(|value| value.as_str().into()),
    }
}
