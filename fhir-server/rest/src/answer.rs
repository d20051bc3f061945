//! An answer before it is HTTP, or before it is a bundle's entry.

use std::ops::Range;

use bytes::Bytes;
use canonical_model::json::Layout;
use canonical_model::{Error, Issue, IssueCode, Resource, Result};
use domain::interactions::{Effect, Written};
use http::StatusCode;
use store::{AuditInteraction, Stored};

use crate::app::App;
use crate::conditions::etag;
use crate::content::{Content, Gap};
use crate::format::Format;
use crate::outcome;
use crate::projection::{project, subsetted};
use crate::syntax::{Syntax, in_xml};

/// What `Prefer: return` asks of a write. <https://hl7.org/fhir/R4/http.html#ops>
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Return {
    Minimal,
    #[default]
    Representation,
    Outcome,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Body,
    /// Of the version the answer is about.
    pub(crate) version: Option<Stored>,
    /// Where the version is; for creates and updates.
    pub(crate) location: Option<String>,
    /// What is wrong with what was written.
    pub(crate) faults: Vec<Issue>,
    /// Whether the access is recorded already, in the transaction of a write.
    pub(crate) audited: bool,
    /// Whether it is the answer of an earlier request with the same `Idempotency-Key`.
    pub(crate) repeated: bool,
    /// For the record: identities of the patients whom an answer about several resources is about.
    pub(crate) patients: Vec<i64>,
    /// For the record, where the request alone does not say it.
    pub(crate) interaction: Option<AuditInteraction>,
    /// For the record: the rules by which something may have been left out.
    pub(crate) rules: Option<String>,
    /// What the body is written in.
    pub(crate) syntax: Syntax,
}

/// An answer's body.
#[derive(Debug)]
pub(crate) enum Body {
    Empty,
    /// The resource, or the bundle, that was asked for.
    Fhir(Bytes),
    /// An OperationOutcome on what was done.
    Outcome(String),
    /// A Binary, into which its content goes as it is read.
    Around(Box<Content>, Gap),
    /// A Binary's own content.
    Raw {
        media_type: String,
        content: Raw,
        /// `Content-Range`, where it is a part.
        range: Option<String>,
    },
}

/// Content in memory, or kept beside its resource.
#[derive(Debug)]
pub(crate) enum Raw {
    Whole(Bytes),
    Kept(Box<Content>),
}

impl Raw {
    /// Bytes.
    pub(crate) fn size(&self) -> u64 {
        match self {
            Self::Whole(bytes) => u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            Self::Kept(content) => content.size(),
        }
    }

    /// Only these bytes of it.
    pub(crate) fn part(self, part: Range<u64>) -> Self {
        match self {
            Self::Whole(bytes) => {
                let place = |at| usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
                Self::Whole(bytes.slice(place(part.start)..place(part.end)))
            }
            Self::Kept(content) => Self::Kept(Box::new(content.part(part))),
        }
    }
}

impl Answer {
    pub(crate) fn new(status: StatusCode, body: Body) -> Self {
        Self {
            status,
            body,
            version: None,
            location: None,
            faults: Vec::new(),
            audited: false,
            repeated: false,
            patients: Vec::new(),
            interaction: None,
            rules: None,
            syntax: Syntax::Json,
        }
    }

    /// The same in XML, if a layout is given. Content that is put into a Binary goes into XML already.
    ///
    /// # Errors
    /// Internal where the answer is no resource.
    pub(crate) fn written_in(self, xml: Option<Layout>) -> Result<Self> {
        let Some(layout) = xml.filter(|_| self.syntax != Syntax::Xml) else { return Ok(self) };
        let body = match self.body {
            Body::Fhir(json) => Body::Fhir(in_xml(&json, layout)?.into()),
            Body::Outcome(json) => Body::Outcome(in_xml(json.as_bytes(), layout)?),
            body @ (Body::Empty | Body::Around(..) | Body::Raw { .. }) => body,
        };
        Ok(Self { body, syntax: Syntax::Xml, ..self })
    }

