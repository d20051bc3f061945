//! XML documents: no document type, no entities of their own, and an end to their size.

use std::io::Read as _;

use canonical_model::{Error, Kind, Result};
use roxmltree::{Document, Node, ParsingOptions};

use super::Source;
use crate::limits::{XML_BYTES_MAX, XML_NODES_MAX};

/// A file's text.
pub(super) fn text(source: &mut dyn Source, name: &str) -> Result<String> {
    let mut text = String::new();
    let input = source.open(name)?;
    let read = input.take(XML_BYTES_MAX + 1).read_to_string(&mut text);
    let read = read.map_err(|error| {
        Error::invalid("The file cannot be read as UTF-8 text.").caused_by(error)
    })?;
    if u64::try_from(read).unwrap_or(u64::MAX) > XML_BYTES_MAX {
        let text = format!("The document is larger than {} MiB.", XML_BYTES_MAX >> 20);
        return Err(Error::new(Kind::TooLarge, text));
    }
    Ok(text)
}

/// Reads it. A document type is refused: what it may declare is never needed here, and does harm.
pub(super) fn document(text: &str) -> Result<Document<'_>> {
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: XML_NODES_MAX,
        ..ParsingOptions::default()
    };
    let text = text.trim_start_matches('\u{feff}');
    Document::parse_with_options(text, options).map_err(|error| {
        let text = match error {
            roxmltree::Error::DtdDetected => "The document has a DOCTYPE, which is not read.",
            roxmltree::Error::NodesLimitReached => "The document has too many elements.",
            _ => "The file is not well-formed XML.",
        };
        let place = error.pos();
        Error::invalid(format!("{text} (line {})", place.row)).caused_by(error)
    })
}

/// The text of the first child of this name.
pub(super) fn child<'d>(node: Node<'d, '_>, name: &str) -> Option<&'d str> {
    let child = node.children().find(|it| it.has_tag_name(name))?;
    child.text().map(str::trim).filter(|text| !text.is_empty())
}
