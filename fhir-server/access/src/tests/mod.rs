//! Tables of cases, and the algebra's properties.

mod algebra;
mod conditions;
mod decisions;
mod roles;
mod scopes;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

use canonical_model::{Resource, ResourceType};
use search::query::parse_pairs;
use search::{Catalogue, Hasher, IndexEntries};

use crate::{Condition, Conditions};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::new(hasher()));

fn hasher() -> Hasher {
    Hasher::new(&[9; 16])
}

type Known = HashMap<(ResourceType, String), Option<Arc<Condition>>>;
static KNOWN: LazyLock<Mutex<Known>> = LazyLock::new(Mutex::default);

/// Compiles constraints by what FHIR publishes, but for those that name `_source`: as a server that seals it.
struct Published;

impl Conditions for Published {
    fn of(&self, kind: ResourceType, text: &str) -> Option<Arc<Condition>> {
        let mut known = KNOWN.lock().unwrap();
        let compile = || {
            let pairs = parse_pairs(text).ok().filter(|_| !text.contains("_source"))?;
            let expr = search::condition(&CATALOGUE, "http://x.example", kind, &pairs).ok()?;
            Condition::new(kind, text, expr).map(Arc::new)
        };
        known.entry((kind, text.to_owned())).or_insert_with(compile).clone()
    }
}

/// What a resource is indexed under.
fn indexed(json: &str) -> IndexEntries {
    let resource = Resource::parse(json.as_bytes()).unwrap();
    search::extract(&CATALOGUE, "http://x.example", &resource).unwrap()
}
