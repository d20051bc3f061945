//! Where validation stands: a chain on the stack that becomes text only when a fault is found.

use std::fmt;

/// One step from the root, as `given[1]` in `Patient.name[0].given[1]`.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
    index: Option<usize>,
    /// JSON's nesting of the value here, if it is an object or a list.
    pub(crate) depth: usize,
}

impl<'a> Path<'a> {
    pub(crate) fn root(name: &'a str) -> Self {
        Self { parent: None, name, index: None, depth: 1 }
    }

    pub(crate) fn child(&'a self, name: &'a str) -> Self {
        Self { parent: Some(self), name, index: None, depth: self.depth + 1 }
    }

    /// The same element, one of many.
    pub(crate) fn item(self, index: usize) -> Self {
        Self { index: Some(index), depth: self.depth + 1, ..self }
    }

    /// The names from the root down.
    pub(crate) fn names(&self) -> Vec<&'a str> {
        let mut names = self.parent.map(Path::names).unwrap_or_default();
        names.push(self.name);
        names
    }

    /// A child whose name the sender chose: shown only if it looks like an element's name.
    pub(crate) fn unknown(&'a self, key: &'a str) -> Self {
        let tame = key.len() <= 64 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        self.child(if tame { key } else { "?" })
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.name)?;
        match self.index {
            Some(index) => write!(f, "[{index}]"),
            None => Ok(()),
        }
    }
}
