//! Where definitions are found: in the store first, within the caller's rights, then in the package.

use std::collections::HashMap;
use std::sync::Arc;

use access::{Access, Action};
use canonical_model::{Error, IssueCode, ResourceId, ResourceType, Result, Value, json};
use conformance::terminology;
use search::query::{Handling, parse};
use search::{QueryContext, Terms};

use super::Reader;
use super::budget::Budget;
use super::concepts::Concepts;
use crate::Domain;

/// The definitions that one query has read.
#[derive(Debug)]
pub(super) struct Definitions<'a> {
    domain: &'a Domain,
    reader: Reader<'a>,
    budget: Budget,
    value_sets: HashMap<String, Arc<Value>>,
    systems: HashMap<String, Arc<Concepts>>,
}

impl<'a> Definitions<'a> {
    pub(super) fn new(domain: &'a Domain, reader: Reader<'a>) -> Self {
        let (value_sets, systems) = (HashMap::new(), HashMap::new());
        Self { domain, reader, budget: Budget::new(), value_sets, systems }
    }

    /// What the query may still cost.
    pub(super) fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// A value set by its canonical URL, perhaps with `|version`, or as `ValueSet/id`.
    pub(super) async fn value_set(&mut self, name: &str) -> Result<Arc<Value>> {
        if let Some(known) = self.value_sets.get(name) {
            return Ok(Arc::clone(known));
        }
        let base = self.domain.base();
        let local = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        let found = match local.strip_prefix("ValueSet/") {
            Some(id) => self.by_id("ValueSet", id).await?,
            None => self.by_url("ValueSet", name, None).await?,
        };
        let found = Arc::new(found.ok_or_else(|| unknown("the value set", name))?);
        self.value_sets.insert(name.to_owned(), Arc::clone(&found));
        Ok(found)
    }

    /// The concepts of a code system, which must be all it has.
    pub(super) async fn concepts(
        &mut self,
        system: &str,
        version: Option<&str>,
    ) -> Result<Arc<Concepts>> {
        let name = format!("{system}|{}", version.unwrap_or_default());
        if let Some(known) = self.systems.get(&name) {
            return Ok(Arc::clone(known));
        }
        let found = self.by_url("CodeSystem", system, version).await?;
        let found = found.ok_or_else(|| unknown("the code system", system))?;
        let concepts = Arc::new(Concepts::read(&found)?);
        self.systems.insert(name, Arc::clone(&concepts));
        Ok(concepts)
    }

    async fn by_id(&mut self, kind: &str, id: &str) -> Result<Option<Value>> {
        let kind = ResourceType::parse(kind)?;
        let Ok(id) = ResourceId::parse(id) else { return Ok(None) };
        let access = self.access(kind)?;
        let stored = self.domain.store().read(&access, kind, &id).await?;
        match stored.and_then(|stored| stored.text) {
            Some(text) => self.parse(&text).map(Some),
            None => Ok(None),
        }
    }

    /// Who may not search the store learns nothing of it, not even whether it has what the package has not.
    async fn by_url(
        &mut self,
        kind: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<Option<Value>> {
        let (url, named) = match name.split_once('|') {
            Some((url, version)) => (url, Some(version)),
            None => (name, None),
        };
        let version = version.or(named);
        let access = self.access(ResourceType::parse(kind)?);
        if let Ok(access) = &access
            && let Some(found) = self.stored(access, kind, url, version).await?
        {
            return Ok(Some(found));
        }
        let published = match kind {
            "ValueSet" => terminology::value_set(url),
            _ => terminology::code_system(url),
        };
        let published = published.filter(|it| version.is_none_or(|version| version == it.version));
        match (published, access) {
            (Some(found), _) => self.parse(found.text.as_bytes()).map(Some),
            (None, Ok(_)) => Ok(None),
            (None, Err(forbidden)) => Err(forbidden),
        }
    }

    async fn stored(
        &mut self,
        access: &Access,
        kind: &str,
        url: &str,
        version: Option<&str>,
    ) -> Result<Option<Value>> {
        let escaped = |text: &str| {
            let escape = |letter| match letter {
                '\\' | ',' | '|' | '$' => format!("\\{letter}"),
                other => String::from(other),
            };
            text.chars().map(escape).collect::<String>()
        };
        if url.is_empty() {
            return Ok(None);
        }
        let mut pairs =
            vec![("url".to_owned(), escaped(url)), ("_count".to_owned(), "2".to_owned())];
        pairs.extend(version.map(|version| ("version".to_owned(), escaped(version))));
        let query = {
            let (terms, catalogue) = (Terms::default(), self.domain.catalogue());
            let context =
                QueryContext::new(&catalogue, self.domain.base(), Handling::Strict, &terms);
            parse(context, ResourceType::parse(kind)?, &pairs)?
        };
        let page = self.domain.store().search(access, &[query], None).await?;
        match page.found.as_slice() {
            [] => Ok(None),
            [one] => one.resource.text.as_deref().map(|text| self.parse(text)).transpose(),
            _ => {
                let text = format!(
                    "several {kind} resources are {}; name the version, as url|1.0",
                    shown(url)
                );
                Err(Error::unprocessable(text).code(IssueCode::MultipleMatches))
            }
        }
    }

    fn access(&self, kind: ResourceType) -> Result<Access> {
        match self.reader {
            Reader::Caller(request) => self.domain.decide(request, kind, Action::Search),
            Reader::Operator => Ok(Access::internal("an operator asks how a search is answered")),
        }
    }

    fn parse(&mut self, text: &[u8]) -> Result<Value> {
        self.budget.take(text.len())?;
        json::parse(text)
    }
}

fn unknown(what: &str, url: &str) -> Error {
    let text = format!("{what} {} is not known here", shown(url));
    Error::unprocessable(text).code(IssueCode::NotFound)
}

/// A canonical URL as an error may show it: it may be the sender's text.
pub(super) fn shown(url: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() && !"<>\"&".contains(*c);
    url.chars().filter(plain).take(200).collect()
}
