//! ICD-10-CM: the tabular list as XML. Codes with a seventh character, that the list describes only once for many, are
//! made of their description. <https://www.cdc.gov/nchs/icd/icd-10-cm/files.html>

use canonical_model::{Error, Result};
use roxmltree::Node;

use super::{Source, find, only, xml};
use crate::code_system::{Builder, Place, PropertyKind};

/// Letters of a code before its seventh, with placeholders where it is shorter.
const LETTERS: usize = 6;
/// SNOMED CT's word for another wording.
const SYNONYM: [&str; 3] = ["http://snomed.info/sct", "900000000000013009", "Synonym"];

pub(super) fn read(source: &mut dyn Source, builder: &mut Builder) -> Result<()> {
    let name = match only(source) {
        Some(only) => only,
        None => find(source, "icd10cm_tabular_*.xml", |name| {
            let name = name.to_ascii_lowercase();
            name.contains("tabular") && name.ends_with(".xml")
        })?,
    };
    let text = xml::text(source, &name)?;
    let document = xml::document(&text)?;
    let root = document.root_element();
    if !root.has_tag_name("ICD10CM.tabular") {
        return Err(Error::invalid("The document is no ICD10CM.tabular."));
    }
    builder.head_mut().version = xml::child(root, "version").map(str::to_owned);
    for chapter in root.children().filter(|it| it.has_tag_name("chapter")) {
        let number = xml::child(chapter, "name").unwrap_or_default();
        let mut open: Vec<Open<'_, '_>> = Vec::new();
        for section in chapter.children().filter(|it| it.has_tag_name("section")) {
            open.extend(diags(section).map(|node| Open {
                node,
                parent: None,
                seventh: Vec::new(),
            }));
        }
        open.reverse();
        while let Some(diag) = open.pop() {
            add(builder, number, diag, &mut open)?;
        }
    }
    Ok(())
}

/// A code that is to be read.
struct Open<'d, 'i> {
    node: Node<'d, 'i>,
    parent: Option<Place>,
    /// The seventh characters that are described above it, with what they mean.
    seventh: Vec<(&'d str, &'d str)>,
}

fn diags<'d, 'i>(node: Node<'d, 'i>) -> impl Iterator<Item = Node<'d, 'i>> {
    node.children().filter(|it| it.has_tag_name("diag"))
}

fn add<'d, 'i>(
    builder: &mut Builder,
    chapter: &str,
    diag: Open<'d, 'i>,
    open: &mut Vec<Open<'d, 'i>>,
) -> Result<()> {
    let Open { node, parent, seventh } = diag;
    let Some(code) = xml::child(node, "name") else { return Ok(()) };
    let display = xml::child(node, "desc").unwrap_or_default();
    let place = builder.concept(code)?;
    builder.display(place, display)?;
    builder.property(place, "chapter", PropertyKind::Code, chapter)?;
    if let Some(parent) = parent {
        builder.below(place, parent);
    }
    let terms = node.children().filter(|it| it.has_tag_name("inclusionTerm"));
    for note in terms.flat_map(|it| it.children().filter(|it| it.has_tag_name("note"))) {
        if let Some(text) = note.text().map(str::trim).filter(|text| !text.is_empty()) {
            builder.designation(place, "", SYNONYM, text)?;
        }
    }
    let own = described(node);
    let seventh = if own.is_empty() { seventh } else { own };
    let at = open.len();
    open.extend(diags(node).map(|node| Open {
        node,
        parent: Some(place),
        seventh: seventh.clone(),
    }));
    // The first is taken first.
    open.get_mut(at..).unwrap_or_default().reverse();
    let is_leaf = open.len() == at;
    if is_leaf {
        extend(builder, chapter, place, (code, display), &seventh)?;
    }
    let billable = if is_leaf && seventh.is_empty() { "true" } else { "false" };
    builder.property(place, "billable", PropertyKind::Boolean, billable)
}

/// The seventh characters that a code describes.
fn described<'d>(node: Node<'d, '_>) -> Vec<(&'d str, &'d str)> {
    let all = node.children().filter(|it| it.has_tag_name("sevenChrDef"));
    let all = all.flat_map(|it| it.children().filter(|it| it.has_tag_name("extension")));
    all.filter_map(|it| Some((it.attribute("char")?, it.text()?.trim()))).collect()
}

/// Adds the codes that a code becomes by a seventh character.
fn extend(
    builder: &mut Builder,
    chapter: &str,
    place: Place,
    (code, display): (&str, &str),
    seventh: &[(&str, &str)],
) -> Result<()> {
    let letters = code.chars().filter(|letter| *letter != '.').count();
    if letters > LETTERS {
        return Ok(());
    }
    let dot = if code.contains('.') || letters == LETTERS { "" } else { "." };
    let filler = "X".repeat(LETTERS - letters);
    for (letter, meaning) in seventh {
        let extended = builder.concept(&format!("{code}{dot}{filler}{letter}"))?;
        builder.display(extended, &format!("{display}, {meaning}"))?;
        builder.property(extended, "chapter", PropertyKind::Code, chapter)?;
        builder.property(extended, "billable", PropertyKind::Boolean, "true")?;
        builder.below(extended, place);
    }
    Ok(())
}
