use bellwether_rollout::{Percent, Step};

use super::*;
use crate::{AskedBake, Band, StrategyKind, Tuning, expansion::Stop, strategy::band_bake};

const TRAFFIC: Traffic =
    Traffic { requests_per_second: 12.0, errors_percent: Some(0.5), basis: TrafficBasis::Measured };

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn at(share: u32) -> Stop {
    let bake = bellwether_rollout::Bake { min: seconds(1), max: seconds(2), checks: true };
    let (step, share) = (Step::Bake(bake), Percent::new(share));
    Stop { step, name: String::new(), share, preview: share.is_zero(), copies: false }
}

fn plan(shares: &[u32], tuning: &Tuning, traffic: Option<&Traffic>, answers: &Answers) -> Vec<PlannedBake> {
    let stops: Vec<_> = shares.iter().copied().map(at).collect();
    let environment = "production".into();
    let baking = Baking {
        environment: &environment,
        kind: StrategyKind::Canary,
        band: Band::High,
        tuning,
        health: HealthBounds::default(),
        traffic,
        answers,
    };
    planned(&stops, &baking)
}

/// The same answer to every question of these bakes.
fn answered(bakes: &[PlannedBake], fail: u64, pass: u64) -> Answers {
    let forecast = Forecast {
        fail_p50: Some(seconds(fail / 2)),
        fail_p95: Some(seconds(fail)),
        pass_p50: Some(seconds(pass / 2)),
        pass_p95: Some(seconds(pass)),
        notes: Vec::new(),
    };
    let questions = bakes.iter().filter_map(|bake| bake.question.clone());
    Answers { known: questions.map(|question| (question, forecast.clone())).collect(), ..Answers::default() }
}

#[test]
fn without_traffic_the_band_decides_and_the_plan_says_so() {
    let bakes = plan(&[0, 10, 100], &Tuning::default(), None, &Answers::default());
    assert!(bakes.iter().all(|bake| (bake.min, bake.max) == band_bake(Band::High)));
    assert!(bakes[0].text.starts_with("no user is on it"), "{}", bakes[0].text);
    assert!(bakes[1].text.starts_with("nothing is known of the traffic"), "{}", bakes[1].text);
}

#[test]
fn an_answer_gives_the_lengths_and_the_effect_follows_the_band() {
    let none = Answers { missing_because: "the health-monitor does not answer".into(), ..Answers::default() };
    let asked = plan(&[10], &Tuning::default(), Some(&TRAFFIC), &none);
    assert!(asked[0].text.starts_with("the health-monitor does not answer"), "{}", asked[0].text);
    let question = asked[0].question.clone().unwrap();
    assert_eq!(
        (question.share_percent, question.baseline_percent, question.effect_percent),
        (10.0, 0.5, 1.25)
    );
    let bakes = plan(&[10], &Tuning::default(), Some(&TRAFFIC), &answered(&asked, 90, 4000));
    assert_eq!((bakes[0].min, bakes[0].max), (seconds(90), seconds(8000)));
    assert_eq!(bakes[0].basis, BakeBasis::Analysis);
}

#[test]
fn it_is_never_shorter_than_the_warm_up() {
    let asked = plan(&[10], &Tuning::default(), Some(&TRAFFIC), &Answers::default());
    let bakes = plan(&[10], &Tuning::default(), Some(&TRAFFIC), &answered(&asked, 2, 2));
    assert_eq!(bakes[0].min, seconds(30));
    assert_eq!(bakes[0].max, band_bake(Band::High).1, "an undecided one gets the time it always had");
}

#[test]
fn too_little_traffic_is_said_and_the_band_decides() {
    let asked = plan(&[1], &Tuning::default(), Some(&TRAFFIC), &Answers::default());
    for (fail, pass) in [(50_000, 60), (60, 50_000)] {
        let bakes = plan(&[1], &Tuning::default(), Some(&TRAFFIC), &answered(&asked, fail, pass));
        assert!(
            bakes[0].lacks_traffic() && bakes[0].text.contains("too little traffic"),
            "{}",
            bakes[0].text
        );
        assert_eq!((bakes[0].min, bakes[0].max), band_bake(Band::High));
    }
}

#[test]
fn what_was_asked_for_wins() {
    let both = AskedBake { min: Some(seconds(5)), max: Some(seconds(7)), ..AskedBake::default() };
    let tuning = Tuning {
        bake: AskedBake { min: Some(seconds(3)), ..AskedBake::default() },
        final_bake: both,
        ..Tuning::default()
    };
    let bakes = plan(&[10, 100], &tuning, None, &Answers::default());
    assert_eq!((bakes[0].min, bakes[0].max), (seconds(3), band_bake(Band::High).1));
    assert_eq!(bakes[0].basis, BakeBasis::RiskBand);
    assert_eq!((bakes[1].min, bakes[1].max, bakes[1].basis), (seconds(5), seconds(7), BakeBasis::AskedFor));
}

#[test]
fn what_nobody_judges_has_the_usual_length_and_not_that_of_its_risk() {
    let unjudged = AskedBake { no_checks: Some(true), ..AskedBake::default() };
    let tuning = Tuning { final_bake: unjudged, ..Tuning::default() };
    let bakes = plan(&[10, 100], &tuning, None, &Answers::default());
    assert_eq!((bakes[0].min, bakes[0].basis), (band_bake(Band::High).0, BakeBasis::RiskBand));
    assert_eq!((bakes[1].min, bakes[1].basis), (seconds(30), BakeBasis::AskedFor));
}

#[test]
fn each_share_may_have_lengths_of_its_own() {
    let asked = |min: Option<u64>, max| AskedBake {
        min: min.map(seconds),
        max: Some(seconds(max)),
        ..AskedBake::default()
    };
    let tuning = Tuning {
        weights: vec![10.0, 50.0],
        bake: asked(Some(20), 30),
        bakes: vec![asked(Some(1), 2), AskedBake::default(), asked(None, 4)],
        ..Tuning::default()
    };
    let lengths = |bakes: &[PlannedBake]| -> Vec<_> {
        bakes.iter().map(|it| (it.min.as_secs(), it.max.as_secs(), it.basis)).collect()
    };
    let asked_for = |min, max| (min, max, BakeBasis::AskedFor);
    let bakes = plan(&[0, 10, 50, 100], &tuning, None, &Answers::default());
    // the last one's max is below the usual min, which somebody asked for too
    let expected = [asked_for(20, 30), asked_for(1, 2), asked_for(20, 30), asked_for(20, 20)];
    assert_eq!(lengths(&bakes), expected);

    let alone = Tuning { bake: AskedBake::default(), ..tuning };
    let bakes = plan(&[100], &alone, None, &Answers::default());
    assert_eq!((bakes[0].min, bakes[0].max), (seconds(4), seconds(4)), "what is planned gives way");
    let none = Tuning { weights: Vec::new(), ..alone };
    let bakes = plan(&[10, 100], &none, None, &Answers::default());
    assert!(bakes.iter().all(|it| it.basis == BakeBasis::RiskBand), "no share was asked for: {bakes:?}");
}
