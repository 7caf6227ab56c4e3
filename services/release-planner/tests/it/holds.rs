//! Holds and vetoes.

use bellwether_proto::planner::v1 as pb;
use pb::release::State;
use tonic::Code;

use super::{
    files::{shop, submission},
    house::House,
    wait::{refusal, unmet},
};

#[tokio::test]
async fn a_hold_stops_every_start_until_all_are_released() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let first = house.hold("shop", "development").await;
    let second = house.hold("", "").await;
    let release = house.submit("1").await;
    house.until(&release.name, |release| unmet(release, "development") == ["HELD", "HELD"]).await;
    house.let_go(&first.name).await;
    house.until(&release.name, |release| unmet(release, "development") == ["HELD"]).await;
    house.let_go(&second.name).await;
    house.in_state(&release.name, State::Completed).await;
    let holds = house.client.list_holds(pb::ListHoldsRequest::default()).await.unwrap().into_inner();
    assert!(holds.holds.is_empty());
}

#[tokio::test]
async fn g13_a_vetoed_version_never_starts() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    house.apply(shop(&[("development", 1)])).await;
    let hold = house.hold("shop", "").await;
    let waiting = house.submit("1").await;
    house.because(&waiting.name, "development", "HELD").await;
    let veto = pb::VetoVersionRequest {
        application: "shop".into(),
        version: "1".into(),
        reason: "it leaks".into(),
        ..Default::default()
    };
    house.client.veto_version(veto).await.unwrap();
    house.let_go(&hold.name).await;
    house.because(&waiting.name, "development", "VERSION_VETOED").await;
    let status = house.promote(&waiting.name, "development").await.unwrap_err();
    assert_eq!(refusal(&status), "VERSION_VETOED");
    let status = house.client.submit_release(submission("1")).await.unwrap_err();
    assert_eq!((status.code(), refusal(&status).as_str()), (Code::FailedPrecondition, "VERSION_VETOED"));
    let other = house.submit("2").await;
    house.in_state(&other.name, State::Completed).await;
}

#[tokio::test]
async fn a_hold_on_something_that_does_not_exist_is_refused() {
    let mut house = House::passing().await;
    let request = pb::HoldPromotionRequest {
        application: "nothing".into(),
        reason: "incident".into(),
        ..Default::default()
    };
    assert_eq!(house.client.hold_promotion(request).await.unwrap_err().code(), Code::NotFound);
}

// === impl House ===

impl House {
    async fn hold(&mut self, application: &str, environment: &str) -> pb::Hold {
        let request = pb::HoldPromotionRequest {
            application: application.into(),
            environment: environment.into(),
            reason: "incident".into(),
            ..Default::default()
        };
        self.client.hold_promotion(request).await.unwrap().into_inner().hold.unwrap()
    }

    async fn let_go(&mut self, name: &str) {
        let request =
            pb::ReleaseHoldRequest { name: name.into(), reason: "over".into(), ..Default::default() };
        self.client.release_hold(request).await.unwrap();
    }
}
