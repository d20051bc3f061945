//! Somebody with a browser that runs no script: follows forms, keeps cookies, stops where it leaves the server.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use reqwest::header::{CONTENT_TYPE, COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::redirect::Policy;

/// A browser.
#[derive(Clone, Debug)]
pub struct Visitor {
    http: reqwest::Client,
    origin: String,
    /// The cookie of the session, as `name=value`.
    pub cookie: Option<String>,
    /// From where it comes, as a proxy says it.
    pub from: Option<String>,
    /// Others, by name.
    others: BTreeMap<String, String>,
}

/// A page as it came.
#[derive(Clone, Debug)]
pub struct Page {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: reqwest::header::HeaderMap,
    /// The text.
    pub text: String,
}

/// A form of a page, filled in as the page has it.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is sent to.
    pub action: String,
    /// Names and values: hidden fields, texts, ticked boxes.
    pub fields: Vec<(String, String)>,
}

impl Visitor {
    /// A new browser, for one server.
    ///
    /// # Errors
    /// There is no TLS.
    pub fn new(origin: &str) -> Result<Self> {
        rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
        let http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build()?;
        Ok(Self {
            http,
            origin: origin.to_owned(),
            cookie: None,
            from: None,
            others: BTreeMap::new(),
        })
    }

    /// Opens an address of the server, and goes where it leads on the server.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn open(&mut self, path: &str) -> Result<Page> {
        let url = format!("{}{path}", self.origin);
        let page = self.send(self.http.get(url)).await?;
        self.follow(page).await
    }

    /// Sends a form of a page, and goes where it leads on the server.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn submit(&mut self, form: &Form) -> Result<Page> {
        let origin = self.origin.clone();
        self.submit_from(form, &origin).await
    }

    /// The same from a page of another site.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn submit_from(&mut self, form: &Form, origin: &str) -> Result<Page> {
        let url = format!("{}{}", self.origin, form.action);
        let request = self.http.post(url).header(ORIGIN, origin).form(&form.fields);
        let page = self.send(request).await?;
        self.follow(page).await
    }

    async fn follow(&mut self, mut page: Page) -> Result<Page> {
        while let Some(path) = page.location().and_then(|to| self.own(&to)) {
            let url = format!("{}{path}", self.origin);
            page = self.send(self.http.get(url)).await?;
        }
        Ok(page)
    }

    /// The path of an address that is of the server.
    fn own(&self, to: &str) -> Option<String> {
        let path = to.strip_prefix(&self.origin).unwrap_or(to);
        path.starts_with('/').then(|| path.to_owned())
    }

    fn keep(&mut self, set: &str) {
        let pair = set.split(';').next().unwrap_or_default();
        match pair.split_once('=') {
            Some((name, "")) => drop(self.others.remove(name)),
            Some((name, value)) if !name.ends_with("carebridge") => {
                self.others.insert(name.to_owned(), value.to_owned());
            }
            _ => self.cookie = Some(pair.to_owned()),
        }
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Result<Page> {
        let others = self.others.iter().map(|(name, value)| format!("{name}={value}"));
        let cookies: Vec<String> = self.cookie.iter().cloned().chain(others).collect();
        let request = match cookies.is_empty() {
            false => request.header(COOKIE, cookies.join("; ")),
            true => request,
        };
        let request = match &self.from {
            Some(from) => request.header("x-forwarded-for", from),
            None => request,
        };
        let answer = request.send().await?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        for set in headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok()) {
            self.keep(set);
        }
        Ok(Page { status, headers, text: answer.text().await? })
    }
}

impl Page {
    /// Where it leads.
    #[must_use]
    pub fn location(&self) -> Option<String> {
        self.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned)
    }

    /// A parameter of where it leads.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<String> {
        let location = self.location()?;
        let (_, query) = location.split_once('?')?;
        let mut pairs = form_urlencoded::parse(query.as_bytes());
        pairs.find(|(have, _)| have == name).map(|(_, value)| value.into_owned())
    }

    /// A header's text, or nothing.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The link that begins so.
    ///
    /// # Errors
    /// The page has none.
    pub fn link(&self, begin: &str) -> Result<String> {
        let tags = self.text.split("<a ").skip(1).filter_map(|tag| tag.split('>').next());
        let mut links = tags.filter_map(|tag| attribute(tag, "href"));
        let found = links.find(|link| link.starts_with(begin));
        found.with_context(|| format!("no link to {begin}: {self:?}"))
    }

    /// The first form, wherever it is sent to on a server.
    ///
    /// # Errors
    /// The page has none.
    pub fn first_form(&self, origin: &str) -> Result<Form> {
        let tag = self.text.split("<form ").nth(1).and_then(|tag| tag.split('>').next());
        let action = tag.and_then(|tag| attribute(tag, "action"));
        let action = action.with_context(|| format!("no form: {self:?}"))?;
        let form = self.form(&action)?;
        Ok(Form { action: action.trim_start_matches(origin).to_owned(), ..form })
    }

    /// The form that is sent to this path; the first of several.
    ///
    /// # Errors
    /// The page has none.
    pub fn form(&self, action: &str) -> Result<Form> {
        ensure!(self.header(CONTENT_TYPE.as_str()).starts_with("text/html"), "{self:?}");
        let begin = format!("action=\"{action}\"");
        let (_, rest) = self
            .text
            .split_once(&begin)
            .with_context(|| format!("no form to {action}: {self:?}"))?;
        let (body, _) = rest.split_once("</form>").context("a form ends")?;
        let fields = body.split("<input ").skip(1).filter_map(|input| {
            let input = input.split('>').next()?;
            let name = attribute(input, "name")?;
            let left = attribute(input, "type").as_deref() != Some("checkbox")
                || input.contains(" checked");
            left.then(|| (name, attribute(input, "value").unwrap_or_default()))
        });
        Ok(Form { action: action.to_owned(), fields: fields.collect() })
    }
}

impl Form {
    /// The same with another value of a field, or one more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(have, _)| have != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same without some fields of a name.
    #[must_use]
    pub fn without(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(have, value_of)| have != name || value_of != value);
        self
    }

    /// All values of a name.
    #[must_use]
    pub fn values(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(have, _)| have == name);
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// An attribute of a tag, its entities undone.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!("{name}=\""))?;
    let (value, _) = rest.split_once('"')?;
    let entities =
        [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    Some(entities.iter().fold(value.to_owned(), |text, (coded, plain)| text.replace(coded, plain)))
}
