//! A resource: its JSON kept exactly, with the few members every resource has in reach.

use crate::json::{self, Layout, Object, Value};
use crate::{Blob, Error, Issue, IssueCode, Kind, ResourceId, ResourceType, Result};

/// A FHIR resource. Invariant: `body` is an object whose `resourceType` is `kind`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    kind: ResourceType,
    body: Value,
    blob: Option<Blob>,
}

impl Resource {
    /// Reads a resource from its JSON text.
    ///
    /// # Errors
    /// 400 where the text is no JSON object, its `resourceType` is unknown, or its `id` illegal.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        Self::from_value(json::parse(bytes)?)
    }

    /// Takes a JSON value as a resource; the same refusals as [`Resource::parse`].
    pub fn from_value(body: Value) -> Result<Self> {
        let Some(object) = body.as_object() else {
            return Err(structure("A resource is a JSON object", None));
        };
        let kind = match object.get("resourceType") {
            Some(Value::String(name)) => {
                ResourceType::parse(name).map_err(|e| e.at("resourceType"))?
            }
            Some(_) => return Err(structure("resourceType is a string", Some("resourceType"))),
            None => return Err(structure("resourceType is missing", Some("resourceType"))),
        };
        match object.get("id") {
            None => {}
            Some(Value::String(id)) if ResourceId::is_legal(id) => {}
            Some(_) => {
                let text = "An id has 1 to 64 characters of A-Z a-z 0-9 . -";
                return Err(structure(text, Some(&format!("{kind}.id"))));
            }
        }
        Ok(Self { kind, body, blob: None })
    }

    /// The type.
    #[must_use]
    pub fn kind(&self) -> ResourceType {
        self.kind
    }

    /// The logical id, if it has one.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.body.get("id").and_then(Value::as_str)
    }

    /// `meta.versionId`, if it has one.
    #[must_use]
    pub fn version_id(&self) -> Option<&str> {
        self.body.get("meta")?.get("versionId")?.as_str()
    }

    /// The JSON.
    #[must_use]
    pub fn body(&self) -> &Value {
        &self.body
    }

    /// The JSON's members.
    #[must_use]
    pub fn members(&self) -> &Object {
        static EMPTY: Object = Object::new();
        self.body.as_object().unwrap_or(&EMPTY)
    }

    /// The content that is kept beside the JSON, as a large Binary's `data` is.
    #[must_use]
    pub fn blob(&self) -> Option<&Blob> {
        self.blob.as_ref()
    }

    /// The same JSON with, or without, content that is kept beside it.
    #[must_use]
    pub fn with_blob(mut self, blob: Option<Blob>) -> Self {
        self.blob = blob;
        self
    }

    /// The JSON without its envelope.
    #[must_use]
    pub fn into_body(self) -> Value {
        self.body
    }

    /// Gives the resource its identity: `resourceType`, `id` and `meta` stand first, in that order.
    pub fn identify(&mut self, id: &ResourceId, version: i64, last_updated: &str) {
        let Some(object) = self.body.as_object_mut() else { return };
        object.set_at(0, "resourceType", self.kind.name());
        object.set_at(1, "id", id.as_str());
        let mut meta = match object.remove("meta") {
            Some(Value::Object(meta)) => meta,
            _ => Object::new(),
        };
        meta.set_at(0, "versionId", version.to_string());
        meta.set_at(1, "lastUpdated", last_updated);
        object.set_at(2, "meta", meta);
    }

    /// The text of the content that decides whether an update changes anything: all but what the server sets, in one
    /// order of members, for JSON has none.
    #[must_use]
    pub fn content_text(&self) -> String {
        let mut meta = self.members().get("meta").cloned();
        if let Some(meta) = meta.as_mut().and_then(Value::as_object_mut) {
            meta.retain(|name, _| !matches!(name, "versionId" | "lastUpdated"));
        }
        let meta = meta.filter(|meta| meta.as_object().is_none_or(|meta| !meta.is_empty()));
        let kept = self.members().iter().filter(|(name, _)| !matches!(*name, "id" | "meta"));
        let mut out = String::with_capacity(2048);
        json::write_ordered(
            kept.chain(meta.as_ref().map(|meta| ("meta", meta))).collect(),
            &mut out,
        );
        out
    }

    /// The content without what the server sets.
    #[must_use]
    pub fn without_server_meta(&self) -> Value {
        let mut copy = self.body.clone();
        if let Some(object) = copy.as_object_mut() {
            if let Some(meta) = object.get_mut("meta").and_then(Value::as_object_mut) {
                meta.remove("versionId");
                meta.remove("lastUpdated");
            }
            let empty = object.get("meta").and_then(Value::as_object).is_some_and(Object::is_empty);
            if empty {
                object.remove("meta");
            }
        }
        copy
    }

    /// The compact JSON text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut out = String::with_capacity(2048);
        json::write(&self.body, Layout::Compact, &mut out);
        out
    }
}

fn structure(text: &str, at: Option<&str>) -> Error {
    let mut issue = Issue::error(IssueCode::Structure, text);
    issue.expression = at.map(str::to_owned);
    Error::from_issues(Kind::Invalid, vec![issue])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identity_comes_first_and_the_rest_keeps_its_order() {
        let mut patient = Resource::parse(
            br#"{"active":true,"meta":{"tag":[]},"id":"old","resourceType":"Patient","name":[]}"#,
        )
        .expect("a patient");
        let id = ResourceId::parse("p1").expect("legal");
        patient.identify(&id, 3, "2026-01-02T03:04:05.678Z");
        assert_eq!(
            patient.to_text(),
            r#"{"resourceType":"Patient","id":"p1","meta":{"versionId":"3","lastUpdated":"2026-01-02T03:04:05.678Z","tag":[]},"active":true,"name":[]}"#
        );
    }

    #[test]
    fn refuses_what_is_no_resource() {
        for (text, at) in [
            ("[]", None),
            ("{}", Some("resourceType")),
            (r#"{"resourceType":"Pacient"}"#, Some("resourceType")),
            (r#"{"resourceType":7}"#, Some("resourceType")),
            (r#"{"resourceType":"Patient","id":"a b"}"#, Some("Patient.id")),
            (r#"{"resourceType":"Patient","id":""}"#, Some("Patient.id")),
        ] {
            let error = Resource::parse(text.as_bytes()).expect_err(text);
            assert_eq!(error.issues[0].expression.as_deref(), at, "{text}");
        }
    }
}
