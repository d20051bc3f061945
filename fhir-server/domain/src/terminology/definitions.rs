//! Where definitions are found: in the store first, within the caller's rights, then among what was imported, then in the
//! package.

use std::collections::HashMap;
use std::sync::Arc;

use ::terminology::{CodeSystem, Content, Library as _, Loaded, Refusal, ValueSet, package};
use access::{Access, Action};
use canonical_model::{Error, IssueCode, Kind, ResourceId, ResourceType, Result, Value, json};
use search::query::{Handling, Pair, parse};
use search::{QueryContext, Terms};
use store::Stored;

use super::Reader;
use super::budget::Budget;
use crate::Domain;

/// The definitions that one answer is made of.
#[derive(Debug)]
pub(crate) struct Definitions<'a> {
    domain: &'a Domain,
    reader: Reader<'a>,
    budget: Budget,
    loaded: Loaded,
    versions: Versions,
}

/// Which versions of code systems are meant, by their URLs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    /// Where a value set names none.
    pub(crate) default: HashMap<String, String>,
    /// Whatever a value set names.
    pub(crate) force: HashMap<String, String>,
    /// What it must be in the end.
    pub(crate) check: HashMap<String, String>,
}

impl<'a> Definitions<'a> {
    pub(crate) fn new(domain: &'a Domain, reader: Reader<'a>) -> Self {
        let (budget, loaded, versions) = (Budget::new(), Loaded::default(), Versions::default());
        Self { domain, reader, budget, loaded, versions }
    }

    /// The same with versions of code systems.
    pub(crate) fn with_versions(self, versions: Versions) -> Self {
        Self { versions, ..self }
    }

    /// What the answer may still cost.
    pub(super) fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    /// What was found so far.
    pub(crate) fn loaded(&self) -> &Loaded {
        &self.loaded
    }

    /// A value set by its canonical URL, perhaps with `|version`, or as `ValueSet/id`.
    ///
    /// # Errors
    /// Unprocessable where it is not known or cannot be read; Forbidden; TooLarge.
    pub(crate) async fn value_set(&mut self, name: &str) -> Result<Arc<ValueSet>> {
        if !self.loaded.has_value_set(name) {
            let found = told(self.find_value_set(name).await)?;
            self.loaded.put_value_set(name, found);
        }
        self.loaded.value_set(name)
    }

    /// A code system by its URL and version.
    ///
    /// # Errors
    /// As [`Definitions::value_set`].
    pub(crate) async fn code_system(
        &mut self,
        url: &str,
        version: Option<&str>,
    ) -> Result<Arc<CodeSystem>> {
        if !self.loaded.has_code_system(url, version) {
            let found = told(self.find_code_system(url, version).await)?;
            self.loaded.put_code_system(url, version, found);
        }
        self.loaded.code_system(url, version)
    }

    /// Reads all that a value set is made of; with `displays` also what only names its codes. What is not found is
    /// said where it is needed.
    ///
    /// # Errors
    /// Unavailable or Internal.
    pub(crate) async fn gather(&mut self, set: &Arc<ValueSet>, displays: bool) -> Result<()> {
        let mut open = vec![Arc::clone(set)];
        while let Some(set) = open.pop() {
            for (url, version, listed) in set.systems() {
                if displays
                    || !listed
                    || set.compose.as_ref().is_some_and(|it| it.inactive.is_some())
                {
                    drop(told(self.code_system(url, version).await)?);
                }
            }
            for name in set.value_sets() {
                if !self.loaded.has_value_set(name) {
                    open.extend(told(self.value_set(name).await)?.ok());
                }
            }
        }
        Ok(())
    }

