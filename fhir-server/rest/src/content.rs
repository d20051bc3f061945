//! The content of a Binary that is kept beside it: read a chunk at a time, as the client takes it.

use std::ops::Range;

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use canonical_model::json::Layout;
use canonical_model::{Error, Result};
use futures::stream::{self, Stream, StreamExt};
use store::{Store, Stored};

use crate::syntax::in_xml;

/// Bytes of a chunk.
const CHUNK: u64 = store::limits::BLOB_CHUNK_BYTES as u64;

/// The content of a version, or a part of it.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    store: Store,
    version: Stored,
    part: Range<u64>,
}

/// A text to put content into.
#[derive(Clone, Debug)]
pub(crate) struct Gap {
    before: String,
    after: &'static str,
}

impl Content {
    /// The content of a version that was read, where it is kept beside it.
    pub(crate) fn of(store: &Store, version: &Stored) -> Option<Self> {
        let size = version.blob?.size;
        Some(Self { store: store.clone(), version: version.clone(), part: 0..size })
    }

    /// Only these bytes of it.
    pub(crate) fn part(self, part: Range<u64>) -> Self {
        Self { part, ..self }
    }

    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        self.part.end.saturating_sub(self.part.start)
    }

    /// The bytes as they are.
    pub(crate) fn raw(self) -> Body {
        Body::from_stream(self.chunks())
    }

    /// The bytes as base64 within a text; also how many bytes that is in all.
    pub(crate) fn within(self, gap: Gap) -> (u64, Body) {
        let Gap { before, after } = gap;
        let around = u64::try_from(before.len() + after.len()).unwrap_or(u64::MAX);
        let length = (self.size().div_ceil(3) * 4).saturating_add(around);
        // Chunks are a multiple of three bytes, so each is base64 by itself.
        let base64 = self.chunks().map(|chunk| chunk.map(|it| Bytes::from(STANDARD.encode(it))));
        let ends = |text: Bytes| stream::once(std::future::ready(Ok(text)));
        let all =
            ends(before.into()).chain(base64).chain(ends(Bytes::from_static(after.as_bytes())));
        (length, Body::from_stream(all))
    }

    fn chunks(self) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
        let first = self.part.start / CHUNK;
        stream::try_unfold((self, first), |(content, number)| async move {
            if number * CHUNK >= content.part.end {
                return Ok(None);
            }
            let chunk = content.store.blob_chunk(&content.version, number).await;
            // The status left long ago: all that is left is to break off.
            let chunk = chunk.inspect_err(|error| {
                tracing::error!(error = ?error, "Content could not be read to its end.");
            })?;
            Ok(chunk.map(|chunk| (content.cut(chunk, number), (content, number + 1))))
        })
    }

    /// What of a chunk belongs to the part.
    fn cut(&self, chunk: Bytes, number: u64) -> Bytes {
        let within = |place: u64| {
            let place = usize::try_from(place.saturating_sub(number * CHUNK));
            place.map_or(chunk.len(), |place| place.min(chunk.len()))
        };
        chunk.slice(within(self.part.start)..within(self.part.end))
    }
}

impl Gap {
    /// Behind the last member of a resource's text: there `data` belongs.
    pub(crate) fn for_data(text: &str, pretty: bool) -> Result<Self> {
        let open = text.trim_end().strip_suffix('}');
        let open = open.ok_or_else(|| Error::internal("a stored text is no object"))?.trim_end();
        let (data, after) =
            if pretty { (",\n  \"data\": \"", "\"\n}\n") } else { (",\"data\":\"", "\"}") };
        Ok(Self { before: format!("{open}{data}"), after })
    }

    /// The same in XML. `data` is a Binary's last element.
    pub(crate) fn for_data_in_xml(json: &[u8], layout: Layout) -> Result<Self> {
        let text = in_xml(json, layout)?;
        let open = text.trim_end().strip_suffix("</Binary>");
        let open = open.ok_or_else(|| Error::internal("a Binary without its contentType"))?;
        let (data, after) = match layout {
            Layout::Compact => ("<data value=\"", "\"/></Binary>"),
            Layout::Pretty => ("\n  <data value=\"", "\"/>\n</Binary>\n"),
        };
        Ok(Self { before: format!("{}{data}", open.trim_end()), after })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canonical_model::json::{parse, write};

    #[test]
    fn content_goes_behind_the_last_member() {
        let text = r#"{"resourceType":"Binary","contentType":"a/b"}"#;
        let value = parse(text.as_bytes()).unwrap();
        for (layout, pretty) in [(Layout::Compact, false), (Layout::Pretty, true)] {
            let mut laid = String::new();
            write(&value, layout, &mut laid);
            let gap = Gap::for_data(&laid, pretty).unwrap();
            let whole = format!("{}QUJD{}", gap.before, gap.after);
            let data = parse(whole.as_bytes()).unwrap();
            assert_eq!(data.get("data").and_then(|data| data.as_str()), Some("QUJD"), "{whole}");
            let mut again = String::new();
            write(&data, layout, &mut again);
            assert_eq!(again, whole.trim_end());
        }
    }
    #[test]
    fn content_goes_into_xml() {
        let text = r#"{"resourceType":"Binary","id":"b","contentType":"a/b"}"#;
        for layout in [Layout::Compact, Layout::Pretty] {
            let gap = Gap::for_data_in_xml(text.as_bytes(), layout).unwrap();
            let whole = format!("{}QUJD{}", gap.before, gap.after);
            let read = conformance::xml::read(whole.as_bytes()).unwrap();
            assert_eq!(read.members().get("data").and_then(|data| data.as_str()), Some("QUJD"));
            assert_eq!(in_xml(read.to_text().as_bytes(), layout).unwrap(), whole);
        }
    }
}
