//! The registry as FHIRPath sees it.

use canonical_model::fhirpath::{Element, Schema};

use crate::Registry;

impl Schema for Registry {
    fn element(&self, parent: &str, name: &str) -> Option<Element> {
        let element = self.structure(parent)?.element(name)?;
        let types = element.types.iter().filter_map(|number| Some(self.at(*number)?.path.into()));
        Some(Element { types: types.collect(), choice: element.choice, many: element.many })
    }

    fn is_a(&self, kind: &str, base: &str) -> bool {
        match (self.number(kind), self.number(base)) {
            (Some(kind), Some(base)) => self.descends(kind, base),
            _ => false,
        }
    }
}
