//! UCUM: the units of its definition, with their names. All other codes are made of these by a grammar, which judges them.
//! <https://ucum.org/ucum>

use canonical_model::{Error, Result};

use super::{Source, find, only, xml};
use crate::code_system::{Builder, Content, PropertyKind};

pub(super) fn read(source: &mut dyn Source, builder: &mut Builder) -> Result<()> {
    let name = match only(source) {
        Some(only) => only,
        None => find(source, "ucum-essence.xml", |name| {
            name.contains("ucum-essence") && name.ends_with(".xml")
        })?,
    };
    let text = xml::text(source, &name)?;
    let document = xml::document(&text)?;
    let root = document.root_element();
    if root.tag_name().name() != "root" {
        return Err(Error::invalid("The document is no definition of UCUM."));
    }
    builder.head_mut().content = Content::Fragment;
    builder.head_mut().version = root.attribute("version").map(str::to_owned);
    let units = root.children().filter(|it| matches!(it.tag_name().name(), "base-unit" | "unit"));
    for unit in units {
        let Some(code) = unit.attribute("Code") else { continue };
        let place = builder.concept(code)?;
        let child = |name: &str| {
            let found = unit.children().find(|it| it.tag_name().name() == name)?;
            found.text().map(str::trim).filter(|text| !text.is_empty())
        };
        builder.display(place, child("name").unwrap_or(code))?;
        if let Some(property) = child("property") {
            builder.property(place, "property", PropertyKind::String, property)?;
        }
        if let Some(symbol) = child("printSymbol").filter(|symbol| *symbol != code) {
            builder.designation(place, "", ["", "", ""], symbol)?;
        }
    }
    Ok(())
}
