//! One panel of a plot: lines over time, a band, and where it was decided.

use std::{fmt::Write as _, time::Duration};

use super::escaped;
use crate::render::style;

const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 22.0;
const BOTTOM: f64 = 22.0;
const TICKS: usize = 4;

/// Values over seconds.
pub struct Line {
    /// What it is.
    pub name: String,
    /// Its colour.
    pub colour: &'static str,
    /// Dashed, for bounds.
    pub dashed: bool,
    /// Second and value, in order.
    pub points: Vec<(f64, f64)>,
}

/// Lines that share a scale.
pub struct Panel {
    /// What it shows, with the unit.
    pub title: String,
    /// Second, lower and upper value, in order.
    pub band: Vec<(f64, f64, f64)>,
    /// From the most important to the least.
    pub lines: Vec<Line>,
}

/// From seconds and values to places.
struct Scale {
    span: f64,
    low: f64,
    high: f64,
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

// === impl Panel ===

impl Panel {
    /// At this height of the plot. `decided`: the second, and what.
    pub fn draw(&self, top: f64, size: (f64, f64), span: f64, decided: Option<(f64, &str)>) -> String {
        let scale = self.scale(top, size, span);
        let mut svg = format!("<text x=\"12\" y=\"{:.1}\">{}</text>\n", top + 13.0, escaped(&self.title));
        svg.push_str(&scale.axes());
        svg.push_str(&self.drawn_band(&scale));
        // the most important on top
        for line in self.lines.iter().rev().filter(|line| !line.points.is_empty()) {
            let dashes = if line.dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            let points: Vec<String> = line.points.iter().map(|(x, y)| scale.place(*x, *y)).collect();
            _ = writeln!(
                svg,
                "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"1.5\"{dashes} points=\"{}\"/>",
                line.colour,
                points.join(" ")
            );
        }
        svg.push_str(&self.legend(&scale));
        if let Some((at, what)) = decided {
            svg.push_str(&scale.decision(at, what));
        }
        svg
    }

    fn scale(&self, top: f64, (width, height): (f64, f64), span: f64) -> Scale {
        let lines = self.lines.iter().flat_map(|line| line.points.iter().map(|(_, y)| *y));
        let values: Vec<f64> = lines.filter(|y| y.is_finite()).collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min).min(0.0);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // a band may be far wider than what was measured: it is cut off
        let high = if high > low { high + 0.1 * (high - low) } else { low + 1.0 };
        Scale {
            span,
            low,
            high,
            left: LEFT,
            right: width - RIGHT,
            top: top + TOP,
            bottom: top + height - BOTTOM,
        }
    }

    fn drawn_band(&self, scale: &Scale) -> String {
        if self.band.len() < 2 {
            return String::new();
        }
        let upper = self.band.iter().map(|(x, _, high)| scale.place(*x, *high));
        let lower = self.band.iter().rev().map(|(x, low, _)| scale.place(*x, *low));
        let points: Vec<String> = upper.chain(lower).collect();
        format!("<polygon fill=\"#c0392b\" fill-opacity=\"0.12\" points=\"{}\"/>\n", points.join(" "))
    }

    fn legend(&self, scale: &Scale) -> String {
        let mut svg = String::new();
        let mut x = scale.left + 150.0;
        for line in self.lines.iter().filter(|line| !line.points.is_empty()).take(6) {
            _ = writeln!(
                svg,
                "<text x=\"{x:.1}\" y=\"{:.1}\" fill=\"{}\">{}</text>",
                scale.top - 9.0,
                line.colour,
                escaped(&line.name)
            );
            x += 7.0 * line.name.len() as f64 + 24.0;
        }
        svg
    }
}

// === impl Scale ===

impl Scale {
    fn x(&self, second: f64) -> f64 {
        self.left + (self.right - self.left) * (second / self.span).clamp(0.0, 1.0)
    }

    fn y(&self, value: f64) -> f64 {
        let part = ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0);
        self.bottom - (self.bottom - self.top) * part
    }

    fn place(&self, second: f64, value: f64) -> String {
        format!("{:.1},{:.1}", self.x(second), self.y(value))
    }

    fn axes(&self) -> String {
        let mut svg = format!(
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"none\" stroke=\"#dddddd\"/>\n",
            self.left,
            self.top,
            self.right - self.left,
            self.bottom - self.top
        );
        for tick in 0..=TICKS {
            let part = tick as f64 / TICKS as f64;
            let (second, value) = (part * self.span, self.low + part * (self.high - self.low));
            let after = style::duration(Duration::from_secs_f64(second));
            _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#777777\">+{after}</text>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#777777\">{}</text>",
                self.x(second),
                self.bottom + 14.0,
                self.left - 6.0,
                self.y(value) + 4.0,
                number(value)
            );
        }
        svg
    }

    fn decision(&self, at: f64, what: &str) -> String {
        let x = self.x(at);
        let after = style::duration(Duration::from_secs_f64(at.max(0.0)));
        format!(
            "<line x1=\"{x:.1}\" y1=\"{:.1}\" x2=\"{x:.1}\" y2=\"{:.1}\" stroke=\"#000000\" stroke-dasharray=\"2 3\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\">{what} after {after}</text>\n",
            self.top,
            self.bottom,
            x + 4.0,
            self.top + 12.0
        )
    }
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 1.0 => format!("{value:.1}"),
        _ => format!("{value:.3}"),
    }
}
