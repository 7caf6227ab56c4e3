//! Header matches, sticky clients and copies of requests.

use std::collections::BTreeMap;

use bellwether_proto::executor::v1::{
    Rollout, Route, rollout::State, scale::Size, step::Kind as Step, strategy::Kind,
};
use bellwether_tests::{
    app::App,
    shop::{Release, unjudged_bake},
    stack::Stack,
    visit::visit,
    wait::until,
};

use super::{
    observe::{at, fleet_of},
    stage::{at_step, code, gate, routed, scale, share_of, stage, tester},
};

const TESTER: [(&str, &str); 1] = [("x-tester", "yes")];

fn matched(percent: f64) -> Step {
    Step::Route(Route { percent, r#match: vec![tester()], ..Default::default() })
}

/// The versions that so many users get, each counted.
async fn versions(app: &App<'_>, users: usize, headers: &[(&str, &str)]) -> BTreeMap<String, usize> {
    let mut versions = BTreeMap::new();
    for _ in 0..users {
        *versions.entry(visit(app.front, "/", headers).await.unwrap().version).or_default() += 1;
    }
    versions
}

fn only(version: &str, users: usize) -> BTreeMap<String, usize> {
    [(version.to_owned(), users)].into()
}

async fn no_rule_is_left(app: &App<'_>) {
    let route = routed(app).await;
    assert!(route.rules.is_empty() && route.match_fleet.is_empty() && !route.sticky, "{route:?}");
    assert!(route.mirror_fleet.is_empty() && route.mirror_percent == 0.0, "{route:?}");
}

async fn testers_get_the_candidate_at_0_and_no_rule_is_left(stack: &Stack) {
    let app = App::serving(stack, "matched", 2, |_| ()).await.unwrap();
    let steps = [scale(Size::Count(1)), matched(0.0), gate("a"), matched(50.0), gate("b")];
    for (version, before, aborted) in [("2", "1", true), ("3", "1", false)] {
        let name = app.submit(&Release::steps(version, steps.clone())).await.unwrap();
        let waits = app.until(&name, |it| at_step(it, 2)).await.unwrap();
        assert_eq!(share_of(&app.target().await.unwrap(), &fleet_of(&waits)), 0.0);
        assert_eq!(versions(&app, 12, &TESTER).await, only(version, 12));
        assert_eq!(versions(&app, 12, &[]).await, only(before, 12));
        if aborted {
            app.abort(&waits.name, "").await.unwrap();
            assert_eq!(app.ended(&name).await.unwrap().state(), State::RolledBack);
            assert_eq!(versions(&app, 12, &TESTER).await, only(before, 12));
        } else {
            app.approve(&waits, "a").await.unwrap();
            let waits = app.until(&name, |it| at_step(it, 4)).await.unwrap();
            assert_eq!(versions(&app, 12, &TESTER).await, only(version, 12), "all of them, beyond the half");
            assert_eq!(versions(&app, 40, &[]).await.len(), 2);
            app.approve(&waits, "b").await.unwrap();
            assert_eq!(app.ended(&name).await.unwrap().state(), State::Succeeded);
        }
        no_rule_is_left(&app).await;
    }
}

/// A user's browser: the cookie that it was given last.
#[derive(Default)]
struct Browser {
    cookie: String,
}

// === impl Browser ===

impl Browser {
    /// The version that it gets.
    async fn visits(&mut self, app: &App<'_>) -> String {
        let headers = [("cookie", self.cookie.as_str())];
        let headers = if self.cookie.is_empty() { &[][..] } else { &headers[..] };
        let got = visit(app.front, "/", headers).await.unwrap();
        if !got.cookie.is_empty() {
            self.cookie = got.cookie;
        }
        got.version
    }
}

/// The versions that these users get, one after the other.
async fn seen(app: &App<'_>, users: &mut [Browser]) -> Vec<String> {
    let mut versions = Vec::new();
    for user in users {
        versions.push(user.visits(app).await);
    }
    versions
}

/// Waits for a segment with this share.
async fn at_share(app: &App<'_>, release: &str, percent: f64) -> Rollout {
    app.until(release, |it| at(it) == ("BAKE", percent)).await.unwrap()
}

async fn who_got_the_candidate_stays_on_it(stack: &Stack) {
    let app = App::serving(stack, "sticky", 2, |_| ()).await.unwrap();
    let mut release = Release::endless("2").weights(&[20.0, 60.0, 100.0]);
    release.strategy.sticky = true;
    release.strategy.final_bake = unjudged_bake();
    let name = app.submit(&release).await.unwrap();
    let mut users: Vec<Browser> = (0..40).map(|_| Browser::default()).collect();
    let mut moved = 0;
    let mut before = vec![String::new(); users.len()];
    for percent in [20.0, 60.0] {
        let baking = at_share(&app, &name, percent).await;
        for _ in 0..3 {
            let now = seen(&app, &mut users).await;
            let stay = before.iter().zip(&now).filter(|(before, _)| *before == "2");
            assert!(stay.clone().all(|(_, now)| now == "2"), "{percent} %: {before:?} and then {now:?}");
            moved = moved.max(stay.count());
            before = now;
        }
        let share = before.iter().filter(|it| *it == "2").count();
        assert!((1..40).contains(&share), "at {percent} % {share} of 40 are on it");
        app.advance(&baking.name, baking.step_index, false).await.unwrap();
    }
    assert!(moved >= 1, "somebody was followed through a change of the weight");
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert!(seen(&app, &mut users).await.iter().all(|it| it == "2"));
    no_rule_is_left(&app).await;
    assert_eq!(visit(app.front, "/", &[]).await.unwrap().cookie, "", "nobody is given a cookie any more");
}

fn mirrored(version: &str) -> Release {
    let mut release = Release::of(version, Kind::Canary).weights(&[50.0, 100.0]);
    release.strategy.mirror_percent = 100.0;
    release
}

async fn errors_in_mirrored_traffic_count(stack: &Stack) {
    let app = App::serving(stack, "mirrored", 2, |_| ()).await.unwrap();
    let load = app.load(80);
    let name = app.submit(&mirrored("2").set("SHOP_ERRORS_PERCENT", "30")).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "VERDICT_FAIL"), "{ended:#?}");
    let tally = load.tally();
    assert_eq!((tally.failed, tally.injected), (0, 0), "{:?}", tally.failures);
    assert!(tally.versions.keys().eq(["1"]), "answers come from stable alone: {:?}", tally.versions);
    no_rule_is_left(&app).await;
}

