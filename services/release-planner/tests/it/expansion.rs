//! A plan's timeline is what the executor makes of its strategy.

use bellwether_proto::{
    executor::v1::{self as executor, StartRolloutRequest, strategy::Kind},
    planner::v1 as pb,
};
use pb::release::State;

use super::{
    files::{environment, millis, shop, submission},
    house::House,
};

/// What is asked for.
struct Case {
    strategy: executor::Strategy,
    instances: i32,
    preview: bool,
}

fn case(kind: Kind, instances: i32) -> Case {
    Case {
        strategy: executor::Strategy { kind: kind.into(), ..Default::default() },
        instances,
        preview: false,
    }
}

fn written_out() -> Case {
    use executor::{scale::Size, step::Kind as Step};
    let step = |name: &str, kind| executor::Step { name: name.into(), kind: Some(kind) };
    let bake = executor::Bake { min: Some(millis(0)), ..Default::default() };
    let steps = vec![
        step("", Step::Prepare(executor::Prepare::default())),
        step("", Step::Scale(executor::Scale { size: Some(Size::Count(1)), ..Default::default() })),
        step("", Step::Route(executor::Route { percent: 20.0, ..Default::default() })),
        step("", Step::Bake(bake)),
        step("", Step::Gate(executor::Gate { id: "look".into(), ..Default::default() })),
        step("", Step::Wait(executor::Wait { duration: Some(millis(10)) })),
    ];
    let mut case = case(Kind::Custom, 2);
    case.strategy.steps = steps;
    case
}

fn cases() -> Vec<Case> {
    let mut all = vec![written_out()];
    for instances in [1, 2, 5] {
        for kind in [Kind::Canary, Kind::BlueGreen, Kind::BlueGreenCanary, Kind::Rolling, Kind::Recreate] {
            all.push(case(kind, instances));
            all.push(Case { preview: true, ..case(kind, instances) });
        }
        let mut batches = case(Kind::Rolling, instances);
        batches.strategy.batch = 2;
        batches.strategy.max_unavailable = Some(1);
        all.push(batches);
        for kind in [Kind::Canary, Kind::BlueGreenCanary] {
            let mut copies = Case { preview: true, ..case(kind, instances) };
            copies.strategy.mirror_percent = 50.0;
            copies.strategy.weights_percent = vec![30.0, 60.0];
            copies.strategy.r#match =
                vec![executor::HeaderMatch { header: "x-canary".into(), value: "yes".into() }];
            all.push(copies);
        }
    }
    all
}

fn application(case: &Case) -> pb::Application {
    let mut application = shop(&[("development", case.instances)]);
    application.downtime_tolerance = Some(millis(60_000));
    let defaults = application.defaults.as_mut().unwrap();
    defaults.strategy = Some(case.strategy.clone());
    let header = "x-preview: yes".to_owned();
    let ingress = executor::Ingress { listen: "127.0.0.1:1".into(), header, ..Default::default() };
    defaults.preview = case.preview.then_some(ingress);
    application
}

// === impl House ===

impl House {
    /// The kinds of the plan's milestones, and of the executor's steps for the same.
    async fn both(&mut self, case: &Case) -> (Vec<String>, Vec<String>) {
        self.apply(application(case)).await;
        let preview = case.preview;
        self.executor_target("shop@development", |target| {
            target.instances == case.instances && target.preview.is_some() == preview
        })
        .await;
        let request = pb::SubmitReleaseRequest { validate_only: true, ..submission("next") };
        let plan = self.client.submit_release(request).await.unwrap().into_inner().plan.unwrap();
        let part = plan.environments.into_iter().next().unwrap();
        let request = StartRolloutRequest {
            target: part.target.unwrap().name,
            spec: part.spec,
            strategy: part.strategy,
            policy: part.policy,
            health: part.health,
            validate_only: true,
            ..Default::default()
        };
        let rollout = self.executor.start_rollout(request).await.unwrap().into_inner().rollout.unwrap();
        let planned = part.timeline.into_iter().map(|milestone| milestone.kind).collect();
        (planned, rollout.steps.into_iter().map(|step| step.kind).collect())
    }
}

#[tokio::test]
async fn every_recipe_is_planned_as_it_is_carried_out() {
    let mut house = House::passing().await;
    house.line(&["development"], 0).await;
    for first in [true, false] {
        if !first {
            house.apply_environment(environment("development", None, 0)).await;
            house.apply(shop(&[("development", 2)])).await;
            let release = house.submit("1").await;
            house.in_state(&release.name, State::Completed).await;
        }
        for case in cases() {
            let (planned, carried_out) = house.both(&case).await;
            let (kind, instances) = (case.strategy.kind(), case.instances);
            assert!(!planned.is_empty());
            let context = format!("{kind:?} {instances} preview {} first {first}", case.preview);
            assert_eq!(planned, carried_out, "{context}");
        }
    }
}
