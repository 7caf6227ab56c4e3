//! How long statistics need.

use clap::Args;

/// An error rate that must be seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Effect {
    /// So many times that of today.
    Times(f64),
    /// This one, percent.
    Percent(f64),
}

#[derive(Debug, Args)]
pub struct PowerArgs {
    /// Requests per second to the whole application.
    #[arg(long)]
    pub rps: f64,
    /// The candidate's share of them, percent; repeatable.
    #[arg(long, value_parser = percent, value_delimiter = ',', default_values_t = [1.0, 5.0, 10.0, 25.0, 50.0, 100.0])]
    pub share: Vec<f64>,
    /// The error rate of today, e.g. 0.1%.
    #[arg(long, value_parser = percent, default_value = "0.1%")]
    pub baseline: f64,
    /// The error rate that must be seen: 2x today's, or e.g. 1%.
    #[arg(long, value_parser = effect, default_value = "2x")]
    pub effect: Effect,
    /// The policy of this target's application counts, e.g. shop@production; default: the default policy.
    #[arg(long, value_name = "TARGET")]
    pub policy_of: Option<String>,
}

/// `10`, `10%`, `0.5 %`.
fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').trim_end();
    let value: f64 = number.parse().map_err(|_| "a percentage such as 10 or 0.5%".to_owned())?;
    if (0.0..=100.0).contains(&value) { Ok(value) } else { Err("within 0 to 100".to_owned()) }
}

/// `2x`, `1.5x`, `3%`.
fn effect(text: &str) -> Result<Effect, String> {
    let wrong = || "so many times today's rate, such as 2x, or a percentage such as 3%".to_owned();
    match text.strip_suffix(['x', '×']) {
        Some(times) => {
            let times: f64 = times.trim_end().parse().map_err(|_| wrong())?;
            if times > 1.0 { Ok(Effect::Times(times)) } else { Err("more than 1x".to_owned()) }
        }
        None => percent(text).map(Effect::Percent).map_err(|_| wrong()),
    }
}

// === impl Effect ===

impl Effect {
    /// In percent of requests, where today's rate is `baseline`.
    pub fn percent(self, baseline: f64) -> f64 {
        match self {
            Self::Times(times) => times * baseline,
            Self::Percent(percent) => percent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_and_effects_are_those_that_people_write() {
        assert_eq!([percent("10"), percent("0.5%"), percent("3 %")], [Ok(10.0), Ok(0.5), Ok(3.0)]);
        assert!(percent("101").is_err() && percent("many").is_err());
        assert_eq!((effect("2x"), effect("3%")), (Ok(Effect::Times(2.0)), Ok(Effect::Percent(3.0))));
        assert!(effect("0.5x").is_err() && effect("twice").is_err());
        assert_eq!((Effect::Times(2.0).percent(0.5), Effect::Percent(3.0).percent(0.5)), (1.0, 3.0));
    }
}
