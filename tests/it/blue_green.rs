//! A full second fleet: previews, the flip, the way back.

use bellwether_proto::{
    executor::v1::{Ingress, rollout::State, strategy::Kind},
    planner::v1::Deployment,
};
use bellwether_tests::{
    app::App,
    ports::free_address,
    shop::{self, Release, millis, short_bake},
    stack::Stack,
    visit::visit,
};

use super::{
    observe::{at, fleet_of, ids, stable_ids, stable_of},
    stage::{code, ready, routed, seconds, share_of, stage, step},
};

/// Reached at a preview as well.
fn previewed(preview: std::net::SocketAddr) -> impl FnOnce(&mut Deployment) {
    move |it| it.preview = Some(Ingress { listen: preview.to_string(), ..Default::default() })
}

async fn traffic_flips_when_all_are_ready(stack: &Stack) {
    let keep = |it: &mut Deployment| it.policy.as_mut().unwrap().keep = millis(3_000);
    let app = App::serving(stack, "flips", 3, keep).await.unwrap();
    let blue = app.target().await.unwrap();
    let load = app.load(60);
    let name = app.submit(&app.held(Release::unjudged_by("2", Kind::BlueGreen))).await.unwrap();
    for count in 1..=2 {
        app.permit().unwrap();
        let waits = app.until(&name, |it| ready(&it.instances, &fleet_of(it)) == count).await.unwrap();
        assert_eq!((waits.state(), at(&waits)), (State::Running, ("SCALE", 0.0)));
        assert_eq!(visit(app.front, "/", &[]).await.unwrap().version, "1");
    }
    app.permit().unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    let green = fleet_of(&ended);
    let kept = app.target().await.unwrap();
    assert_eq!((share_of(&kept, &green), kept.kept.len()), (100.0, 1));
    assert_eq!(ids(&kept.instance_states, &stable_of(&blue)), stable_ids(&blue), "blue is kept");
    let until = seconds(kept.kept[0].keep_until.as_ref());
    app.target_until("blue is gone", |it| it.instance_states.iter().all(|it| it.fleet == green))
        .await
        .unwrap();
    assert!(stack.env().now().as_millisecond() as f64 / 1000.0 >= until, "not before its time");
    assert_eq!(load.tally().failed, 0, "{:?}", load.tally().failures);
}

async fn a_small_preview_is_scaled_before_the_flip(stack: &Stack) {
    let preview = free_address().unwrap();
    let app = App::serving(stack, "small", 3, previewed(preview)).await.unwrap();
    let mut release = app.held(Release::unjudged_by("2", Kind::BlueGreen));
    release.strategy.preview_instances = 1;
    release.strategy.preview_bake = short_bake();
    let name = app.submit(&release).await.unwrap();
    app.permit().unwrap();
    let baking = app.until(&name, |it| step(it).is_some_and(|it| it.kind == "BAKE")).await.unwrap();
    let fleet = fleet_of(&baking);
    let small = app.target().await.unwrap();
    assert_eq!((ids(&small.instance_states, &fleet).len(), share_of(&small, &fleet)), (1, 0.0));
    assert_eq!(visit(preview, "/", &[]).await.unwrap().version, "2");
    assert_eq!(visit(app.front, "/", &[]).await.unwrap().version, "1");
    assert_eq!(routed(&app).await.preview_fleet, fleet);

    let load = shop::load(stack, preview, 120);
    let scaling = app.until(&name, |it| ids(&it.instances, &fleet).len() == 3).await.unwrap();
    drop(load);
    assert_eq!(at(&scaling), ("SCALE", 0.0), "what was previewed has passed");
    app.permit().unwrap();
    let two = app.until(&name, |it| ready(&it.instances, &fleet) == 2).await.unwrap();
    assert_eq!(at(&two), ("SCALE", 0.0));
    app.permit().unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!(ended.state(), State::Succeeded, "{ended:#?}");
    assert_eq!(routed(&app).await.preview_fleet, "", "nothing is left of the preview");
}