    async fn find_value_set(&mut self, name: &str) -> Result<Arc<ValueSet>> {
        let base = self.domain.base();
        let local = name.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')).unwrap_or(name);
        if let Some(id) = local.strip_prefix("ValueSet/") {
            let found = self.by_id(ResourceType::VALUE_SET, id).await?;
            let found = found.ok_or_else(|| Refusal::of_value_set(name).error())?;
            return ValueSet::read(self.parse(&found)?).map(Arc::new);
        }
        let (url, version) = split(name);
        let access = self.access(ResourceType::VALUE_SET);
        if let Ok(access) = &access
            && let Some(found) = self.stored(access, ResourceType::VALUE_SET, url, version).await?
        {
            return ValueSet::read(self.parse(&found)?).map(Arc::new);
        }
        if let Some(found) = package::value_set(url, version)? {
            self.budget.take(0)?;
            return Ok(found);
        }
        match (ValueSet::implicit(name)?, access) {
            (Some(found), _) => Ok(Arc::new(found)),
            (None, Ok(_)) => Err(Refusal::of_value_set(name).error()),
            (None, Err(forbidden)) => Err(forbidden),
        }
    }

    async fn find_code_system(
        &mut self,
        url: &str,
        version: Option<&str>,
    ) -> Result<Arc<CodeSystem>> {
        let (forced, default) = (self.versions.force.get(url), self.versions.default.get(url));
        let version =
            forced.map(String::as_str).or(version).or_else(|| default.map(String::as_str));
        let version = version.map(str::to_owned);
        let found = self.system_of_version(url, version.as_deref()).await?;
        let used = found.head().version.as_deref().unwrap_or_default();
        match self.versions.check.get(url) {
            Some(wanted) if wanted != used => {
                let text = format!(
                    "check-system-version: of {} another version is used than is asked for",
                    shown(url)
                );
                Err(Error::unprocessable(text).code(IssueCode::BusinessRule))
            }
            _ => Ok(found),
        }
    }

    /// Who may not search the store learns nothing of it, not even whether it has what the package has not.
    async fn system_of_version(
        &mut self,
        url: &str,
        version: Option<&str>,
    ) -> Result<Arc<CodeSystem>> {
        let access = self.access(ResourceType::CODE_SYSTEM);
        let mut declared = None;
        if let Ok(access) = &access
            && let Some(found) =
                self.stored(access, ResourceType::CODE_SYSTEM, url, version).await?
        {
            let found = self.read_code_system(&found)?;
            // One that only names a system says nothing of its concepts; they may be elsewhere.
            if found.head().content != Content::NotPresent {
                return Ok(found);
            }
            declared = Some(found);
        }
        if let Some(found) = self.imported(url, version).await? {
            return Ok(found);
        }
        if let Some(found) = package::code_system(url, version)? {
            self.budget.take(0)?;
            return Ok(found);
        }
        match (declared, access) {
            (Some(declared), _) => Ok(declared),
            (None, Ok(_)) => Err(Refusal::of_code_system(url).error()),
            (None, Err(forbidden)) => Err(forbidden),
        }
    }

    /// A stored CodeSystem; one that was read a while ago is not read again.
    pub(crate) fn read_code_system(&mut self, stored: &Stored) -> Result<Arc<CodeSystem>> {
        let key = (stored.id.clone(), stored.version);
        if let Some(known) = self.domain.shared.code_systems.get(&key) {
            self.budget.take(0)?;
            return Ok(known);
        }
        let read = Arc::new(CodeSystem::read(&self.parse(stored)?)?);
        self.domain.shared.code_systems.insert(key, Arc::clone(&read));
        Ok(read)
    }

    /// One that the operator imported: anybody may read it, as what FHIR publishes.
    async fn imported(
        &mut self,
        url: &str,
        version: Option<&str>,
    ) -> Result<Option<Arc<CodeSystem>>> {
        let (store, shared) = (self.domain.store(), &self.domain.shared);
        let Some(found) = store.imported(url, version).await? else { return Ok(None) };
        self.budget.take(0)?;
        if let Some(known) = shared.imported.get(&found.number) {
            return Ok(Some(known));
        }
        let _turn = shared.importing.lock().await;
        if let Some(known) = shared.imported.get(&found.number) {
            return Ok(Some(known));
        }
        let content = store.imported_content(&found).await?;
        let read = tokio::task::spawn_blocking(move || CodeSystem::decode(&content));
        let read = Arc::new(read.await.map_err(Error::internal)??);
        shared.imported.insert(found.number, Arc::clone(&read));
        Ok(Some(read))
    }

