//! The conformance suite's report as a partner reads it: opened as a file in a real browser, held to the rules of WCAG
//! 2.1 AA on a phone and on a wide screen, with nothing loaded and nothing thrown.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use it::{Browser, Fixture, Held, Scheme, library};
use suite::{Options, Variables};

/// A page in a file that goes with its end.
struct Page(PathBuf);

impl Drop for Page {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

/// With all verdicts: what passes, what fails, what is skipped.
#[tokio::test]
async fn the_report_of_the_suite_is_for_everybody() -> Result<()> {
    let Some(browser) = Browser::start().await? else { return Ok(()) };
    let (server, checker) = (Fixture::start().await?, library("axe.min.js")?);
    let mut variables = Variables::default();
    variables.set("token", "none");
    let base = server.client.base.clone();
    let options = Options { base, variables, ..Options::default() };
    let report = suite::run(options, |_| ()).await?;
    ensure!(report.passed > 0 && report.failed > 0 && report.skipped > 0, "{report}");
    let name = format!("carebridge-report-{}.html", std::process::id());
    let page = Page(std::env::temp_dir().join(name));
    std::fs::write(&page.0, report.html()?)?;
    let tab = browser.tab().await?;
    tab.go(&format!("file://{}", page.0.display())).await?;
    tab.see("Conformance of").await?;
    let pictures = std::env::var_os("CAREBRIDGE_PICTURES").map(PathBuf::from);
    for (width, scheme, held) in [
        (320, Scheme::Light, Held::Colours),
        (390, Scheme::Dark, Held::Whole),
        (1280, Scheme::Light, Held::Whole),
    ] {
        tab.shape(width, scheme).await?;
        ensure!(tab.too_wide().await? <= 0, "wider than {width}");
        if let Some(folder) = &pictures {
            std::fs::create_dir_all(folder)?;
            let file = folder.join(format!("report-{width}-{scheme:?}.png"));
            std::fs::write(file, tab.picture().await?)?;
        }
        let faults = tab.faults(&checker, held).await?;
        ensure!(faults.is_empty(), "{width} {scheme:?}: {faults:#?}");
    }
    let title = tab.text("document.title").await?;
    title.strip_prefix("Conformance of ").context(title.clone())?;
    ensure!(tab.objections().is_empty(), "{:#?}", tab.objections());
    Ok(())
}
