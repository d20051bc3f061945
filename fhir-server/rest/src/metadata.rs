//! The CapabilityStatement, made of what the interactions and the search index can do.
//! <https://hl7.org/fhir/R4/http.html#capabilities>

use canonical_model::{ResourceType, object};
use conformance::Registry;
use conformance::capability::{Description, Offer, statement as write};
use domain::Domain;

/// The statement's text.
pub(crate) fn statement(domain: &Domain) -> String {
    let security = object! {
        "cors": true,
        "service": vec![canonical_model::Value::Object(object! {
            "coding": vec![canonical_model::Value::Object(object! {
                "system": "http://terminology.hl7.org/CodeSystem/restful-security-service",
                "code": "SMART-on-FHIR",
            })],
        })],
        "description": "OAuth 2.0 with SMART scopes; see .well-known/smart-configuration",
    };
    let description = Description {
        id: instance(domain),
        name: "CareBridge",
        description: "The canonical FHIR R4 record".to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        base_url: domain.base().to_owned(),
        date: "2026-11-24".to_owned(),
        formats: vec!["application/fhir+json", "json"],
        patch_formats: vec!["application/json-patch+json", "application/fhir+json"],
        security: Some(security),
        interactions: vec!["batch", "transaction", "history-system", "search-system"],
        operations: Vec::new(),
        resources: ResourceType::all().map(|kind| offer(domain, kind)).collect(),
    };
    match write(&description) {
        Ok(resource) => resource.to_text(),
        Err(error) => {
            tracing::error!(error = ?error, "The CapabilityStatement could not be written.");
            String::new()
        }
    }
}

/// Names this database, so that clients can tell it from another at the same address.
fn instance(domain: &Domain) -> String {
    let secret = domain.store().hasher().secret("instance");
    secret.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn offer(domain: &Domain, kind: ResourceType) -> Offer {
    let policy = domain.policy();
    let mut offer = Offer::new(kind);
    offer.interactions = vec![
        "read",
        "vread",
        "update",
        "patch",
        "delete",
        "history-instance",
        "history-type",
        "create",
        "search-type",
    ];
    offer.update_create = policy.update_as_create;
    offer.conditional_create = true;
    offer.conditional_read = "full-support";
    offer.conditional_update = true;
    offer.conditional_delete = if policy.delete_multiple { "multiple" } else { "single" };
    // Named queries are the one thing that is not searched.
    let params = Registry::r4().search_params(kind).iter();
    offer.search_params = params.filter(|param| param.code != "_query").collect();
    offer
}
