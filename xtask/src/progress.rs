//! Progress on the terminal: a line that changes while work goes on, one that stays when it is done.
//!
//! Where standard error is no terminal each step is a plain line, so that a log shows it too.

use std::{io::IsTerminal, time::Duration};

use dropproof_databases::Progress;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::out::errln;

/// How often the line that changes is drawn.
const TICK: Duration = Duration::from_millis(120);

/// The terminal that progress is shown on.
#[derive(Debug)]
pub(crate) struct Terminal {
    interactive: bool,
    /// The lines that change: work of several kinds may be under way at the same time.
    lines: MultiProgress,
}

/// Work of several steps under way.
#[derive(Debug)]
pub(crate) struct Steps {
    bar: Option<ProgressBar>,
    name: String,
}

impl Terminal {
    pub(crate) fn new() -> Self {
        Self { interactive: std::io::stderr().is_terminal(), lines: MultiProgress::new() }
    }

    /// Says something that stays.
    pub(crate) fn say(&self, name: &str, text: &str) {
        say(name, text);
    }

    /// Begins work whose steps come one by one.
    pub(crate) fn steps(&self, name: &str) -> Steps {
        let bar = self.interactive.then(|| {
            let style =
                ProgressStyle::with_template("{prefix:>10.bold}  {spinner} {msg} ({elapsed})");
            let bar = ProgressBar::new_spinner().with_style(style.expect("the template is right"));
            let bar = self.lines.add(bar);
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(TICK);
            bar
        });
        Steps { bar, name: name.to_owned() }
    }

    /// Begins work of so many equal parts.
    pub(crate) fn parts(&self, name: &str, count: usize) -> ProgressBar {
        if !self.interactive {
            return ProgressBar::hidden();
        }
        let style =
            ProgressStyle::with_template("{prefix:>10.bold}  {bar:30} {pos}/{len} {wide_msg}");
        let bar = ProgressBar::new(count as u64).with_style(style.expect("the template is right"));
        bar.set_prefix(name.to_owned());
        bar
    }
}

fn say(name: &str, text: &str) {
    let style = anstyle::Style::new().bold();
    errln!("{style}{name:>10}{style:#}  {text}");
}

impl Progress for Steps {
    fn step(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => say(&self.name, text),
        }
    }
}

impl Drop for Steps {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
