//! What `bellwether up` with its agent takes while nothing happens.

use std::{path::Path, time::Duration};

use anyhow::{Context as _, ensure};
use bellwether_tests::{stack::Stack, wait::until};

use crate::{
    figures::Figures,
    resources::{Memory, children, memory},
    run::Run,
    stats::median,
};

/// The program `bellwether` as this package builds it.
const PRODUCT: &str = "bellwether-under-test";
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

/// Bellwether alone: this program holds the benchmarks and the simulated network beside it.
fn product(run: &Run) -> anyhow::Result<String> {
    let program = Path::new(&run.program).with_file_name(PRODUCT);
    let build = format!("cargo build --release -p bellwether-tests --bin {PRODUCT}");
    ensure!(program.exists(), "there is no {}; make it with `{build}`", program.display());
    Ok(program.to_str().context("the program's path is not UTF-8")?.to_owned())
}

async fn once(run: &Run) -> anyhow::Result<Vec<(&'static str, Memory)>> {
    let mut stack = Stack::up(&product(run)?).await?;
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
