//! Where an item lies in its resource, so that it can be changed there.

use super::item::Item;
use crate::json::{Text, Value};

/// One step down through JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// Into a member of an object.
    Key(Text),
    /// Into an element of an array.
    Index(usize),
}

/// The steps from a resource down to a value; none for the resource itself.
pub type Location = Vec<Place>;

/// The location of an item's value, or of its extensions where it has no value of its own.
/// `None` where the item lies elsewhere: a literal, a computed value, another resource.
pub(super) fn locate(root: &Value, item: &Item<'_>) -> Option<Location> {
    if item.remote {
        return None; // The reference is here, but what it points at is not.
    }
    let mut path = Vec::new();
    let found = find(root, item.value, &mut path)
        || item.extension.is_some_and(|partner| find(root, partner, &mut path));
    path.reverse();
    found.then_some(path)
}

/// Looks for a value by its address; the path comes out back to front.
fn find(here: &Value, target: &Value, path: &mut Location) -> bool {
    if std::ptr::eq(here, target) {
        return true;
    }
    let place = match here {
        Value::Object(object) => object
            .iter()
            .find_map(|(key, value)| find(value, target, path).then(|| Place::Key(key.into()))),
        Value::Array(items) => {
            items.iter().position(|item| find(item, target, path)).map(Place::Index)
        }
        _ => None,
    };
    let found = place.is_some();
    path.extend(place);
    found
}
