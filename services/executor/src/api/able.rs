//! What platforms can do, as targets show it. It is no part of their state: drivers are asked.

use std::time::Duration;

use bellwether_proto::executor::v1 as pb;
use bellwether_rollout::TargetSpec;

use crate::{convert, drivers::Drivers};

/// A target is shown without it rather than later.
const PATIENCE: Duration = Duration::from_secs(2);

/// The target with what its platform and router can do now, or could when they last answered.
pub(super) async fn asked(drivers: &Drivers, target: pb::Target) -> pb::Target {
    let (platform, router) = (target.platform.clone(), target.router.clone());
    let spec = TargetSpec { platform, router, ..TargetSpec::default() };
    // what it answers is remembered, also where it answers too late
    let _answer = tokio::time::timeout(PATIENCE, drivers.capabilities(&spec)).await;
    known(drivers, target)
}

/// The target with what its platform and router could do when they last answered.
pub(super) fn known(drivers: &Drivers, target: pb::Target) -> pb::Target {
    let known = drivers.known(&target.platform, &target.router);
    pb::Target { capabilities: known.map(convert::capabilities), ..target }
}
