//! A compiled expression: every name is already a JSON key, every type test a list of names.

use std::ops::RangeInclusive;

use regex::Regex;

use super::ast::Op;
use super::item::Item;
use super::schema::Model;
use crate::json::{Text, Value};

/// What yields a collection.
#[derive(Clone, Debug)]
pub(crate) enum Plan {
    /// Always empty: `{}`, or a branch that no resource of this type can take.
    Nothing,
    /// The item in focus.
    Focus,
    /// The resource that evaluation began with: `%resource`.
    Root,
    /// The element that evaluation began with: `%context`.
    Context,
    /// The resource that contains that one, or itself: `%rootResource`.
    Container,
    /// `$index`
    Index,
    /// `$total`
    Total,
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
    /// To the members of a name, of items whose type nobody knows before.
    Named(Text, &'static dyn Model),
    /// Passes items of a type, of items whose type nobody knows before.
    OfKind(Text, &'static dyn Model),
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

/// The types that pass.
#[derive(Clone, Debug)]
pub(crate) struct TypeTest {
    /// Sorted.
    pub(crate) names: Vec<Text>,
    /// Only FHIRPath's own values: `System.Boolean` is no `FHIR.boolean`.
    pub(crate) system: bool,
}

impl TypeTest {
    pub(crate) fn holds(&self, item: &Item<'_>) -> bool {
        (!self.system || item.is_system()) && self.allows(item.type_name)
    }

    /// Whether an element of this type passes.
    pub(crate) fn allows(&self, kind: &str) -> bool {
        self.names.binary_search_by(|name| name.as_str().cmp(kind)).is_ok()
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
    IsKind(Text, &'static dyn Model),
    /// What it is, as `type()` tells.
    TypeInfo,
    /// Whether it is as a profile says.
    ConformsTo(&'static dyn Model),
    /// The members of all names; with `true` theirs as well, and so on.
    Tree(bool, &'static dyn Model),
    /// `where` and `select` that ask for `$index`.
    Where,
    Select,
    Repeat,
    Aggregate,
    /// By these keys, each downwards where it is `true`.
    Sort(Vec<bool>),
    /// Whether the conversion would yield something.
    Converts(OfOne),
    Negate,
    Split,
    ToChars,
    Join,
    /// Matches a pattern: the whole text, where `whole`; the pattern itself, where it is written down.
    Matches {
        whole: bool,
        pattern: Option<Regex>,
    },
    ReplaceMatches(Option<Regex>),
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
    ToDate,
    ToDateTime,
    ToTime,
    ToQuantity,
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
    Round,
    Sqrt,
    Exp,
    Ln,
    Log,
    Power,
    LowBoundary,
    HighBoundary,
    Precision,
    Encode,
    Decode,
    Escape,
    Unescape,
}

impl OfOne {
    /// The type of what it makes.
    pub(crate) const fn yields(self) -> &'static str {
        match self {
            Self::ToBoolean => "boolean",
            Self::ToDecimal | Self::Abs => "decimal",
            Self::Round | Self::Sqrt | Self::Exp | Self::Ln | Self::Log | Self::Power => "decimal",
            Self::LowBoundary | Self::HighBoundary => "decimal",
            Self::ToDate => "date",
            Self::ToDateTime => "dateTime",
            Self::ToTime => "time",
            Self::ToQuantity => "Quantity",
            Self::ToInteger | Self::Length | Self::IndexOf | Self::Precision => "integer",
            Self::Truncate | Self::Floor | Self::Ceiling => "integer",
            Self::ToText | Self::Upper | Self::Lower | Self::Trim => "string",
            Self::Replace | Self::Substring => "string",
            Self::Encode | Self::Decode | Self::Escape | Self::Unescape => "string",
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

const fn converts(name: &'static str, function: OfOne, arguments: RangeInclusive<usize>) -> Entry {
    (name, Function::Converts(function), arguments, Yields::One("boolean"))
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
    ("split", Function::Split, 1..=1, Yields::One("string")),
    ("toChars", Function::ToChars, 0..=0, Yields::One("string")),
    ("join", Function::Join, 0..=1, Yields::One("string")),
    converts("convertsToString", OfOne::ToText, 0..=0),
    converts("convertsToInteger", OfOne::ToInteger, 0..=0),
    converts("convertsToDecimal", OfOne::ToDecimal, 0..=0),
    converts("convertsToBoolean", OfOne::ToBoolean, 0..=0),
    converts("convertsToDate", OfOne::ToDate, 0..=0),
    converts("convertsToDateTime", OfOne::ToDateTime, 0..=0),
    converts("convertsToTime", OfOne::ToTime, 0..=0),
    converts("convertsToQuantity", OfOne::ToQuantity, 0..=1),
    of_one("toDate", OfOne::ToDate, 0..=0),
    of_one("toDateTime", OfOne::ToDateTime, 0..=0),
    of_one("toTime", OfOne::ToTime, 0..=0),
    of_one("toQuantity", OfOne::ToQuantity, 0..=1),
    of_one("round", OfOne::Round, 0..=1),
    of_one("sqrt", OfOne::Sqrt, 0..=0),
    of_one("exp", OfOne::Exp, 0..=0),
    of_one("ln", OfOne::Ln, 0..=0),
    of_one("log", OfOne::Log, 1..=1),
    of_one("power", OfOne::Power, 1..=1),
    of_one("lowBoundary", OfOne::LowBoundary, 0..=1),
    of_one("highBoundary", OfOne::HighBoundary, 0..=1),
    of_one("precision", OfOne::Precision, 0..=0),
    of_one("encode", OfOne::Encode, 1..=1),
    of_one("decode", OfOne::Decode, 1..=1),
    of_one("escape", OfOne::Escape, 1..=1),
    of_one("unescape", OfOne::Unescape, 1..=1),
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
