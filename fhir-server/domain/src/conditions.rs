//! Constraints of scopes, compiled by this database's own index.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use access::{Condition, Conditions};
use canonical_model::ResourceType;
use search::query::parse_pairs;

use crate::domain::Shared;
use crate::limits::CONDITIONS_REMEMBERED_MAX;

/// What constraints came to, by type and text; also those that cannot be applied. Only parameters of FHIR itself are in
/// them, and the catalogue does not change what these are indexed under.
#[derive(Debug, Default)]
pub(crate) struct Compiled {
    known: RwLock<HashMap<Name, Option<Arc<Condition>>>>,
}

type Name = (ResourceType, String);

impl Conditions for Shared {
    fn of(&self, kind: ResourceType, text: &str) -> Option<Arc<Condition>> {
        let name = (kind, text.to_owned());
        let known = &self.compiled.known;
        if let Some(condition) = known.read().unwrap_or_else(PoisonError::into_inner).get(&name) {
            return condition.clone();
        }
        let condition = compile(self, kind, text).map(Arc::new);
        let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
        // Callers have few; who has more pays for compiling them again.
        if known.len() >= CONDITIONS_REMEMBERED_MAX {
            known.clear();
        }
        known.insert(name, condition.clone());
        condition
    }
}

/// `None` also where what it names is sealed, so that no search finds it.
fn compile(shared: &Shared, kind: ResourceType, text: &str) -> Option<Condition> {
    let pairs = parse_pairs(text).ok()?;
    let expr = search::condition(&shared.catalogue(), &shared.services.base, kind, &pairs).ok()?;
    Condition::new(kind, text, expr)
}
