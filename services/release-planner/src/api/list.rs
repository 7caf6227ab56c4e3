//! Reading: one, many, and why something waits.

use std::borrow::Cow;

use bellwether_plan::{ConditionState, conditions, next_change_at};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Filter, FilterField, Paging, Violations,
    error::{NOT_FOUND, Problem},
    time,
};
use tonic::Status;

use crate::{
    convert::{application_message, condition_message, environment_message, hold_message, plan_message},
    planner::{Planner, no_release, release_view},
    validate,
};

const BY_TEAM: &[FilterField] = &[FilterField("team"), FilterField::LABELS];
const OF_RELEASES: &[FilterField] = &[
    FilterField("application"),
    FilterField("state"),
    FilterField("team"),
    FilterField("version"),
    FilterField::LABELS,
];
const OF_HOLDS: &[FilterField] = &[FilterField("application"), FilterField("environment")];

// === impl Planner ===

impl Planner {
    pub(super) fn get_application(
        &self,
        request: &pb::GetApplicationRequest,
    ) -> Result<pb::GetApplicationResponse, Status> {
        let mut violations = Violations::new();
        let id = validate::application_id(&mut violations, "name", &request.name);
        violations.finish()?;
        let entry = self.stores().applications.get(&format!("applications/{id}"));
        let application = entry.and_then(|entry| application_message(&entry));
        let application = Some(application.ok_or_else(|| missing("application", id.as_str()))?);
        Ok(pb::GetApplicationResponse { application })
    }

    pub(super) fn list_applications(
        &self,
        request: &pb::ListApplicationsRequest,
    ) -> Result<pb::ListApplicationsResponse, Status> {
        let (filter, paging) =
            read("ListApplications", request.page_size, &request.page_token, &request.filter, BY_TEAM)?;
        let all = self.stores().applications.all();
        let all = all.iter().filter_map(|entry| application_message(entry));
        let found = all.filter(|one| filter.matches(|field| by_metadata(one.metadata.as_ref(), field)));
        let (applications, next_page_token) = paging.cut(found.map(|one| (one.name.clone(), one)), false);
        Ok(pb::ListApplicationsResponse { applications, next_page_token })
    }

    pub(super) fn get_environment(
        &self,
        request: &pb::GetEnvironmentRequest,
    ) -> Result<pb::GetEnvironmentResponse, Status> {
        let mut violations = Violations::new();
        let id = validate::environment_id(&mut violations, "name", &request.name);
        violations.finish()?;
        let entry = self.stores().environments.get(&format!("environments/{id}"));
        let environment = entry.and_then(|entry| environment_message(&entry));
        let environment = Some(environment.ok_or_else(|| missing("environment", id.as_str()))?);
        Ok(pb::GetEnvironmentResponse { environment })
    }

    pub(super) fn list_environments(
        &self,
        request: &pb::ListEnvironmentsRequest,
    ) -> Result<pb::ListEnvironmentsResponse, Status> {
        let (filter, paging) =
            read("ListEnvironments", request.page_size, &request.page_token, &request.filter, BY_TEAM)?;
        let all = self.stores().environments.all();
        let all = all.iter().filter_map(|entry| environment_message(entry));
        let found = all.filter(|one| filter.matches(|field| by_metadata(one.metadata.as_ref(), field)));
        let (environments, next_page_token) = paging.cut(found.map(|one| (one.name.clone(), one)), false);
        Ok(pb::ListEnvironmentsResponse { environments, next_page_token })
    }

    pub(super) fn get_release(
        &self,
        request: &pb::GetReleaseRequest,
    ) -> Result<pb::GetReleaseResponse, Status> {
        let mut violations = Violations::new();
        let id = validate::release_id(&mut violations, "name", &request.name);
        violations.finish()?;
        let book = self.stores().book();
        let entry = book.releases.get(&id).ok_or_else(|| no_release(id.as_str()))?;
        let release = entry.state.as_ref().ok_or_else(|| no_release(id.as_str()))?;
        let plan = plan_message(&release.plan, &release.plan_digest, release.parent_digest.as_ref());
        let plan = plan.map_err(|error| {
            bellwether_resource::error::INTERNAL.because(format!("the plan has no form: {error}"))
        })?;
        Ok(pb::GetReleaseResponse { release: Some(release_view(&book, entry, self.now())), plan: Some(plan) })
    }

