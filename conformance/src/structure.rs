//! Finding the children of a structure.

use crate::index::{Element, Key, Shape, Structure};

impl Structure {
    /// What a JSON key stands for: `birthDate`, `valueQuantity`. The `_` of a primitive's
    /// extensions is the caller's to take off.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<&Key> {
        let place = self.keys.binary_search_by(|key| key.name.cmp(name)).ok()?;
        self.keys.get(place)
    }

    /// A child by its name, of a choice without `[x]`.
    #[must_use]
    pub fn element(&self, name: &str) -> Option<&Element> {
        self.elements.iter().find(|element| element.name == name)
    }

    /// The child that a JSON key stands for.
    #[must_use]
    pub fn element_of(&self, key: &Key) -> Option<&Element> {
        self.elements.get(usize::from(key.element))
    }

    /// Whether its instances are single JSON values.
    #[must_use]
    pub fn is_primitive(&self) -> bool {
        matches!(self.shape, Shape::Primitive(_))
    }
}
