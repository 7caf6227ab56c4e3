//! `kill -9` of the services in the middle of a rollout: how long until the platform is converged on it again.
//!
//! The fake platform lives in the same process and loses everything with it, so that "converging again" can be seen from
//! the outside: both fleets are there again, and the split is what it was.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, ensure};
use bellwether_clock::Timestamp;
use bellwether_proto::executor::v1::Rollout;
use bellwether_tests::{stack::Stack, wait::until_within};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};

use crate::{
    direct,
    figures::Figures,
    on_fake,
    run::Run,
    stats::{max, median, millis},
};

const PATIENCE: Duration = Duration::from_secs(30);

/// Kills and starts again, time after time.
pub async fn measure(run: &Run) -> anyhow::Result<Figures> {
    let stack = Arc::new(on_fake::up(&run.program).await?);
    let control = stack.fake_control();
    let stable = on_fake::serving(&stack, 1).await?;
    let candidate = direct::start(&stack, on_fake::baking()).await?;
    let fleets = stable.iter().chain([&candidate]).map(direct::fleet).collect::<Vec<_>>();
    converged(control, &fleets).await?;
    let mut stack = Arc::try_unwrap(stack).ok().context("the stack is still used")?;
    let mut took = vec![];
    for _ in 0..run.pick(20, 3) {
        let killed = run.env.now();
        stack.process().kill()?;
        took.push(again(&mut stack, run, killed, control, &fleets).await?);
        still_open(&stack, &candidate).await?;
    }
    let mut figures = Figures::default();
    figures.numbers("kill_to_converging_ms", &[("p50", median(&took)), ("max", max(&took))]);
    figures.goal("less than 1 s", max(&took) < 1_000.0);
    figures.note(format!("{} times, the process started again at once, as an init system does", took.len()));
    Ok(figures)
}

async fn again(
    stack: &mut Stack,
    run: &Run,
    killed: Timestamp,
    control: SocketAddr,
    fleets: &[String],
) -> anyhow::Result<f64> {
    let (started, converged) = tokio::join!(stack.up_again(), converged(control, fleets));
    started?;
    converged?;
    Ok(millis(run.env.since(killed)))
}

/// Waits until the platform's split names all fleets, and each has instances.
async fn converged(control: SocketAddr, fleets: &[String]) -> anyhow::Result<()> {
    let ask = || async move {
        let state = state(control).await.ok()?;
        let all = |of: &str| {
            fleets.iter().all(|fleet| state.pointer(of).is_some_and(|it| it.to_string().contains(fleet)))
        };
        (all("/split") && all("/started")).then_some(())
    };
    until_within(PATIENCE, "the platform is converged on the rollout", ask).await
}

async fn state(control: SocketAddr) -> anyhow::Result<serde_json::Value> {
    let target = on_fake::name(0);
    let target = target.trim_start_matches("targets/");
    let client = Client::builder(TokioExecutor::new()).build_http::<Empty<Bytes>>();
    let response = client.get(format!("http://{control}/state?target={target}").parse()?).await?;
    ensure!(response.status().is_success(), "{}", response.status());
    Ok(serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?)
}

/// The rollout goes on: it was not given up.
async fn still_open(stack: &Stack, candidate: &Rollout) -> anyhow::Result<()> {
    let filter = format!("name = \"{}\"", candidate.name);
    let now = direct::follow(stack, &filter, |_| true).await?;
    ensure!(!bellwether_tests::shop::is_over(now.state()), "it has ended: {now:#?}");
    Ok(())
}
