//! A profile, compiled: a tree of element definitions, each with what an element must be like.
//! <https://hl7.org/fhir/R4/elementdefinition.html>

use canonical_model::Value;
use canonical_model::fhirpath::Path;
use canonical_model::json::Text;

/// A StructureDefinition as validation uses it.
#[derive(Debug)]
pub struct Profile {
    /// The canonical URL, without version.
    pub(crate) url: Text,
    /// The type that it describes: `Patient`, `Extension`.
    pub(crate) kind: Text,
    /// Whether it narrows a type, as all but FHIR's own definitions of types do.
    pub(crate) narrows: bool,
    /// Where an extension may stand; empty for all else.
    pub(crate) contexts: Vec<Context>,
    /// The element definitions; the first is the root.
    pub(crate) nodes: Vec<Node>,
}

/// Where an extension may stand. <https://hl7.org/fhir/R4/defining-extensions.html#context>
#[derive(Debug)]
pub(crate) enum Context {
    /// In elements with this path or of this type.
    Element(Text),
    /// In the extension with this URL.
    Extension(Text),
    /// Where an expression leads: not judged.
    Path,
}

/// Place of a node in [`Profile::nodes`].
pub(crate) type NodeId = u32;

/// One element definition.
#[derive(Debug, Default)]
pub(crate) struct Node {
    /// The name, of a choice without `[x]`; the slice's own is in [`Slice`].
    pub(crate) name: Text,
    /// At least so many.
    pub(crate) min: u32,
    /// At most so many; `None`: any number.
    pub(crate) max: Option<u32>,
    /// The types that are allowed; empty: whatever the base says.
    pub(crate) types: Vec<TypeRef>,
    pub(crate) value: Option<Wanted>,
    /// Characters of a string.
    pub(crate) max_length: Option<usize>,
    pub(crate) binding: Option<Binding>,
    pub(crate) invariants: Vec<Invariant>,
    /// Whether an extension with this root changes the meaning of what it stands in.
    pub(crate) modifier: bool,
    /// The definitions of its children.
    pub(crate) children: Vec<NodeId>,
    /// The node whose children are its own: `Questionnaire.item.item` is as `Questionnaire.item`.
    pub(crate) same_as: Option<NodeId>,
    pub(crate) slicing: Option<Slicing>,
}

/// What a value must be.
#[derive(Debug)]
pub(crate) enum Wanted {
    /// This, and nothing else.
    Fixed(Value),
    /// This, and maybe more.
    Pattern(Value),
}

/// A type that an element may have.
#[derive(Debug)]
pub(crate) struct TypeRef {
    /// `CodeableConcept`; `Reference`; FHIRPath's own as `http://hl7.org/fhirpath/System.String`.
    pub(crate) code: Text,
    /// Profiles of which it meets one; empty: any.
    pub(crate) profiles: Vec<Text>,
    /// Profiles of which the target of a reference meets one; empty: any.
    pub(crate) targets: Vec<Text>,
}

/// How binding a value set is. <https://hl7.org/fhir/R4/terminologies.html#strength>
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    Required,
    Extensible,
    Preferred,
}

#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) strength: Strength,
    /// The canonical URL of the value set, without version.
    pub(crate) value_set: Text,
    /// The largest value set, of which a code always is.
    pub(crate) largest: Option<Text>,
}

/// A rule in FHIRPath.
#[derive(Debug)]
pub(crate) struct Invariant {
    /// The same for the same rule, wherever it is inherited to: no element is asked twice.
    pub(crate) identity: u64,
    /// `obs-6`
    pub(crate) key: Text,
    /// What it asks, for people.
    pub(crate) human: Text,
    pub(crate) is_error: bool,
    /// The rule; `None` where it cannot be read, which is said of every element that it is about.
    pub(crate) rule: Option<Path>,
}

/// How the items of an element are told apart. <https://hl7.org/fhir/R4/profiling.html#slicing>
#[derive(Debug)]
pub(crate) struct Slicing {
    pub(crate) rules: Rules,
    pub(crate) ordered: bool,
    pub(crate) slices: Vec<Slice>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    Open,
    OpenAtEnd,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Slice {
    pub(crate) name: Text,
    pub(crate) node: NodeId,
    /// What an item must all be like to be in the slice; `None` where that cannot be told.
    pub(crate) tests: Option<Vec<Test>>,
}

/// One discriminator, with what it must yield for one slice.
#[derive(Debug)]
pub(crate) struct Test {
    /// From the item down.
    pub(crate) path: Vec<Step>,
    pub(crate) asks: Asks,
}

/// One step of a discriminator's path. <https://hl7.org/fhir/R4/profiling.html#discriminator>
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Child(Text),
    Extension(Text),
    OfType(Text),
    Resolve,
}

/// What a discriminator must yield.
#[derive(Debug)]
pub(crate) enum Asks {
    Fixed(Value),
    Pattern(Value),
    /// A code of this value set.
    Bound(Text),
    /// Something, or nothing.
    Exists(bool),
    /// One of these types.
    Types(Vec<Text>),
    /// What meets one of these profiles.
    Profiles(Vec<Text>),
}

impl Profile {
    /// The canonical URL, without version.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The type that it describes.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The profiles that it names: of types and of references' targets.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let types = self.nodes.iter().flat_map(|node| &node.types);
        types.flat_map(|it| it.profiles.iter().chain(&it.targets)).map(Text::as_str)
    }

    /// The value sets that it binds codes to, some more than once.
    pub fn value_sets(&self) -> impl Iterator<Item = &str> {
        let bindings = self.nodes.iter().filter_map(|node| node.binding.as_ref());
        bindings.flat_map(|it| it.largest.iter().chain([&it.value_set])).map(Text::as_str)
    }

    pub(crate) fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(usize::try_from(id).ok()?)
    }

    /// The children of a node. What is as another node has that one's, which is asked beside it.
    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = (NodeId, &Node)> {
        let children = self.node(id).map_or(&[][..], |node| &node.children);
        children.iter().filter_map(|child| Some((*child, self.node(*child)?)))
    }

    /// The child of a node by its name, of a choice without `[x]`.
    pub(crate) fn child(&self, id: NodeId, name: &str) -> Option<(NodeId, &Node)> {
        self.children(id).find(|(_, node)| node.name == name)
    }
}

impl Node {
    /// Whether it asks nothing of a primitive value but its type.
    pub(crate) fn is_quiet(&self) -> bool {
        self.value.is_none()
            && self.binding.is_none()
            && self.max_length.is_none()
            && self.invariants.is_empty()
            && self.types.iter().all(|it| it.profiles.is_empty())
    }
}
