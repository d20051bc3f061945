//! A place for values that evaluation makes, so that items can be plain references.

use std::cell::{Cell, OnceCell};

use crate::json::Value;

/// Keeps every value it is given until it is dropped itself.
#[derive(Debug, Default)]
pub struct Arena {
    first: OnceCell<Box<Chunk>>,
    made: Cell<usize>,
}

#[derive(Debug)]
struct Chunk {
    slots: Vec<OnceCell<Value>>,
    next: OnceCell<Box<Chunk>>,
}

/// Slots of the first chunk; each further one has twice as many.
const FIRST: usize = 16;

impl Arena {
    /// An empty arena; takes no memory until it is used.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps a value.
    pub(super) fn keep(&self, value: Value) -> &Value {
        let mut index = self.made.replace(self.made.get() + 1);
        let mut size = FIRST;
        let mut link = &self.first;
        loop {
            let chunk = link.get_or_init(|| {
                let slots = std::iter::repeat_with(OnceCell::new).take(size).collect();
                Box::new(Chunk { slots, next: OnceCell::new() })
            });
            if let Some(slot) = chunk.slots.get(index) {
                return slot.get_or_init(|| value);
            }
            index -= size;
            size *= 2;
            link = &chunk.next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_each_value_apart() {
        let arena = Arena::new();
        let kept: Vec<&Value> = (0..1_000).map(|n| arena.keep(n.into())).collect();
        for (n, value) in (0..1_000).zip(kept) {
            assert_eq!(*value, Value::from(n));
        }
    }
}