    pub(super) fn list_releases(
        &self,
        request: &pb::ListReleasesRequest,
    ) -> Result<pb::ListReleasesResponse, Status> {
        let (filter, paging) =
            read("ListReleases", request.page_size, &request.page_token, &request.filter, OF_RELEASES)?;
        let (book, now) = (self.stores().book(), self.now());
        let all =
            book.releases.iter().rev().map(|(id, entry)| (id.to_string(), release_view(&book, entry, now)));
        let found = all.filter(|(_, one)| filter.matches(|field| of_release(one, field)));
        let (releases, next_page_token) = paging.cut(found, true);
        Ok(pb::ListReleasesResponse { releases, next_page_token })
    }

    pub(super) fn list_holds(&self, request: &pb::ListHoldsRequest) -> Result<pb::ListHoldsResponse, Status> {
        let (filter, paging) =
            read("ListHolds", request.page_size, &request.page_token, &request.filter, OF_HOLDS)?;
        let mut holds = self.stores().book().holds;
        holds.sort_by(|a, b| (a.since, &a.id).cmp(&(b.since, &b.id)));
        let keyed = holds
            .iter()
            .map(|hold| (format!("{:020} {}", hold.since.as_microsecond(), hold.id), hold_message(hold)));
        let found = keyed.filter(|(_, one)| {
            filter.matches(|field| match field {
                "application" => Some(Cow::from(one.application.as_str())),
                "environment" => Some(Cow::from(one.environment.as_str())),
                _ => None,
            })
        });
        let (holds, next_page_token) = paging.cut(found, false);
        Ok(pb::ListHoldsResponse { holds, next_page_token })
    }

    pub(super) fn explain_admission(
        &self,
        request: &pb::ExplainAdmissionRequest,
    ) -> Result<pb::ExplainAdmissionResponse, Status> {
        let mut violations = Violations::new();
        let id = validate::release_id(&mut violations, "name", &request.name);
        let environment = validate::environment_id(&mut violations, "environment", &request.environment);
        violations.finish()?;
        let book = self.stores().book();
        let release = book.release(id.as_str()).ok_or_else(|| no_release(id.as_str()))?;
        let found = conditions(book.situation(release, &environment), &environment, self.now());
        Ok(pb::ExplainAdmissionResponse {
            open: found.iter().all(|condition| condition.state != ConditionState::Unmet),
            next_change_time: next_change_at(&found).map(time::to_timestamp),
            conditions: found.iter().map(condition_message).collect(),
        })
    }
}

fn read(
    method: &str,
    page_size: i32,
    page_token: &str,
    filter: &str,
    fields: &[FilterField],
) -> Result<(Filter, Paging), Problem> {
    let mut violations = Violations::new();
    let filter = Filter::read(&mut violations, filter, fields);
    let paging = Paging::read(&mut violations, page_size, page_token, &[method, &filter.canonical()]);
    violations.finish()?;
    Ok((filter, paging))
}

fn missing(what: &str, id: &str) -> Problem {
    NOT_FOUND.because(format!("there is no {what} {id:?}")).with("name", format!("{what}s/{id}"))
}

/// `team` and `labels.KEY`.
pub(super) fn by_metadata<'v>(
    metadata: Option<&'v bellwether_proto::common::v1::Metadata>,
    field: &str,
) -> Option<Cow<'v, str>> {
    let metadata = metadata?;
    match field.strip_prefix(FilterField::LABELS.0) {
        Some(key) => metadata.labels.get(key).map(|value| Cow::from(value.as_str())),
        None => (field == "team").then(|| Cow::from(metadata.team.as_str())),
    }
}

/// The fields of releases that filters know.
pub(super) fn of_release<'v>(release: &'v pb::Release, field: &str) -> Option<Cow<'v, str>> {
    match field {
        "name" => Some(Cow::from(release.name.as_str())),
        "application" => Some(Cow::from(release.application.trim_start_matches("applications/"))),
        "state" => Some(Cow::from(release.state().as_str_name().trim_start_matches("STATE_"))),
        "version" => release.bundle.as_ref().map(|bundle| Cow::from(bundle.version.as_str())),
        _ => by_metadata(release.metadata.as_ref(), field),
    }
}