/// Requests that an instance has answered.
async fn answered(address: &str) -> Option<u64> {
    let metrics = visit(address.parse().ok()?, "/metrics", &[]).await.ok()?.body;
    let counts = metrics.lines().filter(|line| line.starts_with("http_requests_total"));
    Some(counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum())
}

async fn the_mirror_ends_with_its_step(stack: &Stack) {
    let app = App::serving(stack, "copied", 2, |_| ()).await.unwrap();
    let mut release = mirrored("2");
    release.strategy.bake = Release::endless("2").strategy.bake;
    let name = app.submit(&release).await.unwrap();
    let baking = at_share(&app, &name, 0.0).await;
    let fleet = fleet_of(&baking);
    assert_eq!(routed(&app).await.mirror_fleet, fleet);
    let copies = || async {
        assert_eq!(visit(app.front, "/cart", &[]).await.unwrap().version, "1");
        let target = app.target().await.unwrap();
        let one = target.instance_states.iter().find(|it| it.fleet == fleet)?;
        answered(&one.address).await.filter(|count| *count > 20)
    };
    until("the candidate gets copies", copies).await.unwrap();
    app.advance(&baking.name, baking.step_index, false).await.unwrap();
    at_share(&app, &name, 50.0).await;
    assert_eq!(routed(&app).await.mirror_fleet, "", "it ends with its step");
    app.abort(&baking.name, "").await.unwrap();
    assert_eq!(app.ended(&name).await.unwrap().state(), State::RolledBack);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r26_r27_r28_who_gets_the_candidate() {
    let stack = stage().await;
    tokio::join!(
        testers_get_the_candidate_at_0_and_no_rule_is_left(&stack),
        who_got_the_candidate_stays_on_it(&stack),
        errors_in_mirrored_traffic_count(&stack),
        the_mirror_ends_with_its_step(&stack),
    );
}
