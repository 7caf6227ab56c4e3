//! Stopping the line, and letting it go on.

use bellwether_plan::{Hold, HoldCause};
use bellwether_proto::planner::v1 as pb;
use bellwether_resource::{
    Aggregate, Decision, Entry, Violations,
    error::{NOT_FOUND, Problem},
    name::{Id, Kind},
};
use tonic::Status;

use super::Asker;
use crate::{
    book::{Book, HoldEvent, Holds},
    convert::hold_message,
    planner::Planner,
    validate,
};

const HOLD: Kind = Kind { collection: "holds", id: Id::Uuid };

// === impl Planner ===

impl Planner {
    /// Stops the line.
    pub(crate) async fn hold_promotion(
        &self,
        asker: Asker,
        request: pb::HoldPromotionRequest,
    ) -> Result<pb::HoldPromotionResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let application = (!request.application.is_empty())
            .then(|| validate::application_id(&mut violations, "application", &request.application));
        let environment =
            validate::optional_environment(&mut violations, "environment", &request.environment);
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        asker.require_scope("", application.as_ref().map_or("", |id| id.as_str()))?;
        let call = asker.call("HoldPromotion", &request.request_id, &request)?;
        let hold = Hold {
            id: self.env().uuid().to_string(),
            application,
            environment,
            cause: HoldCause::Person,
            by: asker.by,
            reason: request.reason,
            since: self.now(),
        };
        let stream = format!("{}{}", Holds::PREFIX, hold.id);
        let done = self.turn().await.decide(&self.stores().holds, &stream, call, move |_, book, _| {
            check_scope(&hold, book)?;
            let answer = |entry: &Entry<Holds>| pb::HoldPromotionResponse {
                hold: entry.state.as_ref().map(hold_message),
            };
            Ok::<_, Problem>(Decision::new(vec![HoldEvent::Held { hold }]).answer(answer))
        });
        Ok(done.await?.answer)
    }

    /// Ends one hold.
    pub(crate) async fn release_hold(
        &self,
        asker: Asker,
        request: pb::ReleaseHoldRequest,
    ) -> Result<pb::ReleaseHoldResponse, Status> {
        let mut violations = Violations::new();
        violations.request_id(&request.request_id);
        let id = violations.name("name", &request.name, HOLD).unwrap_or_default().to_owned();
        validate::reason(&mut violations, &request.reason);
        violations.finish()?;
        let call = asker.call("ReleaseHold", &request.request_id, &request)?;
        let stream = format!("{}{id}", Holds::PREFIX);
        let done = self.turn().await.decide(&self.stores().holds, &stream, call, move |entry, _, _| {
            if entry.state.is_none() {
                return Err(NOT_FOUND.because(format!("there is no hold {id:?} in force")));
            }
            let released = HoldEvent::Released { by: asker.by, reason: request.reason };
            Ok::<_, Problem>(Decision::new(vec![released]).answer(|_| pb::ReleaseHoldResponse {}))
        });
        Ok(done.await?.answer)
    }
}

/// What a hold names must exist: a typing error would stop nothing.
fn check_scope(hold: &Hold, book: &Book) -> Result<(), Problem> {
    if let Some(id) = &hold.application
        && book.application(id.as_str()).is_none()
    {
        return Err(NOT_FOUND.because(format!("there is no application {:?}", id.as_str())));
    }
    if let Some(id) = &hold.environment
        && book.environment(id.as_str()).is_none()
    {
        return Err(NOT_FOUND.because(format!("there is no environment {:?}", id.as_str())));
    }
    Ok(())
}
