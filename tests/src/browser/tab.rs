//! A page in a browser, used as people use it: by what controls are and are called, with mouse and keyboard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::keys::Press;
use super::wire::Wire;

/// How long what is expected may take to be there.
const THERE_MAX: Duration = Duration::from_secs(30);
/// How often is looked for it.
const LOOK_EVERY: Duration = Duration::from_millis(15);
/// How many presses of the key lead to any control of a page.
const TABS_MAX: usize = 200;

/// A page.
#[derive(Clone, Debug)]
pub struct Tab {
    wire: Arc<Wire>,
    session: String,
}

impl Tab {
    pub(super) async fn open(wire: Arc<Wire>) -> Result<Self> {
        let made = wire.call("", "Target.createBrowserContext", json!({})).await?;
        let own =
            json!({ "url": "about:blank", "browserContextId": text(&made, "browserContextId")? });
        let made = wire.call("", "Target.createTarget", own).await?;
        let of = json!({ "targetId": text(&made, "targetId")?, "flatten": true });
        let made = wire.call("", "Target.attachToTarget", of).await?;
        let tab = Self { session: text(&made, "sessionId")?, wire };
        for domain in ["Log", "Runtime", "Page"] {
            tab.call(&format!("{domain}.enable"), json!({})).await?;
        }
        Ok(tab)
    }

    pub(super) async fn call(&self, method: &str, params: Value) -> Result<Value> {
        self.wire.call(&self.session, method, params).await
    }

    /// Opens an address.
    ///
    /// # Errors
    /// Nobody answers there.
    pub async fn go(&self, url: &str) -> Result<()> {
        let gone = self.call("Page.navigate", json!({ "url": url })).await?;
        match gone.get("errorText").and_then(Value::as_str) {
            // It was led on elsewhere meanwhile.
            None | Some("net::ERR_ABORTED") => Ok(()),
            Some(error) => bail!("{url}: {error}"),
        }
    }