    /// A resource as it is stored, or as much of it as was asked for.
    pub(crate) fn resource(stored: Stored, format: &Format) -> Result<Self> {
        let body = version(&stored, format)?;
        Ok(Self { version: Some(stored), ..Self::new(StatusCode::OK, body) })
    }

    /// A text made here.
    pub(crate) fn fhir(text: String, format: &Format) -> Result<Self> {
        Ok(Self::new(StatusCode::OK, Body::Fhir(format.lay_out(text)?.into())))
    }

    /// A write.
    pub(crate) fn written(
        app: &App,
        written: Written,
        wish: Return,
        format: &Format,
    ) -> Result<Self> {
        let status = match written.effect {
            Effect::Created => StatusCode::CREATED,
            Effect::Updated | Effect::Unchanged | Effect::Existing => StatusCode::OK,
            Effect::Deleted if wish == Return::Outcome => StatusCode::OK,
            Effect::Deleted => StatusCode::NO_CONTENT,
        };
        let body = match (wish, &written.version) {
            (Return::Outcome, _) => told(meaning(written.effect), &written.said),
            (Return::Representation, Some(stored)) if stored.text.is_some() => {
                version(stored, format)?
            }
            _ => Body::Empty,
        };
        let location = written
            .version
            .as_ref()
            .filter(|_| written.effect != Effect::Deleted)
            .map(|v| format!("{}/{}/{}/_history/{}", app.base(), v.kind, v.id, v.version));
        let Written { version, audited, repeated, said: faults, .. } = written;
        Ok(Self { version, location, faults, audited, repeated, ..Self::new(status, body) })
    }

    /// The same, about all of these.
    pub(crate) fn about<'a>(mut self, versions: impl Iterator<Item = &'a Stored>) -> Self {
        self.patients = versions.flat_map(|version| &version.patients).copied().collect();
        self.patients.sort_unstable();
        self.patients.dedup();
        self
    }

    /// The ETag, where the answer is about a version.
    pub(crate) fn etag(&self) -> Option<String> {
        self.version.as_ref().map(|version| etag(version.version))
    }
}

/// A version as the format wants it. Content that is kept beside it is left out, and the resource says
/// so: whoever has just sent that much, or asks for a page of many, does not want it all (back).
fn version(stored: &Stored, format: &Format) -> Result<Body> {
    let text = stored.text.clone().unwrap_or_default();
    if stored.blob.is_none() || format.projects() {
        return represent(text, format);
    }
    Ok(Body::Fhir(format.lay_out(subsetted(&text)?)?.into()))
}

/// A resource's text as the format wants it.
pub(crate) fn represent(text: Bytes, format: &Format) -> Result<Body> {
    if format.is_plain() {
        return Ok(Body::Fhir(text));
    }
    let text = if format.projects() {
        project(Resource::parse(&text)?, format).to_text()
    } else {
        String::from_utf8(text.to_vec()).map_err(Error::internal)?
    };
    Ok(Body::Fhir(format.lay_out(text)?.into()))
}

/// What was done, for `return=OperationOutcome`.
pub(crate) fn said(text: impl Into<String>) -> Body {
    told(text, &[])
}

/// What was done, and what is wrong with it.
fn told(text: impl Into<String>, faults: &[Issue]) -> Body {
    let mut issues = vec![Issue::information(IssueCode::Informational, text)];
    issues.extend_from_slice(faults);
    Body::Outcome(outcome::outcome(&issues).to_text())
}

fn meaning(effect: Effect) -> &'static str {
    match effect {
        Effect::Created => "The resource was created.",
        Effect::Updated => "The resource was updated.",
        Effect::Unchanged => "The resource was this already; no new version was made.",
        Effect::Existing => "The criteria match a resource that exists; nothing was created.",
        Effect::Deleted => "The resource is deleted.",
    }
}
