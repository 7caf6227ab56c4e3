//! What the recorded journals are about.

use bellwether_proto::{executor::v1 as pb, monitor::v1::Decision};
use pb::{rollout::State, strategy::Kind};

use crate::house::{House, canary, direct, span, start};

/// One story.
#[derive(Clone, Copy, Debug)]
pub enum Story {
    GoodCanary,
    BadCanary,
    BlueGreen,
    Rolling,
    Abort,
    Supersede,
    NeedsOperator,
}

// === impl Story ===

impl Story {
    pub const ALL: [Self; 7] = [
        Self::GoodCanary,
        Self::BadCanary,
        Self::BlueGreen,
        Self::Rolling,
        Self::Abort,
        Self::Supersede,
        Self::NeedsOperator,
    ];

    /// As its files are named.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GoodCanary => "good-canary",
            Self::BadCanary => "bad-canary",
            Self::BlueGreen => "blue-green",
            Self::Rolling => "rolling",
            Self::Abort => "abort",
            Self::Supersede => "supersede",
            Self::NeedsOperator => "needs-operator",
        }
    }

    /// Lets it happen.
    pub async fn tell(self) -> House {
        let good = matches!(self, Self::GoodCanary | Self::BlueGreen | Self::Rolling);
        let mut house = if good { House::passing().await } else { House::silent().await };
        house.stable(4).await;
        match self {
            Self::GoodCanary => succeeds(&mut house, canary("2")).await,
            Self::BlueGreen => succeeds(&mut house, of(Kind::BlueGreen)).await,
            Self::Rolling => succeeds(&mut house, of(Kind::Rolling)).await,
            Self::BadCanary => {
                let rollout = at_ten(&mut house, canary("2")).await;
                house.world.script.say(&rollout.name, Decision::Fail);
                house.ended(&rollout.name).await;
            }
            Self::Abort => abort(&mut house).await,
            Self::Supersede => {
                let rollout = at_ten(&mut house, canary("2")).await;
                let newer = house.rollout(direct("3")).await;
                house.ended(&rollout.name).await;
                house.ended(&newer.name).await;
            }
            Self::NeedsOperator => {
                let mut request = canary("2");
                request.spec.as_mut().unwrap().irreversible = true;
                let rollout = at_ten(&mut house, request).await;
                house.world.script.say(&rollout.name, Decision::Fail);
                house.in_state(&rollout.name, State::NeedsOperator).await;
            }
        }
        house
    }
}

fn of(kind: Kind) -> pb::StartRolloutRequest {
    let bake = pb::Bake { min: Some(span(0)), ..pb::Bake::default() };
    start("2", pb::Strategy { kind: kind.into(), bake: Some(bake), ..pb::Strategy::default() })
}

/// Every segment passes.
async fn succeeds(house: &mut House, request: pb::StartRolloutRequest) {
    let rollout = house.rollout(request).await;
    assert_eq!(house.ended(&rollout.name).await.state(), State::Succeeded);
}

async fn at_ten(house: &mut House, request: pb::StartRolloutRequest) -> pb::Rollout {
    let rollout = house.rollout(request).await;
    house.world.script.segment(&rollout.name, 1).await;
    house.at(&rollout.name, "BAKE", 10.0).await
}

/// Paused, then taken back.
async fn abort(house: &mut House) {
    let rollout = at_ten(house, canary("2")).await;
    let (name, reason) = (rollout.name.clone(), "lunch".to_owned());
    house.client.pause_rollout(pb::PauseRolloutRequest { name, reason, ..Default::default() }).await.unwrap();
    let (name, reason) = (rollout.name.clone(), "on a hunch".to_owned());
    house.client.abort_rollout(pb::AbortRolloutRequest { name, reason, ..Default::default() }).await.unwrap();
    house.ended(&rollout.name).await;
}
