//! What is said of each route: one line a route. A route without a line, or a line without a route, is refused.

use auth::Listed;
use canonical_model::{Error, Result};

/// One route with what is said of it.
pub(super) struct Described {
    pub(super) route: Listed,
    pub(super) said: &'static Said,
}

/// A line.
pub(super) struct Said {
    /// Method and path.
    pub(super) route: &'static str,
    pub(super) part: Part,
    /// What it is for.
    pub(super) summary: &'static str,
    pub(super) takes: Takes,
    pub(super) gives: Gives,
}

/// The parts of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Fhir,
    Apps,
    Pages,
    Operator,
}

/// What a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    /// Parameters that shape an answer of FHIR.
    View,
    /// Criteria of a search, in the query.
    Criteria,
    /// The same as a form.
    CriteriaForm,
    Resource,
    /// A resource, with criteria in the query.
    ResourceWhere,
    /// Parameters of an operation, in the query.
    Arguments,
    /// The same as a resource.
    Parameters,
    /// A resource that is judged, or Parameters with one; or nothing.
    Judged,
    Bundle,
    Patch,
    PatchWhere,
    /// Criteria in the query of what is meant.
    Where,
    /// A form of OAuth, or of a page.
    Form,
    /// OAuth's parameters in the query.
    Query,
    Json,
}

/// What an answer brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gives {
    Fhir,
    /// What was changed, or a bundle of answers.
    Done,
    /// What was written: 201 where it is new.
    Written,
    /// Nothing: it is gone.
    Gone,
    Json,
    /// A registration that is new.
    Registered,
    Page,
    Csv,
    Css,
    Text,
}

impl Described {
    /// Each route with its line.
    ///
    /// # Errors
    /// Internal where a route has no line, or a line no route.
    pub(super) fn all(routes: &[Listed]) -> Result<Vec<Self>> {
        let name = |route: &Listed| {
            let method =
                if route.method == http::Method::HEAD { "GET" } else { route.method.as_str() };
            format!("{method} {}", route.path)
        };
        let describe = |route: &Listed| {
            let name = name(route);
            let said = SAID.iter().find(|said| said.route == name);
            let said = said.ok_or_else(|| Error::internal(format!("nothing is said of {name}")))?;
            Ok(Self { route: route.clone(), said })
        };
        let described: Vec<Self> = routes.iter().map(describe).collect::<Result<_>>()?;
        match SAID.iter().find(|said| !routes.iter().any(|route| name(route) == said.route)) {
            Some(said) => Err(Error::internal(format!("there is no route {}", said.route))),
            None => Ok(described),
        }
    }
}

const fn said(
    part: Part,
    route: &'static str,
    takes: Takes,
    gives: Gives,
    summary: &'static str,
) -> Said {
    Said { route, part, summary, takes, gives }
}

use Part::{Apps, Fhir, Operator, Pages};

