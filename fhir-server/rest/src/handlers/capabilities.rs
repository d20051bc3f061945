//! <https://hl7.org/fhir/R4/http.html#capabilities>

use canonical_model::Result;
use http::StatusCode;

use crate::answer::{Answer, Body};
use crate::app::App;
use crate::format::Format;

pub(crate) fn capabilities(app: &App, format: &Format) -> Result<Answer> {
    if format.pretty {
        let text = String::from_utf8_lossy(&app.metadata).into_owned();
        return Answer::fhir(text, format);
    }
    Ok(Answer::new(StatusCode::OK, Body::Fhir(app.metadata.clone())))
}
