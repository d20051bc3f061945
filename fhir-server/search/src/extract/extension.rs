//! Extensions that an expression selects whole, as `Patient.extension('http://…')`: what is meant is the
//! value that they hold.

use canonical_model::fhirpath::Item;
use conformance::Registry;

/// The value of an extension; `None` of anything else, and of an extension without one.
pub(super) fn value<'a>(item: &Item<'a>) -> Option<Item<'a>> {
    if item.type_name != "Extension" {
        return None;
    }
    let registry = Registry::r4();
    let structure = registry.structure("Extension")?;
    item.value.as_object()?.iter().find_map(|(name, value)| {
        let key = structure.key(name).filter(|_| name.starts_with("value"))?;
        let mut inside = *item;
        (inside.value, inside.type_name) = (value, registry.at(key.structure)?.path);
        Some(inside)
    })
}
