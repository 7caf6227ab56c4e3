//! Policies tried on what is there and on what was: `analyze`, `replay`, `policy test`, with plots, as people type them.

use std::{collections::HashMap, fs, path::PathBuf};

use bellwether::load::Load;
use bellwether_proto::{
    executor::v1::{Bake, Rollout, rollout::State},
    monitor::v1::{HealthPolicy, OtlpMetric, OtlpSource, Preset, PushSource, Source, source::Kind},
    planner::v1::{Deployment, Environment},
};
use bellwether_tests::{
    ports::free_address,
    shop::{self, ENVIRONMENT, Release},
    stack::Stack,
};

use super::PROGRAM;

/// A stack with the shop under load, and a directory for files.
struct Desk {
    stack: Stack,
    load: Load,
    directory: tempfile::TempDir,
}

// === impl Desk ===

impl Desk {
    async fn new() -> Self {
        let stack = Stack::up(PROGRAM).await.unwrap();
        let load = shop::serving(&stack, "shop", 2, 200).await.unwrap();
        Self { stack, load, directory: tempfile::tempdir().unwrap() }
    }

    /// With a shop that tells its orders over OpenTelemetry.
    async fn with_orders() -> Self {
        let stack = Stack::up(PROGRAM).await.unwrap();
        let front = free_address().unwrap();
        let endpoint = format!("http://{}", stack.listen());
        let deployment = Deployment {
            env: HashMap::from([("SHOP_OTLP_ENDPOINT".to_owned(), endpoint)]),
            health: Some(business()),
            ..shop::deployment(2, &front.to_string())
        };
        let environment = Environment { name: ENVIRONMENT.to_owned(), ..Default::default() };
        shop::apply_environment(&stack, environment).await.unwrap();
        shop::apply_to(&stack, "shop", HashMap::from([(ENVIRONMENT.to_owned(), deployment)])).await.unwrap();
        let desk =
            Self { load: shop::load(&stack, front, 400), stack, directory: tempfile::tempdir().unwrap() };
        desk.release(&Release::unjudged("1"), State::Succeeded).await;
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file of a policy; returns its name.
    fn policy(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), format!("kind: HealthPolicy\nwarm_up: 500ms\n{text}")).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    async fn release(&self, release: &Release, state: State) -> Rollout {
        let name = shop::submit(&self.stack, "shop", release).await.unwrap();
        let rollout = shop::ended(&self.stack, &name).await.unwrap();
        assert_eq!(rollout.state(), state, "{rollout:#?}");
        rollout
    }

    async fn expect(&self, code: i32, args: &[&str]) -> String {
        let (got, out, errors) = self.stack.cli(args).await.unwrap();
        assert_eq!(got, code, "{args:?}: {out}\n{errors}");
        out
    }

    /// The plot is XML with curves in it, and says this.
    fn plotted(&self, name: &str, says: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        let svg = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!(svg.root_element().tag_name().name(), "svg");
        let curves = svg.descendants().filter(|node| node.has_tag_name("polyline"));
        assert!(
            curves.filter(|curve| curve.attribute("points").is_some_and(|it| it.len() > 20)).count() > 1,
            "{text}"
        );
        assert!(
            svg.descendants().any(|node| node.text().is_some_and(|it| it.contains(says))),
            "{says}: {text}"
        );
    }
}

/// Requests by the gateway, orders by the shop itself.
fn business() -> HealthPolicy {
    let source = |id: &str, kind| Source { id: id.to_owned(), kind: Some(kind), ..Default::default() };
    let orders = OtlpMetric { id: "orders".to_owned(), name: "shop.orders".to_owned() };
    HealthPolicy {
        warm_up: shop::millis(500),
        preset: Preset::Business.into(),
        sources: vec![
            source("gateway", Kind::Push(PushSource::default())),
            source("shop", Kind::Otlp(OtlpSource { metrics: vec![orders] })),
        ],
        ..Default::default()
    }
}

