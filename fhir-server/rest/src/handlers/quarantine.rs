//! Requests that are kept aside for the faults of what they write, and their release.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::json::Object;
use canonical_model::{
    Error, Issue, IssueCode, ResourceId, ResourceType, Result, Value, json, object,
};
use conformance::xml;
use domain::interactions::quarantine::{Asked, Kept, keep, kept};
use domain::{Domain, Request};
use http::StatusCode;

use super::bundle;
use crate::answer::{Answer, Body as AnswerBody};
use crate::app::App;
use crate::conditions::Conditions;
use crate::interaction::Interaction;
use crate::media_type::MediaType;
use crate::outcome::outcome;
use crate::syntax::Syntax;
use crate::wire_request::{Body, WireRequest, syntax_of};

const JSON_PATCH: &str = "application/json-patch+json";

/// A write as it was sent, held until it is known whether it must be kept aside.
pub(crate) struct Held {
    request: Request,
    query: Option<String>,
    conditions: Conditions,
    content_type: Option<String>,
    body: Body,
}

impl Held {
    /// Holds a write where anything may be kept aside; not a Binary, of which no rule speaks.
    pub(crate) fn of(app: &App, interaction: &Interaction, wire: &WireRequest) -> Option<Self> {
        let writes = match interaction {
            Interaction::Bundle => true,
            Interaction::Create(kind)
            | Interaction::Update(kind, _)
            | Interaction::ConditionalUpdate(kind)
            | Interaction::Patch(kind, _)
            | Interaction::ConditionalPatch(kind) => *kind != ResourceType::BINARY,
            _ => false,
        };
        let held = || Self {
            request: wire.request.clone(),
            query: wire.query.clone(),
            conditions: wire.conditions.clone(),
            content_type: wire.content_type.clone(),
            body: wire.body.clone(),
        };
        (writes && app.domain.policy().validation.keeps_aside()).then(held)
    }

    /// Keeps it aside.
    ///
    /// # Errors
    /// What was wrong with it, where it cannot be held; as [`keep`].
    pub(crate) async fn keep(
        self,
        app: &App,
        interaction: &Interaction,
        error: Error,
    ) -> Result<Answer> {
        let Some((title, bundle)) = self.asked(interaction) else { return Err(error) };
        let asked = Asked { bundle, faults: outcome(&error.issues), title };
        let (domain, request) = (app.domain.clone(), self.request);
        let written = Domain::shielded(async move { keep(&domain, &request, asked).await }).await?;
        let task = written.version.ok_or_else(|| Error::internal("a Task without a version"))?;
        let text = format!(
            "Kept aside as Task/{}: nothing of it is stored until somebody releases that.",
            task.id
        );
        let mut issues = vec![Issue::information(IssueCode::Informational, text)];
        issues.extend(error.issues);
        let body = AnswerBody::Outcome(outcome(&issues).to_text());
        let location = format!("{}/Task/{}/_history/{}", app.base(), task.id, task.version);
        let (audited, repeated) = (written.audited, written.repeated);
        let answer = Answer::new(StatusCode::ACCEPTED, body);
        Ok(Answer { location: Some(location), audited, repeated, ..answer })
    }

    /// What it asks for, in a word, and as a transaction.
    fn asked(&self, interaction: &Interaction) -> Option<(String, Value)> {
        let criteria = || self.query.as_deref().unwrap_or_default();
        let (method, kind, url, resource) = match interaction {
            Interaction::Bundle => return Some(("a transaction".to_owned(), self.resource()?)),
            Interaction::Create(kind) => ("POST", kind, kind.to_string(), self.resource()?),
            Interaction::Update(kind, id) => {
                ("PUT", kind, format!("{kind}/{id}"), self.resource()?)
            }
            Interaction::ConditionalUpdate(kind) => {
                ("PUT", kind, format!("{kind}?{}", criteria()), self.resource()?)
            }
            Interaction::Patch(kind, id) => ("PATCH", kind, format!("{kind}/{id}"), self.patch()?),
            Interaction::ConditionalPatch(kind) => {
                ("PATCH", kind, format!("{kind}?{}", criteria()), self.patch()?)
            }
            _ => return None,
        };
        let mut request = object! { "method": method, "url": url };
        let Conditions { if_match, if_none_match, if_none_exist, .. } = &self.conditions;
        let conditions =
            [("ifMatch", if_match), ("ifNoneMatch", if_none_match), ("ifNoneExist", if_none_exist)];
        for (name, condition) in conditions {
            condition.iter().for_each(|text| request.set(name, text.as_str()));
        }
        let entry: Object = object! { "request": request, "resource": resource };
        let bundle = object! {
            "resourceType": "Bundle",
            "type": "transaction",
            "entry": vec![Value::Object(entry)],
        };
        Some((format!("{method} {kind}"), Value::Object(bundle)))
    }

    fn resource(&self) -> Option<Value> {
        match &self.body {
            Body::Parsed(resource) => Some(resource.body().clone()),
            Body::Stored(_) => None,
            Body::Bytes(bytes) => match syntax_of(self.content_type.as_deref()).ok()? {
                Syntax::Json => json::parse(bytes).ok(),
                Syntax::Xml => xml::read(bytes).ok().map(canonical_model::Resource::into_body),
            },
        }
    }

    /// As an entry of a bundle has it.
    fn patch(&self) -> Option<Value> {
        let media_type = MediaType::read(self.content_type.as_deref().unwrap_or_default());
        match &self.body {
            Body::Bytes(bytes) if media_type.name == JSON_PATCH => {
                let data = STANDARD.encode(bytes);
                let binary =
                    object! { "resourceType": "Binary", "contentType": JSON_PATCH, "data": data };
                Some(Value::Object(binary))
            }
            _ => self.resource(),
        }
    }
}

/// `$release`: does what was kept aside, with its faults, and ends its Task, in one transaction.
pub(crate) async fn release(app: &App, wire: WireRequest, id: &ResourceId) -> Result<Answer> {
    let Kept { mut entries, done } = kept(&app.domain, &wire.request, id).await?;
    entries.push(done);
    let request = Request { releases: true, ..wire.request };
    bundle::transaction(app, WireRequest { request, ..wire }, bundle::read_entries(app, entries)?)
        .await
}
