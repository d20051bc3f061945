//! JSON kept exactly: numbers as their text, members in their order, duplicates refused.
//!
//! `serde_json` reads `1.50` as a float, or, with `arbitrary_precision` on, breaks typed FHIR
//! models build-wide; neither reports paths, duplicate keys or depth as a FHIR server must. So the
//! wire form has a reader of its own. <https://hl7.org/fhir/R4/json.html>

mod place;
mod read;
mod write;

use compact_str::CompactString;

pub use place::{Place, place};
pub use read::{parse, parse_own};
pub use write::{Layout, write, write_ordered, write_string};

/// Short strings (up to 24 bytes, so nearly all keys and codes) live inline.
pub type Text = CompactString;

/// A JSON value. Equality ignores the order of members and compares numbers by their text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`: in FHIR only a placeholder in an array of primitives.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as it was written.
    Number(Number),
    /// A string, unescaped.
    String(Text),
    /// An array.
    Array(Vec<Value>),
    /// An object.
    Object(Object),
}

/// A number's exact text, valid JSON by construction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(Text);

impl Number {
    /// Reads a number as JSON writes it; `None` for anything else, or beyond the limits of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        read::number(text)
    }

    /// The text as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The nearest float: for comparison and indexes, never for storage.
    #[must_use]
    pub fn to_f64(&self) -> f64 {
        self.0.parse().unwrap_or(f64::NAN)
    }

    /// The value if it is written as an integer that fits.
    #[must_use]
    pub fn to_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self(compact_str::format_compact!("{value}"))
    }
}

/// An object whose members keep their order. Keys are unique.
#[derive(Clone, Debug, Default)]
pub struct Object(Vec<(Text, Value)>);

impl Object {
    /// An empty object.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// How many members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A member's value.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// A member's value, to change.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Sets a member; a new one goes last.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.get_mut(key) {
            Some(old) => *old = value,
            None => self.0.push((key.into(), value)),
        }
    }

    /// Sets a member and moves it to `index` among the members, as `resourceType` goes first.
    pub fn set_at(&mut self, index: usize, key: &str, value: impl Into<Value>) {
        self.remove(key);
        self.0.insert(index.min(self.0.len()), (key.into(), value.into()));
    }

    /// Removes a member, keeping the order of the rest.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let index = self.0.iter().position(|(name, _)| name == key)?;
        Some(self.0.remove(index).1)
    }

    /// The members in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The members in order, values to change.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (&str, &mut Value)> {
        self.0.iter_mut().map(|(name, value)| (name.as_str(), value))
    }

    /// Keeps only the members that pass.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &Value) -> bool) {
        self.0.retain(|(name, value)| keep(name, value));
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.iter().zip(other.iter()).all(|((a, x), (b, y))| {
                if a == b { x == y } else { other.get(a) == Some(x) && self.get(b) == Some(y) }
            })
    }
}

impl Eq for Object {}

impl<K: Into<Text>> FromIterator<(K, Value)> for Object {
    /// Keys must be unique; a repeated one replaces the earlier.
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(members: I) -> Self {
        let mut object = Self::new();
        for (key, value) in members {
            object.set(&key.into(), value);
        }
        object
    }
}

impl Value {
    /// The string inside, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The object inside, if it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object inside, to change.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The array inside, if it is one.
    #[must_use]
    pub fn as_array(&self) -> Option<&[Value]> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The array inside, to change.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Value>> {
        match self {
            Self::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The number inside, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<&Number> {
        match self {
            Self::Number(number) => Some(number),
            _ => None,
        }
    }

    /// The boolean inside, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A member of the object inside.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.as_object()?.get(key)
    }

    /// The items of an array, or the value itself: FHIRPath's view of a collection.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        match self {
            Self::Array(items) => items,
            single => std::slice::from_ref(single),
        }
    }

    /// The compact text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::new();
        write(self, Layout::Compact, &mut out);
        out
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Number(value.into())
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl From<Vec<Value>> for Value {
    fn from(items: Vec<Value>) -> Self {
        Self::Array(items)
    }
}

/// Builds an object: `object! { "severity": "error", "code": code }`.
#[macro_export]
macro_rules! object {
    ($($key:literal : $value:expr),* $(,)?) => {
        [$(($key, $crate::json::Value::from($value))),*]
            .into_iter()
            .collect::<$crate::json::Object>()
    };
}