#[rustfmt::skip]
const SAID: &[Said] = &[
    said(Fhir, "GET /fhir/metadata", Takes::View, Gives::Fhir, "What this server does: the CapabilityStatement, or with mode=terminology the TerminologyCapabilities"),
    said(Fhir, "GET /fhir/.well-known/smart-configuration", Takes::Nothing, Gives::Json, "Where and how apps get tokens"),
    said(Fhir, "GET /fhir", Takes::Criteria, Gives::Fhir, "Search in several types"),
    said(Fhir, "POST /fhir/_search", Takes::CriteriaForm, Gives::Fhir, "Search in several types, criteria in a form"),
    said(Fhir, "POST /fhir", Takes::Bundle, Gives::Done, "Batch or transaction"),
    said(Fhir, "GET /fhir/_history", Takes::View, Gives::Fhir, "Versions of everything"),
    said(Fhir, "GET /fhir/{type}", Takes::Criteria, Gives::Fhir, "Search in a type"),
    said(Fhir, "POST /fhir/{type}/_search", Takes::CriteriaForm, Gives::Fhir, "Search in a type, criteria in a form"),
    said(Fhir, "POST /fhir/{type}", Takes::Resource, Gives::Written, "Create, unless If-None-Exist finds one"),
    said(Fhir, "PUT /fhir/{type}", Takes::ResourceWhere, Gives::Written, "Update the one that the query finds, or create it"),
    said(Fhir, "PATCH /fhir/{type}", Takes::PatchWhere, Gives::Done, "Change a part of the one that the query finds"),
    said(Fhir, "DELETE /fhir/{type}", Takes::Where, Gives::Gone, "Delete what the query finds"),
    said(Fhir, "GET /fhir/{type}/_history", Takes::View, Gives::Fhir, "Versions of a type"),
    said(Fhir, "GET /fhir/AuditEvent/$journal", Takes::Criteria, Gives::Fhir, "The record of accesses"),
    said(Fhir, "GET /fhir/AuditEvent/{event}", Takes::View, Gives::Fhir, "One event of the record of accesses"),
    said(Fhir, "GET /fhir/OperationDefinition/{operation}", Takes::View, Gives::Fhir, "What an operation of this server takes and gives"),
    said(Fhir, "GET /fhir/{type}/{id}", Takes::View, Gives::Fhir, "Read"),
    said(Fhir, "PUT /fhir/{type}/{id}", Takes::Resource, Gives::Written, "Update, or create under this id"),
    said(Fhir, "PATCH /fhir/{type}/{id}", Takes::Patch, Gives::Done, "Change a part"),
    said(Fhir, "DELETE /fhir/{type}/{id}", Takes::Nothing, Gives::Gone, "Delete"),
    said(Fhir, "GET /fhir/Patient/{id}/$access-report", Takes::Criteria, Gives::Fhir, "Who has seen a patient's data"),
    said(Fhir, "GET /fhir/Patient/{id}/$accounting-of-disclosures", Takes::Criteria, Gives::Fhir, "To whom a patient's data was disclosed"),
    said(Fhir, "GET /fhir/CodeSystem/$lookup", Takes::Arguments, Gives::Fhir, "What is known of a code"),
    said(Fhir, "POST /fhir/CodeSystem/$lookup", Takes::Parameters, Gives::Fhir, "What is known of a code, asked by Parameters"),
    said(Fhir, "GET /fhir/CodeSystem/$validate-code", Takes::Arguments, Gives::Fhir, "Whether a code is one of a system"),
    said(Fhir, "POST /fhir/CodeSystem/$validate-code", Takes::Parameters, Gives::Fhir, "Whether a code is one of a system, asked by Parameters"),
    said(Fhir, "GET /fhir/CodeSystem/$subsumes", Takes::Arguments, Gives::Fhir, "Whether a code is above another"),
    said(Fhir, "POST /fhir/CodeSystem/$subsumes", Takes::Parameters, Gives::Fhir, "Whether a code is above another, asked by Parameters"),
    said(Fhir, "GET /fhir/ValueSet/$expand", Takes::Arguments, Gives::Fhir, "The codes of a value set"),
    said(Fhir, "POST /fhir/ValueSet/$expand", Takes::Parameters, Gives::Fhir, "The codes of a value set, asked by Parameters"),
    said(Fhir, "GET /fhir/ValueSet/$validate-code", Takes::Arguments, Gives::Fhir, "Whether a code is in a value set"),
    said(Fhir, "POST /fhir/ValueSet/$validate-code", Takes::Parameters, Gives::Fhir, "Whether a code is in a value set, asked by Parameters"),
    said(Fhir, "GET /fhir/ConceptMap/$translate", Takes::Arguments, Gives::Fhir, "A code in another system's words"),
    said(Fhir, "POST /fhir/ConceptMap/$translate", Takes::Parameters, Gives::Fhir, "A code in another system's words, asked by Parameters"),
    said(Fhir, "GET /fhir/CodeSystem/{id}/$validate-code", Takes::Arguments, Gives::Fhir, "Whether a code is one of this code system"),
    said(Fhir, "POST /fhir/CodeSystem/{id}/$validate-code", Takes::Parameters, Gives::Fhir, "Whether a code is one of this code system, asked by Parameters"),
    said(Fhir, "GET /fhir/CodeSystem/{id}/$subsumes", Takes::Arguments, Gives::Fhir, "Whether a code is above another, in this code system"),
    said(Fhir, "POST /fhir/CodeSystem/{id}/$subsumes", Takes::Parameters, Gives::Fhir, "Whether a code is above another, in this code system, asked by Parameters"),
    said(Fhir, "GET /fhir/ValueSet/{id}/$expand", Takes::Arguments, Gives::Fhir, "The codes of this value set"),
    said(Fhir, "POST /fhir/ValueSet/{id}/$expand", Takes::Parameters, Gives::Fhir, "The codes of this value set, asked by Parameters"),
    said(Fhir, "GET /fhir/ValueSet/{id}/$validate-code", Takes::Arguments, Gives::Fhir, "Whether a code is in this value set"),
    said(Fhir, "POST /fhir/ValueSet/{id}/$validate-code", Takes::Parameters, Gives::Fhir, "Whether a code is in this value set, asked by Parameters"),
    said(Fhir, "GET /fhir/ConceptMap/{id}/$translate", Takes::Arguments, Gives::Fhir, "A code in another system's words, by this concept map"),
    said(Fhir, "POST /fhir/ConceptMap/{id}/$translate", Takes::Parameters, Gives::Fhir, "A code in another system's words, by this concept map, asked by Parameters"),
    said(Fhir, "POST /fhir/Task/{id}/$release", Takes::Nothing, Gives::Fhir, "What this Task keeps aside for its faults, done"),
    said(Fhir, "POST /fhir/{type}/$validate", Takes::Judged, Gives::Fhir, "Whether a resource is right, by R4 and by profiles"),
    said(Fhir, "GET /fhir/{type}/{id}/$validate", Takes::Arguments, Gives::Fhir, "Whether what is stored is right"),
    said(Fhir, "POST /fhir/{type}/{id}/$validate", Takes::Judged, Gives::Fhir, "Whether a resource is right for this id, or without a body what is stored"),
    said(Fhir, "GET /fhir/{type}/{id}/_history", Takes::View, Gives::Fhir, "Versions of a resource"),
    said(Fhir, "GET /fhir/{type}/{id}/_history/{version}", Takes::View, Gives::Fhir, "Read a version"),
    said(Fhir, "GET /fhir/{type}/{id}/{member}", Takes::Criteria, Gives::Fhir, "Search in what belongs to a resource"),
    said(Fhir, "POST /fhir/{type}/{id}/{member}/_search", Takes::CriteriaForm, Gives::Fhir, "Search in what belongs to a resource, criteria in a form"),
    said(Apps, "POST /auth/token", Takes::Form, Gives::Json, "A token, for a code, a refresh token or a client's own credentials"),
    said(Apps, "POST /auth/introspect", Takes::Form, Gives::Json, "Whether a token is good, and what it grants"),
    said(Apps, "POST /auth/revoke", Takes::Form, Gives::Text, "End a token"),
    said(Apps, "POST /auth/register", Takes::Json, Gives::Registered, "Register an app"),
    said(Apps, "GET /auth/register/{client}", Takes::Nothing, Gives::Json, "An app's registration"),
    said(Apps, "PUT /auth/register/{client}", Takes::Json, Gives::Json, "Change an app's registration"),
    said(Apps, "DELETE /auth/register/{client}", Takes::Nothing, Gives::Gone, "End an app's registration"),
    said(Apps, "GET /auth/.well-known/openid-configuration", Takes::Nothing, Gives::Json, "Where and how people are signed in"),
    said(Apps, "GET /auth/jwks", Takes::Nothing, Gives::Json, "The keys that tokens are signed with"),
    said(Apps, "GET /auth/smart-style.json", Takes::Nothing, Gives::Json, "The look of the pages"),
    said(Apps, "GET /auth/authorize", Takes::Query, Gives::Page, "Ask a person for access"),
    said(Apps, "POST /auth/authorize", Takes::Form, Gives::Page, "Ask a person for access, parameters in a form"),
    said(Pages, "POST /auth/login", Takes::Form, Gives::Page, "Sign in"),
    said(Pages, "GET /auth/external", Takes::Query, Gives::Page, "Sign in at another provider"),
    said(Pages, "GET /auth/callback", Takes::Query, Gives::Page, "Come back from another provider"),
    said(Pages, "GET /auth/link", Takes::Nothing, Gives::Page, "Connect an account with one at another provider"),
    said(Pages, "POST /auth/link", Takes::Form, Gives::Page, "Connect it"),
    said(Pages, "POST /auth/factor", Takes::Form, Gives::Page, "The code of a second factor"),
    said(Pages, "GET /auth/device", Takes::Nothing, Gives::Page, "Set up a second factor"),
    said(Pages, "POST /auth/device", Takes::Form, Gives::Page, "Confirm a second factor"),
    said(Pages, "POST /auth/logout", Takes::Form, Gives::Page, "Sign out"),
    said(Pages, "POST /auth/patient", Takes::Form, Gives::Page, "Choose a patient"),
    said(Pages, "POST /auth/consent", Takes::Form, Gives::Page, "Give access, or do not"),
    said(Pages, "GET /auth/launch", Takes::Query, Gives::Page, "Choose an app to start"),
    said(Pages, "POST /auth/launch", Takes::Form, Gives::Page, "Start an app"),
    said(Pages, "GET /auth/manage", Takes::Query, Gives::Page, "The access that one gave"),
    said(Pages, "POST /auth/manage", Takes::Form, Gives::Page, "Take access back"),
    said(Pages, "GET /auth/break-glass", Takes::Query, Gives::Page, "Access in an emergency"),
    said(Pages, "POST /auth/break-glass", Takes::Form, Gives::Page, "Open a record in an emergency"),
    said(Pages, "GET /auth/review", Takes::Query, Gives::Page, "Emergencies to review"),
    said(Pages, "POST /auth/review", Takes::Form, Gives::Page, "Judge an emergency"),
    said(Pages, "GET /auth/record", Takes::Query, Gives::Page, "The record of accesses"),
    said(Pages, "GET /auth/record.csv", Takes::Query, Gives::Csv, "The record of accesses as a table"),
    said(Pages, "GET /auth/style.css", Takes::Nothing, Gives::Css, "The look of the pages"),
    said(Operator, "GET /healthz", Takes::Nothing, Gives::Text, "Whether the process lives"),
    said(Operator, "GET /readyz", Takes::Nothing, Gives::Json, "Whether it can serve"),
    said(Operator, "GET /metrics", Takes::Nothing, Gives::Text, "What it has counted"),
    said(Operator, "GET /openapi.json", Takes::Nothing, Gives::Json, "This list, for programs"),
    said(Operator, "GET /docs", Takes::Nothing, Gives::Page, "This list, for people"),
];