/// The same in a file.
const BUSINESS: &str = "
preset: business
sources:
  - { id: gateway, push: {} }
  - { id: shop, otlp: { metrics: [{ id: orders, name: shop.orders }] } }
";

/// The line of a table that begins with this.
fn line<'t>(table: &'t str, begins: &str) -> &'t str {
    let found = table.lines().find(|line| line.trim_start().starts_with(begins));
    found.unwrap_or_else(|| panic!("no line of {begins:?} in {table}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_policy_says_when_it_would_have_decided() {
    let desk = Desk::new().await;
    desk.release(&Release::canary("2").set("SHOP_ERRORS_PERCENT", "20"), State::RolledBack).await;
    let plot = desk.path("bad.svg");
    let plot = plot.to_str().unwrap();
    // as strict as the one that it had, and one that looks elsewhere
    let same = desk.policy("same.yaml", "");
    let out = desk.expect(0, &["replay", "shop@test-2", "--policy", &same, "--plot", plot]).await;
    let (under, at_the_time) = out.split_once("at the time").unwrap();
    assert!(under.contains("FAIL CHECK_FAILED") && at_the_time.contains("FAIL CHECK_FAILED"), "{out}");
    assert!(line(at_the_time, "FAIL errors").contains("blocking"), "{out}");
    desk.plotted("bad.svg", "FAIL after");
    let blind = desk.policy("blind.yaml", "checks: [{ id: speed, latency: {} }]\n");
    let out = desk.expect(0, &["replay", "shop@test-2", "--policy", &blind]).await;
    let (under, at_the_time) = out.split_once("at the time").unwrap();
    assert!(!under.contains("FAIL") && at_the_time.contains("FAIL CHECK_FAILED"), "{out}");
    // one that is content with less evidence decides no later, one that wants more not within what was recorded
    let failed_after = |answer: &str| {
        let answer: serde_json::Value = serde_json::from_str(answer).unwrap();
        let delay = answer.pointer("/replays/0/delay")?.as_str()?.trim_end_matches('s').parse::<f64>();
        Some(delay.unwrap())
    };
    let eager = desk.policy("eager.yaml", "alpha_percent: 20\n");
    let sure = desk.policy("sure.yaml", "alpha_percent: 0.001\n");
    let mut after = Vec::new();
    for policy in [&eager, &same, &sure] {
        after.push(failed_after(
            &desk.expect(0, &["-o", "json", "replay", "shop@test-2", "-p", policy]).await,
        ));
    }
    assert!(after[0].is_some() && after[1].is_some() && after[0] <= after[1], "{after:?}");
    assert!(after[2].is_none_or(|sure| Some(sure) >= after[1]), "{after:?}");
    let recorded = desk.expect(0, &["analyze", "--recorded", "shop@test-2"]).await;
    assert!(recorded.contains("at the time"), "{recorded}");
    desk.expect(3, &["replay", "shop@test-2", "--policy", "/no/such/policy.yaml"]).await;
    desk.expect(4, &["replay", "shop@test-99"]).await;
    assert_eq!(desk.load.tally().failed, 0, "{:?}", desk.load.tally().failures);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_is_tried_on_faults_and_the_ones_it_misses_are_listed() {
    let desk = Desk::new().await;
    desk.release(&Release::canary("2"), State::Succeeded).await;
    let full = desk.policy("full.yaml", "");
    let drill = ["policy", "test", &full, "--rollout", "shop@test-2", "--after", "1s"];
    let out = desk.expect(0, &drill).await;
    assert!(
        line(&out, "5 % errors").contains("seen") && line(&out, "5 % errors").contains("errors"),
        "{out}"
    );
    assert!(line(&out, "5 % answered 401").contains("status-401"), "{out}");
    assert!(line(&out, "silence").contains("seen"), "{out}");
    assert!(line(&out, "business").contains("MISSED"), "{out}");
    assert!(line(&out, "business").contains("no check of what the business counts"), "{out}");
    let blind = desk.policy("blind.yaml", "checks: [{ id: speed, latency: {} }]\n");
    let out = desk.expect(0, &["policy", "test", &blind, "-r", "shop@test-2", "--after", "1s"]).await;
    assert!(line(&out, "5 % errors").contains("MISSED"), "{out}");
    assert!(line(&out, "5 % answered 401").contains("MISSED"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_of_orders_is_put_into_a_recording_that_holds_them() {
    let desk = Desk::with_orders().await;
    let mut good = Release::canary("2");
    // long enough beside each other to see half of the orders missing
    good.strategy.bake =
        Some(Bake { min: shop::millis(40_000), max: shop::millis(120_000), no_checks: false });
    desk.release(&good, State::Succeeded).await;
    let policy = desk.policy("business.yaml", BUSINESS);
    let out = desk.expect(0, &["policy", "test", &policy, "-r", "shop@test-2", "--after", "3s"]).await;
    let found = line(&out, "business down by half");
    assert!(found.contains("seen") && found.trim_end().ends_with("business"), "{out}");
    assert!(line(&out, "5 % errors").contains("errors"), "{out}");
    // a policy that counts nothing of it misses it, and says why
    let blind = desk.policy("blind.yaml", "");
    let out = desk.expect(0, &["policy", "test", &blind, "-r", "shop@test-2", "--after", "3s"]).await;
    assert!(line(&out, "business down by half").contains("MISSED"), "{out}");
    // what serves, by what it exports alone
    let exported = desk.policy("exported.yaml", "sources: [{ id: shop, otlp: {} }]\n");
    let live = ["analyze", "shop@test", "--policy", &exported, "--for", "6s"];
    let out = desk.expect(0, &live).await;
    assert!(!line(&out, "ok   errors-alone").contains("n=0"), "{out}");
    // what was read at the time is judged again as it was
    let out = desk.expect(0, &["replay", "shop@test-2", "--policy", &policy]).await;
    let (under, _) = out.split_once("at the time").unwrap();
    assert!(under.contains("PASS") && !under.contains("FAIL"), "{out}");
    let orders = line(&out, "ok   business");
    assert!(orders.contains("per request") && !orders.contains("n=0"), "{out}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_serves_is_analysed_without_a_rollout() {
    let desk = Desk::new().await;
    let plot = desk.path("live.svg");
    let live = ["analyze", "shop@test", "--for", "5s", "--plot", plot.to_str().unwrap()];
    let out = desk.expect(0, &live).await;
    let errors = line(&out, "ok   errors-alone");
    assert!(errors.contains("blocking") && !errors.contains("n=0"), "{out}");
    desk.plotted("live.svg", "shop@test");
    // two versions that serve side by side
    let name = shop::submit(&desk.stack, "shop", &Release::endless("2")).await.unwrap();
    let serves = |it: &Rollout| it.split_observed.len() > 1;
    let rollout = shop::rollout_until(&desk.stack, &name, serves).await.unwrap();
    let candidate = rollout.name.trim_start_matches("rollouts/");
    let mut fleets = rollout.split_observed.iter().map(|it| it.fleet.as_str());
    let stable = fleets.find(|fleet| *fleet != candidate).unwrap();
    let looks = ["analyze", "shop@test", "--candidate", candidate, "--baseline", stable, "--for", "8s"];
    let out = desk.expect(0, &[&["-o", "json"], &looks[..]].concat()).await;
    let verdict: serde_json::Value = serde_json::from_str(&out).unwrap();
    let checks = verdict["checks"].as_array().unwrap();
    let errors = checks.iter().find(|check| check["id"] == "errors").unwrap();
    let count = |side: &str| errors[side].as_str().unwrap().parse::<u64>().unwrap();
    assert!(count("candidateSamples") > 200 && count("baselineSamples") > 200, "{out}");
    desk.expect(3, &["analyze", "shop", "--for", "1s"]).await;
}