async fn a_failed_preview_moves_no_traffic(stack: &Stack) {
    let preview = free_address().unwrap();
    let app = App::serving(stack, "preview", 2, previewed(preview)).await.unwrap();
    let load = app.load(60);
    let release = Release::of("2", Kind::BlueGreen).set("SHOP_ERRORS_PERCENT", "50");
    let name = app.submit(&release).await.unwrap();
    app.until(&name, |it| step(it).is_some_and(|it| it.kind == "BAKE")).await.unwrap();
    let previews = shop::load(stack, preview, 60);
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "VERDICT_FAIL"), "{ended:#?}");
    assert!(previews.tally().injected > 0);
    let tally = load.tally();
    assert!(tally.failed == 0 && !tally.versions.contains_key("2"), "traffic never moved: {tally:?}");
}

async fn after_the_flip_it_goes_back_at_once(stack: &Stack) {
    let app = App::serving(stack, "back", 2, |_| ()).await.unwrap();
    let blue = app.target().await.unwrap();
    let load = app.load(80);
    let release = Release::of("2", Kind::BlueGreen).set("SHOP_ERRORS_PERCENT", "50");
    let name = app.submit(&release).await.unwrap();
    app.until(&name, |it| at(it) == ("BAKE", 100.0)).await.unwrap();
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "VERDICT_FAIL"), "{ended:#?}");
    returned(&app, &blue, &load).await;
}

/// Blue serves alone, and had never been stopped.
async fn returned(
    app: &App<'_>,
    blue: &bellwether_proto::executor::v1::Target,
    load: &bellwether::load::Load,
) {
    let after = app.target().await.unwrap();
    assert_eq!(stable_ids(&after), stable_ids(blue));
    assert!(after.instance_states.iter().all(|it| it.restarts == 0), "{:?}", after.instance_states);
    assert_eq!(share_of(&after, &stable_of(blue)), 100.0);
    let tally = load.tally();
    assert!(tally.injected > 0, "it had served: {tally:?}");
    assert_eq!(tally.failed, 0, "{:?}", tally.failures);
}

async fn a_ramp_on_a_full_fleet_returns_at_once(stack: &Stack) {
    let app = App::serving(stack, "ramp", 3, |_| ()).await.unwrap();
    let blue = app.target().await.unwrap();
    let load = app.load(80);
    let ramp = Release::of("2", Kind::BlueGreenCanary).weights(&[10.0, 50.0, 100.0]);
    // too few to be sure of while it has a tenth of the traffic
    let mut release = ramp.set("SHOP_ERRORS_PERCENT", "12");
    release.strategy.bake = Release::endless("2").strategy.bake;
    let name = app.submit(&release).await.unwrap();
    let tenth = app.until(&name, |it| at(it) == ("BAKE", 10.0)).await.unwrap();
    app.advance(&tenth.name, tenth.step_index, false).await.unwrap();
    let ramped = app.until(&name, |it| at(it) == ("BAKE", 50.0)).await.unwrap();
    assert_eq!(ready(&ramped.instances, &fleet_of(&ramped)), 3, "a full fleet");
    let ended = app.ended(&name).await.unwrap();
    assert_eq!((ended.state(), code(&ended)), (State::RolledBack, "VERDICT_FAIL"), "{ended:#?}");
    let restored = ended.steps.iter().find(|it| it.kind == "RESTORE_CAPACITY").unwrap();
    let back = ended.steps.iter().find(|it| it.undo && it.kind == "ROUTE").unwrap();
    let waited = seconds(back.start_time.as_ref()) - seconds(restored.start_time.as_ref());
    assert!(waited < 1.0, "nothing is waited for: {waited} s");
    returned(&app, &blue, &load).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r15_r16_r17_previews_and_the_flip() {
    let stack = stage().await;
    tokio::join!(
        traffic_flips_when_all_are_ready(&stack),
        a_small_preview_is_scaled_before_the_flip(&stack),
        a_failed_preview_moves_no_traffic(&stack),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r18_r22_back_to_a_fleet_that_was_never_stopped() {
    let stack = stage().await;
    tokio::join!(after_the_flip_it_goes_back_at_once(&stack), a_ramp_on_a_full_fleet_returns_at_once(&stack));
}