impl Part {
    /// All, in the order of the page.
    pub(super) const ALL: [Self; 4] = [Self::Fhir, Self::Apps, Self::Pages, Self::Operator];

    /// Where it begins on the page.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Fhir => "fhir",
            Self::Apps => "apps",
            Self::Pages => "pages",
            Self::Operator => "operation",
        }
    }

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Fhir => "FHIR",
            Self::Apps => "Authorization of apps",
            Self::Pages => "Pages of the authorization server",
            Self::Operator => "Operation",
        }
    }
}

/// What a rule asks of whoever calls, for people.
pub(super) fn rights(rule: &str) -> String {
    match rule.split_once(' ').unwrap_or((rule, "")) {
        ("open" | "away", _) => "nothing".to_owned(),
        ("client" | "app", _) => "a registered app".to_owned(),
        ("registrar", _) => "what the operator asks of who registers".to_owned(),
        ("registered", _) => "the token of the registration".to_owned(),
        ("form", _) => "a form that this server gave".to_owned(),
        ("monitor", _) => "whom the operator lets see".to_owned(),
        ("entries", _) => "a token; each entry asks for its own".to_owned(),
        ("record", letters) => {
            format!("a token with AuditEvent.{letters}, of an auditor or the patient")
        }
        (_, letters) => format!("a token with .{letters}"),
    }
}
