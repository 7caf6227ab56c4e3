//! What `bellwether up` with its agent takes while nothing happens.

use std::time::Duration;

use bellwether_tests::{stack::Stack, wait::until};

use crate::{
    figures::Figures,
    resources::{Memory, children, memory},
    run::Run,
    stats::median,
};

/// What starting up leaves behind has settled by then.
const SETTLED: Duration = Duration::from_secs(10);

/// Resident memory of the services, the supervisor and the gateway together.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let (mut resident, mut proportional, mut parts) = (vec![], vec![], String::new());
    for _ in 0..run.pick(3, 1) {
        let processes = once(run).await?;
        resident.push(processes.iter().map(|(_, memory)| memory.resident).sum());
        proportional.push(processes.iter().map(|(_, memory)| memory.proportional).sum());
        let each = processes.iter().map(|(name, memory)| format!("{name} {:.1}", memory.resident));
        parts = each.collect::<Vec<_>>().join(", ");
    }
    let rss = median(&resident);
    let mut figures = Figures::default();
    figures.number("rss_mib", rss);
    figures.goal("less than 60 MiB resident", rss < 60.0);
    figures.note(format!(
        "the sum over the processes ({parts}); with shared pages counted once: {:.1} MiB",
        median(&proportional)
    ));
    Ok(figures)
}

async fn once(run: &Run) -> anyhow::Result<Vec<(&'static str, Memory)>> {
    let mut stack = Stack::up(&run.program).await?;
    let supervisor = stack.supervisor()?;
    let gateways = until("the gateway runs", || async move {
        children(supervisor).ok().filter(|children| !children.is_empty())
    });
    let gateways = gateways.await?;
    tokio::time::sleep(SETTLED).await;
    let mut processes =
        vec![("services", memory(stack.process().id())?), ("supervisor", memory(supervisor)?)];
    for gateway in gateways {
        processes.push(("gateway", memory(gateway)?));
    }
    Ok(processes)
}
