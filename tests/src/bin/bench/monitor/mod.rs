//! What the health-monitor does under load: how soon a verdict follows its sample with many analyses at work, what many more of
//! them take, how an analysis grows over a day, and what one update costs.
//!
//! The monitor is a process of its own, on a disk, and is spoken to over gRPC as gateways and an executor do.

mod analyses;
mod day;
mod gateways;
mod hearing;
mod many;
mod process;
mod soon;

use crate::{figures::Figures, judge, run::Run};

pub use day::{WORD as DAY, main as day};
pub use process::{WORD as PROGRAM, main as program};

/// Everything, one after the other.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let mut figures = Figures::default();
    soon::measure(run, &mut figures).await?;
    many::measure(run, &mut figures).await?;
    day::measure(run, &mut figures).await?;
    judge::speeds(&mut figures, run);
    Ok(figures)
}
