//! Progress on a terminal: how far, how many, how fast, how long still, and what it waits for. Silent
//! elsewhere.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::http::Trouble;

const KNOWN: &str = "{bar:30} {percent:>3}%  {msg}  {elapsed} elapsed, {eta} left{trouble}";
const OPEN: &str = "{spinner} {msg}  {elapsed} elapsed{trouble}";

/// A bar that counts resources beside its own measure.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
    resources: AtomicU64,
    started: Instant,
}

impl Progress {
    /// A bar over `total` units of work, open-ended without; hidden unless wanted and seen. It says what
    /// trouble a server makes.
    pub(crate) fn new(wanted: bool, total: Option<u64>, trouble: Option<Arc<Trouble>>) -> Self {
        let target =
            if wanted { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(total, target);
        let template = if total.is_some() { KNOWN } else { OPEN };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.with_key(
                "trouble",
                move |_: &ProgressState, out: &mut dyn Write| {
                    let text = trouble.as_ref().map(|trouble| trouble.text()).unwrap_or_default();
                    if !text.is_empty() {
                        // A bar that cannot be drawn is no fault of the load.
                        out.write_fmt(format_args!("  {text}")).ok();
                    }
                },
            ));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar, resources: AtomicU64::new(0), started: Instant::now() }
    }

    /// Advances by units of work and resources.
    pub(crate) fn add(&self, work: u64, resources: u64) {
        let so_far = self.resources.fetch_add(resources, Ordering::Relaxed) + resources;
        self.bar.inc(work);
        if !self.bar.is_hidden() {
            let rate = so_far as f64 / self.seconds().max(0.001);
            self.bar.set_message(format!("{so_far} resources, {rate:.0}/s"));
        }
    }

    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// Removes the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
