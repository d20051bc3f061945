//! The bar of commands that take long.

use std::time::Duration;

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error, where that is a terminal and what is printed is for people.
pub(crate) fn bar(json: bool) -> Result<ProgressBar> {
    let target = if json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let bar = ProgressBar::with_draw_target(Some(1), target);
    let style = "{bar:30} {percent:>3}%  {elapsed} elapsed, {eta} left";
    bar.set_style(ProgressStyle::with_template(style).context("A progress bar.")?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}