    /// Whether pages may run scripts, from the next one on.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn scripts(&self, allowed: bool) -> Result<()> {
        let params = json!({ "value": !allowed });
        self.call("Emulation.setScriptExecutionDisabled", params).await.map(drop)
    }

    /// What an expression comes to on the page, awaited.
    ///
    /// # Errors
    /// It throws, or the page is gone.
    pub async fn value(&self, expression: &str) -> Result<Value> {
        let params =
            json!({ "expression": expression, "awaitPromise": true, "returnByValue": true });
        let mut answer = self.call("Runtime.evaluate", params).await?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("{expression}: {thrown}");
        }
        Ok(answer.pointer_mut("/result/value").map(Value::take).unwrap_or_default())
    }

    /// The same as text.
    ///
    /// # Errors
    /// It is none, or as above.
    pub async fn text(&self, expression: &str) -> Result<String> {
        let value = self.value(expression).await?;
        value.as_str().map(str::to_owned).with_context(|| format!("{expression}: {value}"))
    }

    /// What can be read on the page.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn words(&self) -> Result<String> {
        self.text("document.body ? document.body.innerText : ''").await
    }

    /// Waits for a whole page with these words: what can be read then.
    ///
    /// # Errors
    /// They do not come.
    pub async fn see(&self, words: &str) -> Result<String> {
        const WHOLE: &str = "document.readyState === 'complete' ? document.body.innerText : ''";
        let began = Instant::now();
        loop {
            // Between two pages there is none.
            if let Ok(seen) = self.text(WHOLE).await
                && seen.contains(words)
            {
                return Ok(seen);
            }
            if began.elapsed() > THERE_MAX {
                let (seen, url) = (self.words().await, self.text("location.href").await);
                bail!("no “{words}” at {url:?}: {seen:?}");
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Presses a control with the mouse, as soon as it is there.
    ///
    /// # Errors
    /// It does not come.
    pub async fn press(&self, role: &str, name: &str) -> Result<()> {
        let began = Instant::now();
        let (x, y) = loop {
            match self.place(role, name).await {
                Ok(place) => break place,
                Err(error) if began.elapsed() > THERE_MAX => {
                    let seen = self.words().await;
                    return Err(error.context(format!("no {role} “{name}”: {seen:?}")));
                }
                Err(_) => sleep(LOOK_EVERY).await,
            }
        };
        for kind in ["mousePressed", "mouseReleased"] {
            let params = json!({ "type": kind, "x": x, "y": y, "button": "left", "clickCount": 1 });
            self.call("Input.dispatchMouseEvent", params).await?;
        }
        Ok(())
    }

    /// The middle of a control, brought into view.
    async fn place(&self, role: &str, name: &str) -> Result<(f64, f64)> {
        let node = self.find(role, name).await?.with_context(|| format!("no {role} “{name}”"))?;
        let of = json!({ "backendNodeId": node });
        self.call("DOM.scrollIntoViewIfNeeded", of.clone()).await?;
        let quads = self.call("DOM.getContentQuads", of).await?;
        let quad =
            quads.pointer("/quads/0").and_then(Value::as_array).context("it is not shown")?;
        let corner = |n: usize| quad.get(n).and_then(Value::as_f64).unwrap_or_default();
        Ok(((corner(0) + corner(4)) / 2.0, (corner(1) + corner(5)) / 2.0))
    }

    /// A control as those who see nothing find it: by role and name.
    async fn find(&self, role: &str, name: &str) -> Result<Option<i64>> {
        let whole = self.call("Runtime.evaluate", json!({ "expression": "document" })).await?;
        let whole = whole.pointer("/result/objectId").context("a page")?;
        let asked = json!({ "objectId": whole, "role": role, "accessibleName": name });
        let found = self.call("Accessibility.queryAXTree", asked).await?;
        let nodes = found.get("nodes").and_then(Value::as_array).context("nodes")?;
        let shown = |node: &&Value| node.get("ignored").and_then(Value::as_bool) != Some(true);
        let mut all = nodes.iter().filter(shown).filter_map(|node| node.get("backendDOMNodeId"));
        Ok(all.find_map(Value::as_i64))
    }

    /// Types into a field, in the place of what it has.
    ///
    /// # Errors
    /// There is none.
    pub async fn fill(&self, name: &str, typed: &str) -> Result<()> {
        self.press("textbox", name).await?;
        self.key(Press::All).await?;
        self.key(Press::Erase).await?;
        self.typed(typed).await
    }

    /// Types where the focus is.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn typed(&self, typed: &str) -> Result<()> {
        self.call("Input.insertText", json!({ "text": typed })).await.map(drop)
    }

    /// Presses a key.
    ///
    /// # Errors
    /// The browser has ended.
    pub async fn key(&self, press: Press) -> Result<()> {
        for event in press.events() {
            self.call("Input.dispatchKeyEvent", event).await?;
        }
        Ok(())
    }

    /// Goes on by the keyboard alone until the focus is on a control, which must be seen to have it.
    ///
    /// # Errors
    /// The keyboard does not lead there, or one does not see where it is.
    pub async fn tab_to(&self, role: &str, name: &str) -> Result<()> {
        let mut passed = Vec::new();
        for _ in 0..TABS_MAX {
            let focus = self.focus().await?;
            if focus == (role.to_owned(), name.to_owned()) {
                let ring =
                    self.text("getComputedStyle(document.activeElement).outlineStyle").await?;
                ensure!(ring != "none", "{role} “{name}” does not show that it has the focus");
                return Ok(());
            }
            passed.push(focus);
            self.key(Press::Tab).await?;
        }
        bail!("the keyboard does not lead to {role} “{name}”: {passed:?}")
    }

    /// What has the focus: its role and its name.
    ///
    /// # Errors
    /// The page is gone.
    pub async fn focus(&self) -> Result<(String, String)> {
        let active = json!({ "expression": "document.activeElement" });
        let active = self.call("Runtime.evaluate", active).await?;
        let of = active.pointer("/result/objectId").context("a focus")?;
        let of = json!({ "objectId": of, "fetchRelatives": false });
        let node = self.call("Accessibility.getPartialAXTree", of).await?;
        let part = |name: &str| {
            let value = node.pointer(&format!("/nodes/0/{name}/value")).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        Ok((part("role"), part("name")))
    }

    /// What the browser objected to so far: policies that were broken, files that were not there, scripts that threw.
    #[must_use]
    pub fn objections(&self) -> Vec<String> {
        let told = |method: &str| self.wire.told(&self.session, method);
        let entry = |event: Value| {
            let entry = event.get("entry")?;
            let part = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
            let loud = matches!(part("level"), "error" | "warning");
            loud.then(|| format!("{}: {} {}", part("source"), part("text"), part("url")))
        };
        let thrown = told("Runtime.exceptionThrown").into_iter().map(|event| event.to_string());
        told("Log.entryAdded").into_iter().filter_map(entry).chain(thrown).collect()
    }
}

fn text(of: &Value, name: &str) -> Result<String> {
    of.get(name).and_then(Value::as_str).map(str::to_owned).with_context(|| format!("{name}: {of}"))
}
