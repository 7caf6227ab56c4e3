//! Every case of `tests/vectors/judge_vectors.json`, to 1e-9.
//!
//! Kinds that production uses are run through production code; the exact Fisher form and the alternatives that
//! the design weighed and left are run through `reference`, whose Fisher form the simulations then rest on.

use bellwether_judge::{
    Mixture, gauge, interval,
    latency::{LAMBDAS, hoeffding_log_factor, tilt_log_factors},
    math::{bisect, log_mean_exp, log_spaced, log_sum_exp},
    mixture,
    non_inferiority::NonInferiority,
    one_sided::{AboveTest, BelowTest},
    ratio::{Comparison, RatioTest, log_factor},
};
use serde_json::Value;

use crate::reference::{self, Tick};

const VECTORS: &str = include_str!("../vectors/judge_vectors.json");

fn cases(test: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    let found: Vec<Value> =
        all["cases"].as_array().unwrap().iter().filter(|case| case["test"] == test).cloned().collect();
    assert!(!found.is_empty(), "no vectors for {test}");
    found
}

fn number(value: &Value) -> f64 {
    match value {
        Value::String(text) => text.parse().unwrap(),
        other => other.as_f64().unwrap(),
    }
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn ticks(case: &Value) -> Vec<Tick> {
    let batches = case["input"]["batches_kc_nc_kb_nb"].as_array().unwrap();
    batches.iter().map(|b| (number(&b[0]), number(&b[1]), number(&b[2]), number(&b[3]))).collect()
}

fn comparison((kc, ec, kb, eb): Tick) -> Comparison {
    Comparison { kc, ec, kb, eb }
}

#[track_caller]
fn same(case: &Value, got: f64, expected: &Value) {
    let expected = number(expected);
    let error = (got - expected).abs();
    assert!(error <= 1e-9 * expected.abs().max(1.0), "{}: got {got}, expected {expected}", case["id"]);
}

#[track_caller]
fn all_same(case: &Value, got: &[f64], expected: &Value) {
    let expected = expected.as_array().unwrap();
    assert_eq!(got.len(), expected.len());
    got.iter().zip(expected).for_each(|(got, expected)| same(case, *got, expected));
}

/// The mixture over the case's grid, by any factor, after each tick.
fn mixed(case: &Value, mut mixture: Mixture<24>, null: f64, factor: impl Fn(Tick, f64) -> f64) -> Vec<f64> {
    let grid = log_spaced::<24>(number(&case["params"]["grid"]["lo"]), number(&case["params"]["grid"]["hi"]));
    let step = |tick: Tick| {
        mixture.update(&grid.map(|ln_w| factor(tick, ln_w.exp()) - factor(tick, null)), true);
        mixture.log_e()
    };
    ticks(case).into_iter().map(step).collect()
}

#[test]
fn every_kind_is_covered() {
    let covered = [
        "fnch_batch_llr",
        "conditional_binomial_batch_llr",
        "fast_bound_batch_llr",
        "grid_eprocess",
        "grid_eprocess_margin",
        "noninferiority_eprocess",
        "grid_eprocess_restarts",
        "turner_plugin",
        "beta_mixture_share",
        "multinomial_srm",
        "one_sample_bernoulli",
        "bernoulli_cs",
        "ratio_cs",
        "normal_mixture",
        "asymptotic_cs",
        "t_mixture",
        "betting_bounded",
        "lil_band",
        "latency_histogram",
        "combine",
    ];
    let all: Value = serde_json::from_str(VECTORS).unwrap();
    for case in all["cases"].as_array().unwrap() {
        assert!(covered.contains(&case["test"].as_str().unwrap()), "{}", case["id"]);
    }
}

#[test]
fn one_tick() {
    let tick = |case: &Value, exposures: [&str; 2]| {
        let input = |name: &str| number(&case["input"][name]);
        (input("kc"), input(exposures[0]), input("kb"), input(exposures[1]))
    };
    for case in cases("fnch_batch_llr") {
        let (w, null) = (number(&case["params"]["omega1"]), number(&case["params"]["omega0"]));
        same(&case, reference::fisher(tick(&case, ["nc", "nb"]), w, null), &case["expected"]["log_lr"]);
    }
    for case in cases("conditional_binomial_batch_llr") {
        let tick = comparison(tick(&case, ["ec", "eb"]));
        let (rho, null) = (number(&case["params"]["rho1"]), number(&case["params"]["rho0"]));
        same(&case, log_factor(tick, rho) - log_factor(tick, null), &case["expected"]["log_lr"]);
    }
    for case in cases("fast_bound_batch_llr") {
        let (kc, nc, kb, nb) = tick(&case, ["nc", "nb"]);
        let got = hoeffding_log_factor(kc, nc, kb, nb, number(&case["params"]["omega1"]).ln());
        same(&case, got, &case["expected"]["log_lr"]);
    }
}

#[test]
fn grid_processes() {
    for case in cases("grid_eprocess") {
        let exact = |tick, w| reference::fisher(tick, w, 1.0);
        let got = match case["params"]["kind"].as_str().unwrap() {
            "fnch" => mixed(&case, Mixture::plain(), 1.0, exact),
            "fast_bound" => excess(&case, RatioTest::excess_of_requests(1.0, Mixture::plain())),
            _ => excess(&case, RatioTest::excess(1.0, Mixture::plain())),
        };
        all_same(&case, &got, &case["expected"]["log_e"]);
        let mut least = 1.0f64;
        let p: Vec<f64> = got
            .iter()
            .map(|log_e| {
                least = least.min((-log_e).exp());
                least
            })
            .collect();
        all_same(&case, &p, &case["expected"]["anytime_p"]);
    }
    for case in cases("grid_eprocess_margin") {
        let exact = |tick, w| reference::fisher(tick, w, 1.0);
        let got = mixed(&case, Mixture::plain(), number(&case["params"]["null"]), exact);
        all_same(&case, &got, &case["expected"]["log_e"]);
    }
}

/// Production's comparison.
fn excess(case: &Value, mut test: RatioTest) -> Vec<f64> {
    let step = |tick: Tick| {
        test.update(comparison(tick), 1.0, false);
        test.log_e()
    };
    ticks(case).into_iter().map(step).collect()
}

#[test]
fn late_onset() {
    for case in cases("grid_eprocess_restarts") {
        let horizon = number(&case["params"]["horizon_batches"]) as u32;
        let exact = |tick, w| reference::fisher(tick, w, 1.0);
        let got = mixed(&case, mixture::Mixture::late(horizon), 1.0, exact);
        all_same(&case, &got, &case["expected"]["log_e"]);
    }
}

#[test]
fn non_inferiority() {
    for case in cases("noninferiority_eprocess") {
        let alternatives = numbers(&case["params"]["alternatives"]);
        let mut sums = vec![0.0; alternatives.len()];
        // production's Poisson form must be close to the exact one at these low rates
        let mut production = NonInferiority::new(2.0);
        for (tick, expected) in ticks(&case).into_iter().zip(case["expected"]["log_e"].as_array().unwrap()) {
            for (sum, w) in sums.iter_mut().zip(&alternatives) {
                *sum += reference::fisher(tick, *w, 2.0);
            }
            same(&case, log_sum_exp(sums.iter().copied()) - 7f64.ln(), expected);
            production.update(comparison(tick), 1.0);
            assert!((production.log_e() - number(expected)).abs() < 0.05);
        }
    }
}

#[test]
fn one_sided() {
    for case in cases("one_sample_bernoulli") {
        let (k, n, p0) =
            (number(&case["input"]["k"]), number(&case["input"]["n"]), number(&case["params"]["p0"]));
        let mut above = AboveTest::new(p0, Mixture::plain());
        above.update(k, n, 1.0, false);
        same(&case, above.log_e(), &case["expected"]["log_e_fail"]);
        let mut below = BelowTest::new(p0);
        below.update(k, n, 1.0);
        same(&case, below.log_e(), &case["expected"]["log_e_pass"]);
    }
}

#[test]
fn intervals() {
    for case in cases("bernoulli_cs") {
        let alpha = number(&case["params"]["alpha"]);
        let got = interval::proportion(number(&case["input"]["k"]), number(&case["input"]["n"]), alpha);
        same(&case, got.lower, &case["expected"]["lower"]);
        same(&case, got.upper, &case["expected"]["upper"]);
    }
    for case in cases("ratio_cs") {
        let ticks = ticks(&case);
        let likelihood =
            |ln_w: f64| ticks.iter().map(|t| reference::fisher(*t, ln_w.exp(), 1.0)).sum::<f64>();
        let mixture = log_mean_exp(&log_spaced::<47>(0.01, 100.0).map(likelihood));
        let bound = mixture + number(&case["params"]["alpha"]).ln();
        let inside = |ln_w: f64| likelihood(ln_w) - bound;
        let best = (-920..920)
            .map(|i| f64::from(i) / 100.0)
            .max_by(|a, b| likelihood(*a).total_cmp(&likelihood(*b)));
        same(&case, bisect(1e-4f64.ln(), best.unwrap(), inside).exp(), &case["expected"]["lower"]);
        same(&case, bisect(best.unwrap(), 1e4f64.ln(), inside).exp(), &case["expected"]["upper"]);
    }
}

#[test]
fn alternatives_that_were_left() {
    for case in cases("turner_plugin") {
        let got = reference::turner(&ticks(&case), 0.18, case["params"]["one_sided"].as_bool().unwrap());
        all_same(&case, &got, &case["expected"]["log_e"]);
    }
    for case in cases("beta_mixture_share") {
        let prior = numbers(&case["params"]["prior_beta"]);
        let (kc, kb) = (number(&case["input"]["kc"]), number(&case["input"]["kb"]));
        let (two, one) = reference::beta_mixture(kc, kb, number(&case["params"]["pi"]), prior[0], prior[1]);
        same(&case, two, &case["expected"]["log_e_two_sided"]);
        same(&case, one, &case["expected"]["log_e_one_sided_greater"]);
    }
    for case in cases("multinomial_srm") {
        let got = reference::multinomial(
            &numbers(&case["input"]["counts"]),
            &numbers(&case["params"]["null_probs"]),
        );
        same(&case, got, &case["expected"]["log_e"]);
    }
    for case in cases("betting_bounded") {
        let got = reference::betting(&numbers(&case["input"]["x"]), &numbers(&case["params"]["bets"]));
        all_same(&case, &got, &case["expected"]["log_e"]);
    }
}

#[test]
fn means() {
    for case in cases("normal_mixture") {
        let (s, v) = (number(&case["input"]["s"]), number(&case["input"]["v"]));
        let (v_opt, alpha) = (number(&case["params"]["v_opt"]), number(&case["params"]["alpha_opt"]));
        let names = ["rho_two_sided", "log_e_two_sided", "rho_one_sided", "log_e_one_sided"];
        for (got, name) in reference::normal_mixture(s, v, v_opt, alpha).into_iter().zip(names) {
            same(&case, got, &case["expected"][name]);
        }
    }
    for case in cases("asymptotic_cs") {
        let (n, sigma2) = (number(&case["input"]["n"]), number(&case["input"]["sigma2"]));
        let (alpha, tuning) = (number(&case["params"]["alpha"]), number(&case["params"]["tuning_N"]));
        let (rho, width) = reference::asymptotic(sigma2, n, alpha, tuning);
        same(&case, rho, &case["expected"]["rho"]);
        same(&case, width, &case["expected"]["half_width"]);
    }
    for case in cases("t_mixture") {
        let input = |name: &str| number(&case["input"][name]);
        let got = reference::t_mixture(
            input("n"),
            input("mean"),
            input("sample_variance"),
            number(&case["params"]["g"]),
        );
        same(&case, got, &case["expected"]["log_e"]);
        if number(&case["params"]["g"]) == 2.0 {
            let got = gauge::log_t_mixture(input("n"), input("mean"), input("sample_variance"));
            same(&case, got, &case["expected"]["log_e"]);
        }
    }
    for case in cases("lil_band") {
        let (alpha, a) = (number(&case["params"]["alpha"]), number(&case["params"]["A"]));
        let c = reference::lil_constant(alpha, a);
        same(&case, c, &case["expected"]["C"]);
        let first = number(&case["params"]["n_min"]);
        let width = |n: f64| a * (((n / first).ln().ln_1p() + c) / n).sqrt();
        let got: Vec<f64> = numbers(&case["input"]["n"]).into_iter().map(width).collect();
        all_same(&case, &got, &case["expected"]["half_width"]);
    }
}

#[test]
fn latency() {
    for case in cases("latency_histogram") {
        let side =
            |name: &str| case["input"][name].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
        let (candidate, baseline) = (side("buckets_canary"), side("buckets_baseline"));
        let midpoints = numbers(&case["params"]["midpoints"]);
        let grid = log_spaced::<12>(1.1, 50.0);
        let mut exact = vec![Mixture::<12>::plain(); 4];
        let mut fast = exact.clone();
        let mut tilt = Mixture::<5>::plain();
        let (mut by_exact, mut by_fast, mut by_tilt, mut combined) = (vec![], vec![], vec![], vec![]);
        for (c, b) in candidate.iter().zip(&baseline) {
            let (nc, nb) = (c.iter().sum::<f64>(), b.iter().sum::<f64>());
            for edge in 0..4 {
                let (kc, kb) = (c[edge + 1..].iter().sum::<f64>(), b[edge + 1..].iter().sum::<f64>());
                exact[edge].update(&grid.map(|w| reference::fisher((kc, nc, kb, nb), w.exp(), 1.0)), false);
                fast[edge].update(&grid.map(|w| hoeffding_log_factor(kc, nc, kb, nb, w)), false);
            }
            let scored = midpoints.iter().zip(c.iter().zip(b));
            let scored = scored.map(|(x, (c, b))| (x.ln(), LAMBDAS.map(|lambda| x.powf(lambda)), *c, *b));
            tilt.update(&tilt_log_factors(scored), false);
            let mean =
                |edges: &[Mixture<12>]| log_mean_exp(&edges.iter().map(Mixture::log_e).collect::<Vec<_>>());
            by_exact.push(mean(&exact));
            by_fast.push(mean(&fast));
            by_tilt.push(tilt.log_e());
            combined.push(log_mean_exp(&[mean(&fast), tilt.log_e()]));
        }
        all_same(&case, &by_exact, &case["expected"]["log_e_edges_exact"]);
        all_same(&case, &by_fast, &case["expected"]["log_e_edges_fast"]);
        all_same(&case, &by_tilt, &case["expected"]["log_e_tilt"]);
        all_same(&case, &combined, &case["expected"]["log_e_combo"]);
    }
}

#[test]
fn combination() {
    for case in cases("combine") {
        let values = numbers(&case["input"]["e_values"]);
        let logs: Vec<f64> = values.iter().map(|e| e.ln()).collect();
        same(&case, log_mean_exp(&logs).exp(), &case["expected"]["average"]);
        same(&case, logs.iter().sum::<f64>().exp(), &case["expected"]["product_if_independent"]);
        let (alpha, k) = (number(&case["params"]["alpha"]), values.len() as f64);
        let alone: Vec<f64> =
            (0..values.len()).filter(|i| values[*i] / k >= 1.0 / alpha).map(|i| i as f64).collect();
        all_same(&case, &alone, &case["expected"]["bonferroni_rejected_indices"]);
        let by_ebh: Vec<f64> = reference::closed_ebh(&values, alpha).into_iter().map(|i| i as f64).collect();
        all_same(&case, &by_ebh, &case["expected"]["ebh_rejected_indices"]);
    }
}