    async fn by_id(&self, kind: ResourceType, id: &str) -> Result<Option<Stored>> {
        let Ok(id) = ResourceId::parse(id) else { return Ok(None) };
        let access = self.access(kind)?;
        self.domain.store().read(&access, kind, &id).await
    }

    async fn stored(
        &self,
        access: &Access,
        kind: ResourceType,
        url: &str,
        version: Option<&str>,
    ) -> Result<Option<Stored>> {
        if url.is_empty() {
            return Ok(None);
        }
        let mut pairs = vec![("url".to_owned(), escaped(url))];
        pairs.extend(version.map(|version| ("version".to_owned(), escaped(version))));
        let mut found = self.search(access, kind, pairs, 2).await?;
        match (found.pop(), found.is_empty()) {
            (found, true) => Ok(found),
            _ => {
                let url = shown(url);
                let text =
                    format!("several {kind} resources are {url}; name the version, as url|1.0");
                Err(Error::unprocessable(text).code(IssueCode::MultipleMatches))
            }
        }
    }

    /// Stored resources that meet criteria, so many at most.
    pub(crate) async fn search(
        &self,
        access: &Access,
        kind: ResourceType,
        mut pairs: Vec<Pair>,
        most: usize,
    ) -> Result<Vec<Stored>> {
        pairs.push(("_count".to_owned(), most.to_string()));
        let query = {
            let (terms, catalogue) = (Terms::default(), self.domain.catalogue());
            let context =
                QueryContext::new(&catalogue, self.domain.base(), Handling::Strict, &terms);
            parse(context, kind, &pairs)?
        };
        let page = self.domain.store().search(access, &[query], None).await?;
        Ok(page.found.into_iter().map(|found| found.resource).collect())
    }

    /// What the reader may search of a type.
    ///
    /// # Errors
    /// Forbidden.
    pub(crate) fn access(&self, kind: ResourceType) -> Result<Access> {
        match self.reader {
            Reader::Caller(request) => self.domain.decide(request, kind, Action::Search),
            Reader::Operator => Ok(Access::internal("an operator asks how a search is answered")),
        }
    }

    pub(crate) fn parse(&mut self, stored: &Stored) -> Result<Value> {
        let text = stored.text.as_deref().unwrap_or_default();
        self.budget.take(text.len())?;
        json::parse(text)
    }
}

/// What was found, or why not, to be said where it is needed; what is no fault of the definition is said at once.
fn told<T>(found: Result<T>) -> Result<Result<T, Refusal>> {
    match found {
        Ok(found) => Ok(Ok(found)),
        Err(error) => match error.kind {
            Kind::Internal | Kind::Unavailable | Kind::Timeout | Kind::StorageFull => Err(error),
            _ => Ok(Err(Refusal::from(&error))),
        },
    }
}

/// A canonical reference's URL and version.
pub(crate) fn split(name: &str) -> (&str, Option<&str>) {
    match name.split_once('|') {
        Some((url, version)) => (url, Some(version).filter(|version| !version.is_empty())),
        None => (name, None),
    }
}

/// A value of a search as it is written where it stands for itself.
pub(crate) fn escaped(text: &str) -> String {
    let escape = |letter| match letter {
        '\\' | ',' | '|' | '$' => format!("\\{letter}"),
        other => String::from(other),
    };
    text.chars().map(escape).collect()
}

/// A canonical URL as an error may show it: it may be the sender's text.
pub(crate) fn shown(url: &str) -> String {
    let plain = |c: &char| c.is_ascii_graphic() && !"<>\"&".contains(*c);
    url.chars().filter(plain).take(200).collect()
}
