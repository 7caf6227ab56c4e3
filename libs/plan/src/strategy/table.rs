//! The strategy table as data.

use std::time::Duration;

use super::StrategyKind::{self, BlueGreen, BlueGreenCanary, Canary, Recreate, Rolling};
use crate::{ApplicationType, Criticality};

/// What is known about one kind of application.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// How bad it is when it does not work.
    pub(crate) criticality: Criticality,
    /// The downtime that it bears.
    pub(crate) downtime: Duration,
    /// The strategies that suit it, the first one best.
    pub(crate) preference: &'static [StrategyKind],
}

const MINUTE: u64 = 60;

/// The row of this kind. The first preference of each is the specification's; the others stand in for it where the platform
/// cannot do it or the way back takes too long.
pub(crate) fn row(kind: ApplicationType) -> Row {
    let (criticality, downtime, preference): (_, _, &[StrategyKind]) = match kind {
        ApplicationType::ECommerce => (Criticality::High, 0, &[BlueGreen, BlueGreenCanary, Canary, Rolling]),
        ApplicationType::BankingApi => {
            (Criticality::Critical, 0, &[BlueGreenCanary, BlueGreen, Canary, Rolling])
        }
        ApplicationType::InternalTool => {
            (Criticality::Medium, 5 * MINUTE, &[Rolling, Canary, BlueGreen, Recreate])
        }
        ApplicationType::Batch => (Criticality::Low, 30 * MINUTE, &[Rolling, BlueGreen, Canary, Recreate]),
        ApplicationType::StaticSite => (Criticality::Low, 0, &[BlueGreen, Canary, Rolling]),
        ApplicationType::Custom => (Criticality::Medium, 0, &[Canary, BlueGreen, Rolling, Recreate]),
    };
    Row { criticality, downtime: Duration::from_secs(downtime), preference }
}
