//! Where a patient's resources go: entries of a transaction, or one line each.

use crate::dice::Stream;
use crate::id::Id;
use crate::json::{Json, Naming};

/// Receives one resource at a time: its type and its JSON.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&'static str, &[u8]);

/// The form of the output.
pub(crate) enum Layout<'a> {
    /// Entries that create, or that put under their own id.
    Entries { keep_ids: bool },
    /// A resource a line.
    Lines(Sink<'a>),
}

/// Writes the resources of one owner, a patient or the directory, in order.
pub(crate) struct Chart<'a> {
    out: &'a mut Vec<u8>,
    layout: Layout<'a>,
    seed: u64,
    index: u64,
    written: u64,
}

const HEAD: &[u8] = br#"{"resourceType":"Bundle","type":"transaction","entry":["#;

impl<'a> Chart<'a> {
    /// Writes a whole transaction Bundle; `out` receives it.
    pub(crate) fn bundle(
        out: &'a mut Vec<u8>,
        (seed, index): (u64, u64),
        keep_ids: bool,
        body: impl FnOnce(&mut Chart<'_>),
    ) -> u64 {
        out.extend_from_slice(HEAD);
        let layout = Layout::Entries { keep_ids };
        let mut chart = Chart { out: &mut *out, layout, seed, index, written: 0 };
        body(&mut chart);
        let written = chart.written;
        out.extend_from_slice(b"]}");
        written
    }

    /// Hands resources to a sink one by one; `out` is its scratch.
    pub(crate) fn lines(
        out: &'a mut Vec<u8>,
        (seed, index): (u64, u64),
        sink: Sink<'a>,
        body: impl FnOnce(&mut Chart<'a>),
    ) -> u64 {
        let mut chart = Chart { out, layout: Layout::Lines(sink), seed, index, written: 0 };
        body(&mut chart);
        chart.written
    }

    /// Adds a resource under the owner's next id. The body writes all its members.
    pub(crate) fn add(&mut self, kind: &'static str, body: impl FnOnce(&mut Json<'_>, Id)) -> Id {
        let id = Id::derive(self.seed, Stream::Identity, self.index, self.written);
        self.add_as(kind, id, body);
        id
    }

    /// Adds a resource under an id that others know already.
    pub(crate) fn add_as(
        &mut self,
        kind: &'static str,
        id: Id,
        body: impl FnOnce(&mut Json<'_>, Id),
    ) {
        self.written += 1;
        match &mut self.layout {
            Layout::Entries { keep_ids } => {
                let keep_ids = *keep_ids;
                Json::new(self.out, Naming::Urn).item(|w| {
                    w.prefixed("fullUrl", "urn:uuid", b':', id);
                    w.object("resource", |w| body(w, id));
                    w.object("request", |w| {
                        w.text("method", if keep_ids { "PUT" } else { "POST" });
                        match keep_ids {
                            true => w.prefixed("url", kind, b'/', id),
                            false => w.text("url", kind),
                        }
                    });
                });
            }
            Layout::Lines(sink) => {
                self.out.clear();
                Json::new(self.out, Naming::Literal).item(|w| body(w, id));
                sink(kind, self.out);
            }
        }
    }
}
