//! `$validate`: a resource in the body, or in Parameters, or what is stored; the answer is an OperationOutcome.
//! <https://hl7.org/fhir/R4/resource-operation-validate.html>

use canonical_model::{
    Error, IssueCode, Resource, ResourceId, ResourceType, Result, Value, json, object,
};
use conformance::xml;
use domain::operations::validate::{self, Ask, Judged, Mode};

use crate::answer::Answer;
use crate::app::App;
use crate::outcome::outcome;
use crate::syntax::Syntax;
use crate::wire_request::{Body, WireRequest, syntax_of};

/// What begins the names of the extensions that tell a place.
const PLACES: &str = "http://hl7.org/fhir/StructureDefinition/operationoutcome-issue-";

/// Parameters that shape the answer.
const VIEW: [&str; 4] = ["_format", "_pretty", "_summary", "_elements"];

pub(crate) async fn validate(
    app: &App,
    mut wire: WireRequest,
    kind: ResourceType,
    id: Option<&ResourceId>,
) -> Result<Answer> {
    let mut ask = Ask { kind, id: id.cloned(), mode: None, profiles: Vec::new(), resource: None };
    for (name, value) in wire.pairs.iter().filter(|(name, _)| !VIEW.contains(&name.as_str())) {
        match name.as_str() {
            "mode" => put_mode(&mut ask, value)?,
            "profile" => ask.profiles.push(value.clone()),
            _ => {
                let text = "Only mode and profile are parameters of $validate.";
                return Err(Error::invalid(text).code(IssueCode::NotSupported).at("http"));
            }
        }
    }
    let is_json = syntax_of(wire.content_type.as_deref()).is_ok_and(|it| it == Syntax::Json);
    let text = match &wire.body {
        Body::Bytes(bytes) if is_json => bytes.clone(),
        Body::Bytes(_) | Body::Stored(_) | Body::Parsed(_) => bytes::Bytes::new(),
    };
    let mut below = String::new();
    if let Some(sent) = body(&mut wire)? {
        if is_parameters(&sent, kind) {
            below = parameters(&mut ask, sent)?;
        } else {
            ask.resource = Some(sent);
        }
    }
    let text = if ask.resource.is_some() { text } else { bytes::Bytes::new() };
    let Judged { issues, patients } = validate::validate(&app.domain, &wire.request, ask).await?;
    let mut outcome = outcome(&issues);
    tell_places(&mut outcome, &text, &below);
    Ok(Answer { patients, ..Answer::fhir(outcome.to_text(), &wire.format)? })
}

/// Adds to each issue where its element stands in the text that was sent.
/// <https://hl7.org/fhir/R4/extension-operationoutcome-issue-line.html>
fn tell_places(outcome: &mut Value, text: &[u8], below: &str) {
    if text.is_empty() {
        return; // What is stored, or came in XML.
    }
    let issues = outcome.as_object_mut().and_then(|it| it.get_mut("issue"));
    for issue in issues.and_then(Value::as_array_mut).into_iter().flatten() {
        let expression = issue.get("expression").and_then(|it| it.items().first()?.as_str());
        let Some(place) = expression.and_then(|path| json::place(text, below, path)) else {
            continue;
        };
        let extension = |name: &str, number: usize| {
            let number = i64::try_from(number).unwrap_or(i64::MAX);
            Value::from(object! { "url": format!("{PLACES}{name}"), "valueInteger": number })
        };
        let places = vec![extension("line", place.line), extension("col", place.column)];
        if let Some(issue) = issue.as_object_mut() {
            issue.set_at(0, "extension", places);
        }
    }
}

/// The body as JSON: what is wrong with it as a resource is for the outcome to say.
fn body(wire: &mut WireRequest) -> Result<Option<Value>> {
    match std::mem::replace(&mut wire.body, Body::Bytes(bytes::Bytes::new())) {
        Body::Parsed(resource) => Ok(Some(Resource::into_body(*resource))),
        Body::Stored(_) => Err(Error::internal("content where a resource is expected")),
        Body::Bytes(bytes) if bytes.is_empty() => Ok(None),
        Body::Bytes(bytes) => match syntax_of(wire.content_type.as_deref())? {
            Syntax::Json => json::parse(&bytes).map(Some),
            Syntax::Xml => xml::read(&bytes).map(|it| Some(it.into_body())),
        },
    }
}

/// Whether Parameters hold what is asked, and are not themselves to be validated.
fn is_parameters(sent: &Value, kind: ResourceType) -> bool {
    let named = sent.get("resourceType").and_then(Value::as_str);
    if named != Some(ResourceType::PARAMETERS.name()) {
        return false;
    }
    let of_ours = |it: &Value| {
        let name = it.get("name").and_then(Value::as_str);
        name == Some("resource") && it.get("resource").is_some()
    };
    kind != ResourceType::PARAMETERS
        || sent.get("parameter").is_some_and(|list| list.items().iter().any(of_ours))
}

/// Takes what Parameters ask, and says where in them the resource is.
fn parameters(ask: &mut Ask, sent: Value) -> Result<String> {
    let mut below = String::new();
    let Value::Object(mut sent) = sent else { return Ok(below) };
    let Some(Value::Array(list)) = sent.remove("parameter") else { return Ok(below) };
    for (n, mut parameter) in list.into_iter().enumerate() {
        let place = format!("Parameters.parameter[{n}]");
        let refuse = |text: &str| -> Result<String> { Err(Error::invalid(text).at(&place)) };
        let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
        match name.as_str() {
            "resource" if ask.resource.is_some() => return refuse("Send one resource at a time."),
            "resource" => {
                below = format!("parameter[{n}].resource");
                let resource = parameter.as_object_mut().and_then(|it| it.remove("resource"));
                if resource.is_none() {
                    return refuse("Put the resource into the member resource.");
                }
                ask.resource = resource;
            }
            "mode" => match text_of(&parameter, &["valueCode", "valueString"]) {
                Some(code) => put_mode(ask, &code)?,
                None => return refuse("mode is a valueCode."),
            },
            "profile" => {
                let written = ["valueUri", "valueCanonical", "valueUrl", "valueString"];
                match text_of(&parameter, &written) {
                    Some(url) => ask.profiles.push(url),
                    None => return refuse("profile is a valueUri."),
                }
            }
            _ => return refuse("Only resource, mode and profile are parameters of $validate."),
        }
    }
    Ok(below)
}

/// The first of these members that is there, as text.
fn text_of(parameter: &Value, names: &[&str]) -> Option<String> {
    names.iter().find_map(|name| Some(parameter.get(name)?.as_str()?.to_owned()))
}

fn put_mode(ask: &mut Ask, code: &str) -> Result<()> {
    if ask.mode.is_some() {
        return Err(Error::invalid("mode: once").at("http.mode"));
    }
    ask.mode = Some(Mode::read(code)?);
    Ok(())
}
