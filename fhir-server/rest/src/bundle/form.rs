//! A search by POST within a bundle: what would be its body is a form, which a Binary holds.
//! <https://hl7.org/fhir/R4/http.html#search>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use canonical_model::{Error, Resource, ResourceType, Result, Value};
use http::Method;
use search::limits::PARAMS_MAX;
use search::query::{Pair, parse_pairs};

use crate::media_type::MediaType;
use crate::wire_request::FORM;

/// Adds the criteria that the resource of a search's entry holds to those of its URL.
///
/// # Errors
/// Invalid where it is no form: passed over, the search would find more than was asked for.
pub(crate) fn add_form(pairs: &mut Vec<Pair>, method: &Method, resource: &Resource) -> Result<()> {
    pairs.extend(form(method, resource).map_err(|error| error.in_form("resource"))?);
    if pairs.len() > PARAMS_MAX {
        let text = format!("The query and the form have more than {PARAMS_MAX} parameters.");
        return Err(Error::invalid(text).at("resource"));
    }
    Ok(())
}

fn form(method: &Method, resource: &Resource) -> Result<Vec<Pair>> {
    if *method != Method::POST {
        let text = "A search by GET has its criteria in request.url: leave the resource out, or send a POST of \
                    [type]/_search.";
        return Err(Error::invalid(text).at("resource"));
    }
    let member = |name: &str| resource.members().get(name).and_then(Value::as_str);
    let is_form = |name: &str| MediaType::read(name).name == FORM;
    if resource.kind() != ResourceType::BINARY || !member("contentType").is_some_and(is_form) {
        let text = format!(
            "A search's criteria are in request.url, or in a Binary with the contentType {FORM}, its data the \
             form. They are not read from another resource, as Parameters."
        );
        return Err(Error::invalid(text).at("resource"));
    }
    let bytes = STANDARD
        .decode(member("data").unwrap_or_default())
        .map_err(|_| Error::invalid("data is not base64").at("resource.data"))?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Error::invalid("The form is not UTF-8.").at("resource.data"))?;
    parse_pairs(text)
}
