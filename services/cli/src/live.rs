//! A view that is repainted in place on a terminal; elsewhere, a line for each fact.

use std::{io::IsTerminal as _, time::Duration};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::render::{self, Format};

/// What is shown while something goes on.
pub struct Live {
    screen: Option<ProgressBar>,
    format: Format,
}

// === impl Live ===

impl Live {
    /// Nothing is shown yet.
    pub fn start(format: Format) -> Self {
        let screen = (format == Format::Table && std::io::stdout().is_terminal()).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stdout_with_hz(10));
            if let Ok(style) = ProgressStyle::with_template("{msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { screen, format }
    }

    /// Repaints the view; does nothing where there is no terminal.
    pub fn show(&self, lines: &[String]) {
        if let Some(screen) = &self.screen {
            screen.set_message(lines.join("\n"));
        }
    }

    /// How it stands when one begins to follow: elsewhere than on a terminal nothing is repainted, and nothing may happen for
    /// a while.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn begin(&self, lines: &[String]) -> anyhow::Result<()> {
        match (self.format, &self.screen) {
            (Format::Table, None) => render::line(&lines.join("\n")),
            (Format::Table, Some(_)) | (Format::Json | Format::Yaml, _) => Ok(()),
        }
    }

    /// Something happened: a line of text where there is one, or the resource as one line of JSON.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn fact<R: Serialize>(&self, resource: &R, text: Option<String>) -> anyhow::Result<()> {
        match (self.format, &self.screen) {
            (Format::Table, None) => text.map_or(Ok(()), |text| render::line(&text)),
            (Format::Table, Some(_)) => Ok(()),
            (Format::Json, _) => render::line(&serde_json::to_string(resource)?),
            (Format::Yaml, _) => {
                render::line(&format!("---\n{}", serde_saphyr::to_string(&serde_json::to_value(resource)?)?))
            }
        }
    }

    /// The view goes away.
    pub fn clear(&self) {
        if let Some(screen) = &self.screen {
            screen.finish_and_clear();
        }
    }

    /// The last view stays.
    ///
    /// # Errors
    /// When standard output cannot be written.
    pub fn end(&self, lines: &[String]) -> anyhow::Result<()> {
        self.clear();
        if self.format == Format::Table {
            render::line(&lines.join("\n"))?;
        }
        Ok(())
    }
}
