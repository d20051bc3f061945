//! The definitions of R4 in memory: one table of structures, lists of search parameters by type.

use std::sync::LazyLock;

use canonical_model::ResourceType;

use crate::index::{Element, Index, Key, Structure, ValueSet};
use crate::search_param::{self, SearchParam};

static R4: LazyLock<Registry> = LazyLock::new(Registry::load);

/// The definitions of one FHIR version.
#[derive(Debug)]
pub struct Registry {
    index: Index,
    /// The structure of each resource type, by the type's number.
    resources: Vec<u16>,
    /// The search parameters of each resource type, by the type's number, sorted by code.
    params: Vec<Vec<SearchParam>>,
    known: Known,
}

/// Structures that have rules of their own.
#[derive(Debug)]
struct Known {
    /// Stands for any resource.
    resource: u16,
    reference: u16,
}

impl Registry {
    /// FHIR R4, 4.0.1. The first call decodes it, in a few milliseconds.
    #[must_use]
    pub fn r4() -> &'static Self {
        &R4
    }

    #[expect(clippy::expect_used, reason = "the build wrote these bytes with the same code")]
    fn load() -> Self {
        const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/r4.postcard"));
        let index: Index = postcard::from_bytes(BYTES).expect("the index fits its own code");
        let find = |path: &str| position(&index.structures, path).unwrap_or(u16::MAX);
        let resources: Vec<u16> = ResourceType::all().map(|kind| find(kind.name())).collect();
        let known = Known { resource: find("Resource"), reference: find("Reference") };
        let params = search_param::by_type(&index, &resources);
        Self { index, resources, params, known }
    }

    /// FHIR's version: `4.0.1`.
    #[must_use]
    pub fn version(&self) -> &'static str {
        self.index.version
    }

    /// Every type and backbone element, sorted by path.
    #[must_use]
    pub fn structures(&self) -> &[Structure] {
        &self.index.structures
    }

    /// The structure of a type (`Patient`, `HumanName`) or backbone element (`Patient.contact`).
    #[must_use]
    pub fn structure(&self, path: &str) -> Option<&Structure> {
        self.at(position(&self.index.structures, path)?)
    }

    /// The structure that an [`Element`], a [`Key`](crate::Key) or a base refers to.
    #[must_use]
    pub fn at(&self, number: u16) -> Option<&Structure> {
        self.index.structures.get(usize::from(number))
    }

    /// The structure of a resource type.
    #[must_use]
    pub fn resource(&self, kind: ResourceType) -> Option<&Structure> {
        self.at(*by_number(&self.resources, kind)?)
    }

    /// Whether the structure with this number stands for any resource: `Bundle.entry.resource`.
    #[must_use]
    pub fn is_any_resource(&self, number: u16) -> bool {
        number == self.known.resource
    }

    /// The children of a type or backbone element in FHIR's order; none for an unknown path.
    #[must_use]
    pub fn elements(&self, path: &str) -> &[Element] {
        self.structure(path).map_or(&[], |structure| &structure.elements)
    }

    /// Whether the summary view holds the child `name` of `path`.
    #[must_use]
    pub fn is_summary(&self, path: &str, name: &str) -> bool {
        let element = self.structure(path).and_then(|structure| structure.element(name));
        element.is_some_and(|element| element.summary)
    }

    /// The elements that every subset of a resource keeps because the resource is not valid
    /// without them. <https://hl7.org/fhir/R4/search.html#elements>
    pub fn mandatory(&self, kind: ResourceType) -> impl Iterator<Item = &Element> {
        let structure = self.resource(kind);
        structure.into_iter().flat_map(|it| &it.elements).filter(|element| element.required)
    }

    /// A type's search parameters, those of every resource too, sorted by code.
    #[must_use]
    pub fn search_params(&self, kind: ResourceType) -> &[SearchParam] {
        by_number(&self.params, kind).map_or(&[], Vec::as_slice)
    }

    /// A type's search parameter by its name in a URL.
    #[must_use]
    pub fn search_param(&self, kind: ResourceType, code: &str) -> Option<&SearchParam> {
        let params = self.search_params(kind);
        params.get(params.binary_search_by(|param| (*param.code).cmp(code)).ok()?)
    }

    /// A type's search parameter by its canonical URL, as a composite names its parts.
    #[must_use]
    pub fn search_param_by_url(&self, kind: ResourceType, url: &str) -> Option<&SearchParam> {
        self.search_params(kind).iter().find(|param| param.url == url)
    }

    /// The search parameters that lead from a resource to the patients whose compartment it is in.
    /// A Patient is in its own besides. <https://hl7.org/fhir/R4/compartmentdefinition-patient.html>
    #[must_use]
    pub fn patient_compartment(&self, kind: ResourceType) -> &[&'static str] {
        self.compartment("Patient", kind)
    }

    /// Whether resources of the type have a compartment.
    #[must_use]
    pub fn has_compartment(&self, kind: ResourceType) -> bool {
        self.index.compartments.binary_search_by(|it| it.name.cmp(kind.name())).is_ok()
    }

    /// The same for `Patient`, `Practitioner`, `Encounter`, `Device` or `RelatedPerson`.
    #[must_use]
    pub fn compartment(&self, name: &str, kind: ResourceType) -> &[&'static str] {
        let codes = || {
            let place = self.index.compartments.binary_search_by(|it| it.name.cmp(name)).ok()?;
            let members = &self.index.compartments.get(place)?.members;
            let number = by_number(&self.resources, kind)?;
            let place = members.binary_search_by(|(member, _)| member.cmp(number)).ok()?;
            members.get(place).map(|(_, codes)| codes.as_slice())
        };
        codes().unwrap_or_default()
    }

    /// The codes that alone are allowed in an element.
    #[must_use]
    pub fn codes(&self, element: &Element) -> Option<&ValueSet> {
        self.index.value_sets.get(usize::from(element.codes?))
    }

    /// The resource types that a reference under this key may point to; none: any.
    pub fn targets(&self, key: &Key) -> impl Iterator<Item = &'static str> {
        let list = self.index.targets.get(usize::from(key.targets));
        list.into_iter().flatten().filter_map(|number| Some(self.at(*number)?.path))
    }

    /// Whether a structure is another or comes from it.
    pub(crate) fn descends(&self, mut number: u16, base: u16) -> bool {
        while number != base {
            match self.at(number).and_then(|structure| structure.base) {
                Some(parent) => number = parent,
                None => return false,
            }
        }
        true
    }

    /// Whether a structure is of the type with this name, or comes from it.
    pub(crate) fn descends_by_name(&self, number: u16, base: &str) -> bool {
        self.number(base).is_some_and(|base| self.descends(number, base))
    }

    pub(crate) fn is_reference(&self, number: u16) -> bool {
        number == self.known.reference
    }

    pub(crate) fn number(&self, path: &str) -> Option<u16> {
        position(&self.index.structures, path)
    }
}

pub(crate) fn position(structures: &[Structure], path: &str) -> Option<u16> {
    let place = structures.binary_search_by(|structure| structure.path.cmp(path)).ok()?;
    u16::try_from(place).ok()
}

fn by_number<T>(list: &[T], kind: ResourceType) -> Option<&T> {
    list.get(usize::try_from(kind.number()).ok()?)
}
