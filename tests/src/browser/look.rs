//! What a page looks like, and whether everybody can use it: widths, schemes of colours, pictures, and the rules of WCAG
//! as axe-core tries them.

use anyhow::{Context, Result, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::tab::Tab;

/// What tests load into pages: the published SMART client, and the checker.
pub(super) const LIBRARIES: [&str; 2] = [
    concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../.browser/node_modules/fhirclient/build/fhir-client.pure.min.js"
    ),
    concat!(env!("CARGO_MANIFEST_DIR"), "/../.browser/node_modules/axe-core/axe.min.js"),
];

/// The text of one of [`LIBRARIES`] that ends so.
///
/// # Errors
/// It is not installed.
pub fn library(end: &str) -> Result<String> {
    let path = LIBRARIES.iter().find(|path| path.ends_with(end)).context("a library")?;
    std::fs::read_to_string(path).with_context(|| (*path).to_owned())
}

/// The colours that somebody prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// What a page is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// All rules of WCAG 2.1 AA, and of good practice.
    Whole,
    /// Those that colours may break.
    Colours,
}

/// A rule that a page breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl Tab {
    /// Gives the page a width, in CSS pixels, and a scheme.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn shape(&self, width: u32, scheme: Scheme) -> Result<()> {
        let size =
            json!({ "width": width, "height": 800, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await?;
        let scheme = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = [json!({ "name": "prefers-color-scheme", "value": scheme })];
        self.call("Emulation.setEmulatedMedia", json!({ "features": features })).await.map(drop)
    }

    /// Gives the page the shape that it is printed in, or that of a screen again.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn print(&self, printed: bool) -> Result<()> {
        let media = if printed { "print" } else { "screen" };
        self.call("Emulation.setEmulatedMedia", json!({ "media": media })).await.map(drop)
    }

    /// A picture of the whole page, as PNG.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn picture(&self) -> Result<Vec<u8>> {
        let params = json!({ "format": "png", "captureBeyondViewport": true });
        let taken = self.call("Page.captureScreenshot", params).await?;
        let data = taken.get("data").and_then(Value::as_str).context("a picture")?;
        Ok(BASE64_STANDARD.decode(data)?)
    }

    /// The rules that the page breaks as it is.
    ///
    /// # Errors
    /// They cannot be tried.
    pub async fn faults(&self, checker: &str, held: Held) -> Result<Vec<Fault>> {
        const RUN: &str = "axe.run(document, { resultTypes: ['violations'], runOnly: \
            RULES }).then(found => ({ \
            tried: found.passes.length, \
            broken: found.violations.flatMap(rule => rule.nodes.map(node => \
                `${rule.id}: ${rule.help}: ${node.html} ${node.failureSummary}`)) }))";
        if self.value("typeof axe").await? != json!("object") {
            self.value(&format!("{checker}; true")).await?;
        }
        let (rules, tried_min) = match held {
            Held::Whole => ("['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice']", 6),
            Held::Colours => ("['color-contrast']", 1),
        };
        let found = self.value(&RUN.replace("RULES", rules)).await?;
        let tried = found.get("tried").and_then(Value::as_u64).unwrap_or_default();
        ensure!(tried >= tried_min, "only {tried} rules could be tried: {found}");
        let broken = found.get("broken").and_then(Value::as_array).context("faults")?;
        Ok(broken.iter().filter_map(Value::as_str).map(|it| Fault(it.to_owned())).collect())
    }

    /// How much wider than its window the page is, in CSS pixels.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn too_wide(&self) -> Result<i64> {
        const OVER: &str =
            "document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.value(OVER).await?.as_i64().context("a width")
    }
}
