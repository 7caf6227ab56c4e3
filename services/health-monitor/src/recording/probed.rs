//! Runs of probes, as they are recorded, and as the judge is told of them once more.

use bellwether_judge::{Analysis, ProbeRun, Side};
use bellwether_proto::monitor::v1 as pb;

/// Probes and versions that are told apart within one stretch; of more, those that are new are not recorded.
const MOST: usize = 256;
/// Runs of one probe at one version that a replay tells of in one stretch. A second has one or two.
const MOST_RUNS: u64 = 1_000;

/// Adds runs to those of the same probe at the same version.
pub fn add(known: &mut Vec<pb::RecordedProbe>, run: pb::RecordedProbe) {
    let same = |it: &pb::RecordedProbe| {
        it.probe == run.probe && it.fleet == run.fleet && it.compared == run.compared
    };
    if let Some(sum) = known.iter_mut().find(|it| same(it)) {
        sum.runs += run.runs;
        sum.failed += run.failed;
    } else if known.len() < MOST {
        known.push(run);
    }
}

/// Tells an analysis of what was recorded of its two versions, in turns, so that those that were compared are again.
pub fn tell(recorded: &[pb::RecordedProbe], fleets: (&str, &str), judge: &mut Analysis) {
    let side = |run: &pb::RecordedProbe| match run.fleet.as_str() {
        fleet if fleet == fleets.0 => Some(Side::Candidate),
        fleet if fleet == fleets.1 && !fleet.is_empty() => Some(Side::Baseline),
        _ => None,
    };
    let rounds = recorded.iter().map(|run| run.runs).max().unwrap_or(0).min(MOST_RUNS);
    for round in 0..rounds {
        for (run, side) in recorded.iter().filter_map(|run| Some((run, side(run)?))) {
            if round >= run.runs {
                continue;
            }
            let failed = round < run.failed;
            if side == Side::Candidate {
                judge.probed(&run.probe, !failed);
            }
            judge.tried(ProbeRun { probe: &run.probe, side, failed, compared: run.compared });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(fleet: &str, failed: u64) -> pb::RecordedProbe {
        pb::RecordedProbe { probe: "checkout".into(), fleet: fleet.into(), runs: 1, failed, compared: true }
    }

    #[test]
    fn runs_of_one_probe_at_one_version_are_added() {
        let mut known = Vec::new();
        [run("new", 1), run("old", 0), run("new", 0)].into_iter().for_each(|run| add(&mut known, run));
        assert_eq!(known, [pb::RecordedProbe { runs: 2, ..run("new", 1) }, run("old", 0)]);
    }
}
