//! The registry as FHIRPath sees it.

use canonical_model::Value;
use canonical_model::fhirpath::{Element, Member, Model, Schema};

use crate::{Registry, validate_value};

impl Schema for Registry {
    fn model(&self) -> Option<&'static dyn Model> {
        Some(Self::r4())
    }

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

/// Where the definitions of FHIR's own types are.
const TYPES: &str = "http://hl7.org/fhir/StructureDefinition/";

impl Model for Registry {
    fn member(&'static self, kind: &str, key: &str) -> Option<Member> {
        let structure = self.structure(kind)?;
        let found = structure.key(key)?;
        let name = structure.element_of(found)?.name;
        Some(Member { name, kind: self.at(found.structure)?.path })
    }

    fn descends(&'static self, kind: &str, base: &str) -> bool {
        self.is_a(kind, base)
    }

    fn conforms(&'static self, value: &Value, kind: &str, url: &str) -> Option<bool> {
        let base = self.structure(url.strip_prefix(TYPES)?)?.path;
        Some(self.is_a(kind, base) && validate_value(kind, value).is_ok())
    }
}
