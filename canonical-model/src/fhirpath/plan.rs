//! A compiled expression: every name is already a JSON key, every type test a list of names.

use super::ast::Op;
use crate::json::{Text, Value};

/// What yields a collection.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Always empty: `{}`, or a branch that no resource of this type can take.
    Nothing,
    /// The item in focus.
    Focus,
    /// The resource that evaluation began with.
    Root,
    /// A literal and its type.
    Constant(Value, &'static str),
    /// Steps that take items one at a time.
    Path(Box<Plan>, Vec<Step>),
    /// A function of a whole collection.
    Call(Box<Plan>, Function, Vec<Plan>),
    /// `a | b`, without repeats.
    Union(Vec<Plan>),
    /// Operators of one rank, from the left.
    Fold(Box<Plan>, Vec<(Op, Plan)>),
    /// `iif(condition, then, otherwise)`
    If(Box<[Plan; 3]>),
}

/// A step from an item to some others.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// To the members of a name.
    Child(Vec<Arm>),
    /// To the extensions with a URL.
    Extension(Text),
    /// Passes items of a type.
    OfType(TypeTest),
    /// Passes items for which the criterion holds.
    Where(Plan),
    /// To what the projection yields.
    Select(Plan),
    /// From a reference to what it points at.
    Resolve,
}

/// The members that a name means under one type of parent.
#[derive(Clone, Debug)]
pub(crate) struct Arm {
    /// The parent's type; `None` where it can have no other.
    pub(crate) parent: Option<Text>,
    /// The name as it was written: what every key begins with.
    pub(crate) stem: Text,
    /// One key, or one for each type of a choice.
    pub(crate) keys: Vec<Key>,
}

/// A member's name in JSON.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    /// `valueQuantity`
    pub(crate) name: Text,
    /// `Quantity`
    pub(crate) kind: Text,
    /// Whether it may have a partner with an underscore, which holds its id and extensions.
    pub(crate) primitive: bool,
    /// Whether it is a resource, whose type only its own `resourceType` tells.
    pub(crate) resource: bool,
}

/// The types that pass. Sorted.
#[derive(Clone, Debug)]
pub(crate) struct TypeTest(pub(crate) Vec<Text>);

impl TypeTest {
    pub(crate) fn holds(&self, type_name: &str) -> bool {
        self.0.binary_search_by(|name| name.as_str().cmp(type_name)).is_ok()
    }
}

/// The functions of a whole collection.
#[derive(Clone, Debug)]
pub(crate) enum Function {
    Exists,
    Empty,
    Not,
    All,
    Count,
    First,
    Last,
    Tail,
    Single,
    Skip,
    Take,
    Item,
    Distinct,
    IsDistinct,
    AllTrue,
    AnyTrue,
    AllFalse,
    AnyFalse,
    SubsetOf,
    SupersetOf,
    Combine,
    Intersect,
    Exclude,
    HasValue,
    Is(TypeTest),
    StartsWith,
    EndsWith,
    Contains,
}

/// What a function yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Yields {
    /// What its input was.
    Input,
    /// One value of a type.
    One(&'static str),
}

/// Name, function, number of arguments, result. All of them take their arguments in the focus of
/// the whole expression; those that do not (`where`, `all`, …) are the compiler's own.
pub(crate) const FUNCTIONS: &[(&str, Function, usize, Yields)] = &[
    ("exists", Function::Exists, 0, Yields::One("boolean")),
    ("empty", Function::Empty, 0, Yields::One("boolean")),
    ("not", Function::Not, 0, Yields::One("boolean")),
    ("count", Function::Count, 0, Yields::One("integer")),
    ("first", Function::First, 0, Yields::Input),
    ("last", Function::Last, 0, Yields::Input),
    ("tail", Function::Tail, 0, Yields::Input),
    ("single", Function::Single, 0, Yields::Input),
    ("skip", Function::Skip, 1, Yields::Input),
    ("take", Function::Take, 1, Yields::Input),
    ("distinct", Function::Distinct, 0, Yields::Input),
    ("isDistinct", Function::IsDistinct, 0, Yields::One("boolean")),
    ("allTrue", Function::AllTrue, 0, Yields::One("boolean")),
    ("anyTrue", Function::AnyTrue, 0, Yields::One("boolean")),
    ("allFalse", Function::AllFalse, 0, Yields::One("boolean")),
    ("anyFalse", Function::AnyFalse, 0, Yields::One("boolean")),
    ("subsetOf", Function::SubsetOf, 1, Yields::One("boolean")),
    ("supersetOf", Function::SupersetOf, 1, Yields::One("boolean")),
    ("combine", Function::Combine, 1, Yields::Input),
    ("intersect", Function::Intersect, 1, Yields::Input),
    ("exclude", Function::Exclude, 1, Yields::Input),
    ("hasValue", Function::HasValue, 0, Yields::One("boolean")),
    ("startsWith", Function::StartsWith, 1, Yields::One("boolean")),
    ("endsWith", Function::EndsWith, 1, Yields::One("boolean")),
    ("contains", Function::Contains, 1, Yields::One("boolean")),
];
