//! The compact form of HL7's definitions: the build script writes it, the registry serves it, so
//! this file is compiled into both. Numbers refer to places in the vectors of [`Index`].

use serde::{Deserialize, Serialize};

/// Everything the registry knows.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Index {
    /// FHIR's version.
    pub version: &'static str,
    /// Types and backbone elements, sorted by path.
    pub structures: Vec<Structure>,
    /// What references may point to, as structures; the first list is empty: anything.
    pub targets: Vec<Vec<u16>>,
    /// Value sets whose codes are all known and that a `code` element is bound to.
    pub value_sets: Vec<ValueSet>,
    /// Search parameters, sorted by code.
    pub params: Vec<Param>,
    /// Compartments, sorted by name.
    pub compartments: Vec<Compartment>,
}

/// A type (`Patient`, `HumanName`, `code`) or a backbone element (`Patient.contact`).
#[derive(Debug, Serialize, Deserialize)]
pub struct Structure {
    /// The type's name or the backbone element's path.
    pub path: &'static str,
    /// What it looks like in JSON.
    pub shape: Shape,
    /// The type it comes from.
    pub base: Option<u16>,
    /// Its children, inherited ones too, in FHIR's order. At most 64.
    pub elements: Vec<Element>,
    /// The JSON keys of its children, sorted by name.
    pub keys: Vec<Key>,
    /// A bit for each element that must be there.
    pub required: u64,
}

/// What a structure looks like in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shape {
    /// One JSON string, number or boolean.
    Primitive(Primitive),
    /// An object.
    Datatype,
    /// An object that only its parent has.
    Backbone,
    /// An object with `resourceType`.
    Resource,
    /// `Element`, `BackboneElement`, `Resource`, `DomainResource`: never an instance.
    Abstract,
}

/// The primitive types. <https://hl7.org/fhir/R4/datatypes.html#primitive>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Primitive {
    Base64Binary,
    Boolean,
    Canonical,
    Code,
    Date,
    DateTime,
    Decimal,
    Id,
    Instant,
    Integer,
    Markdown,
    Oid,
    PositiveInt,
    String,
    Time,
    UnsignedInt,
    Uri,
    Url,
    Uuid,
    Xhtml,
}

/// A child of a structure.
#[derive(Debug, Serialize, Deserialize)]
pub struct Element {
    /// The name without `[x]`.
    pub name: &'static str,
    /// `value[x]`: the type's name follows the element's in JSON.
    pub choice: bool,
    /// At least one is needed.
    pub required: bool,
    /// More than one is allowed.
    pub many: bool,
    /// Part of the summary view.
    pub summary: bool,
    /// Changes the meaning of its parent.
    pub modifier: bool,
    /// In XML an attribute of its parent, not an element.
    pub attribute: bool,
    /// The types, as structures.
    pub types: Vec<u16>,
    /// The value set whose codes alone are allowed.
    pub codes: Option<u16>,
}

/// A JSON key of a structure: `birthDate`, `valueQuantity`.
#[derive(Debug, Serialize, Deserialize)]
pub struct Key {
    /// The key.
    pub name: &'static str,
    /// The element it stands for, among its structure's.
    pub element: u8,
    /// The structure of its value.
    pub structure: u16,
    /// The list of targets, if its value is a reference.
    pub targets: u16,
}

/// A value set with all its codes.
#[derive(Debug, Serialize, Deserialize)]
pub struct ValueSet {
    /// The canonical URL without version.
    pub url: &'static str,
    /// The codes, sorted.
    pub codes: Vec<&'static str>,
}

/// A search parameter as published.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Param {
    /// The name in a URL.
    pub code: &'static str,
    /// The canonical URL.
    pub url: &'static str,
    /// Its type.
    pub kind: SearchParamKind,
    /// Where it applies.
    pub uses: Vec<Use>,
    /// What its references may point to, as structures.
    pub targets: Vec<u16>,
    /// A composite's parts.
    pub components: Vec<Component>,
    /// Prefixes.
    pub comparators: Vec<&'static str>,
    /// Suffixes that the definition itself names.
    pub modifiers: Vec<&'static str>,
    /// Commas mean "or".
    pub multiple_or: bool,
    /// Repetition means "and".
    pub multiple_and: bool,
}

/// Where a search parameter applies.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Use {
    /// The type, as a structure.
    pub owner: u16,
    /// The part of the expression that concerns it.
    pub expression: &'static str,
    /// What it finds there, for people.
    pub documentation: &'static str,
}

/// <https://hl7.org/fhir/R4/valueset-search-param-type.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SearchParamKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

/// One part of a composite search parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Component {
    /// The canonical URL of the parameter that says how the part is searched.
    pub definition: &'static str,
    /// Where the part is, from the composite's own expression.
    pub expression: &'static str,
}

/// Which resources belong to a patient, practitioner, encounter, device or related person.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Compartment {
    /// `Patient`, `Practitioner`, …
    pub name: &'static str,
    /// Resource types, as structures in order, each with the search parameters that lead there.
    pub members: Vec<(u16, Vec<&'static str>)>,
}

/// The code systems, value sets and concept maps of the package, each sorted by URL.
#[derive(Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "'de: 'static"))]
pub(crate) struct Definitions {
    pub code_systems: Vec<Definition>,
    pub value_sets: Vec<Definition>,
    pub concept_maps: Vec<Definition>,
    /// Their texts, compressed, some in each.
    pub chunks: Vec<&'static [u8]>,
}

/// A CodeSystem, ValueSet or ConceptMap as published.
#[derive(Debug, Serialize, Deserialize)]
pub struct Definition {
    /// The canonical URL, without version.
    pub url: &'static str,
    /// Its version; empty where it has none.
    pub version: &'static str,
    /// Which chunk has its text.
    pub(crate) chunk: u16,
    /// Where the text begins in it, in bytes.
    pub(crate) at: u32,
    /// Bytes of the text.
    pub(crate) len: u32,
}

/// A StructureDefinition of the package as validation reads it: deflated JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Packed {
    /// The canonical URL, without version.
    pub url: &'static str,
    /// Bytes of the JSON.
    pub size: u32,
    /// The JSON, deflated.
    pub deflated: &'static [u8],
}
