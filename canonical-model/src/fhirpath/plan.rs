//! A compiled expression: every name is already a JSON key, every type test a list of names.

use std::ops::RangeInclusive;

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
    OfOne(OfOne),
}

/// The functions of one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OfOne {
    ToText,
    ToInteger,
    ToDecimal,
    ToBoolean,
    Length,
    Upper,
    Lower,
    Trim,
    IndexOf,
    Replace,
    Substring,
    Abs,
    Truncate,
    Floor,
    Ceiling,
}

impl OfOne {
    /// The type of what it makes.
    pub(crate) const fn yields(self) -> &'static str {
        match self {
            Self::ToBoolean => "boolean",
            Self::ToDecimal | Self::Abs => "decimal",
            Self::ToInteger | Self::Length | Self::IndexOf => "integer",
            Self::Truncate | Self::Floor | Self::Ceiling => "integer",
            Self::ToText | Self::Upper | Self::Lower | Self::Trim => "string",
            Self::Replace | Self::Substring => "string",
        }
    }
}

/// What a function yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Yields {
    /// What its input was.
    Input,
    /// One value of a type.
    One(&'static str),
}

/// Name, function, numbers of arguments, result.
type Entry = (&'static str, Function, RangeInclusive<usize>, Yields);

const fn of_one(name: &'static str, function: OfOne, arguments: RangeInclusive<usize>) -> Entry {
    (name, Function::OfOne(function), arguments, Yields::One(function.yields()))
}

/// All of them take their arguments in the focus of
/// the whole expression; those that do not (`where`, `all`, …) are the compiler's own.
pub(crate) const FUNCTIONS: &[Entry] = &[
    ("exists", Function::Exists, 0..=0, Yields::One("boolean")),
    ("empty", Function::Empty, 0..=0, Yields::One("boolean")),
    ("not", Function::Not, 0..=0, Yields::One("boolean")),
    ("count", Function::Count, 0..=0, Yields::One("integer")),
    ("first", Function::First, 0..=0, Yields::Input),
    ("last", Function::Last, 0..=0, Yields::Input),
    ("tail", Function::Tail, 0..=0, Yields::Input),
    ("single", Function::Single, 0..=0, Yields::Input),
    ("skip", Function::Skip, 1..=1, Yields::Input),
    ("take", Function::Take, 1..=1, Yields::Input),
    ("distinct", Function::Distinct, 0..=0, Yields::Input),
    ("isDistinct", Function::IsDistinct, 0..=0, Yields::One("boolean")),
    ("allTrue", Function::AllTrue, 0..=0, Yields::One("boolean")),
    ("anyTrue", Function::AnyTrue, 0..=0, Yields::One("boolean")),
    ("allFalse", Function::AllFalse, 0..=0, Yields::One("boolean")),
    ("anyFalse", Function::AnyFalse, 0..=0, Yields::One("boolean")),
    ("subsetOf", Function::SubsetOf, 1..=1, Yields::One("boolean")),
    ("supersetOf", Function::SupersetOf, 1..=1, Yields::One("boolean")),
    ("combine", Function::Combine, 1..=1, Yields::Input),
    ("intersect", Function::Intersect, 1..=1, Yields::Input),
    ("exclude", Function::Exclude, 1..=1, Yields::Input),
    ("hasValue", Function::HasValue, 0..=0, Yields::One("boolean")),
    ("startsWith", Function::StartsWith, 1..=1, Yields::One("boolean")),
    ("endsWith", Function::EndsWith, 1..=1, Yields::One("boolean")),
    ("contains", Function::Contains, 1..=1, Yields::One("boolean")),
    of_one("toString", OfOne::ToText, 0..=0),
    of_one("toInteger", OfOne::ToInteger, 0..=0),
    of_one("toDecimal", OfOne::ToDecimal, 0..=0),
    of_one("toBoolean", OfOne::ToBoolean, 0..=0),
    of_one("length", OfOne::Length, 0..=0),
    of_one("upper", OfOne::Upper, 0..=0),
    of_one("lower", OfOne::Lower, 0..=0),
    of_one("trim", OfOne::Trim, 0..=0),
    of_one("indexOf", OfOne::IndexOf, 1..=1),
    of_one("replace", OfOne::Replace, 2..=2),
    of_one("substring", OfOne::Substring, 1..=2),
    of_one("abs", OfOne::Abs, 0..=0),
    of_one("truncate", OfOne::Truncate, 0..=0),
    of_one("floor", OfOne::Floor, 0..=0),
    of_one("ceiling", OfOne::Ceiling, 0..=0),
];
