//! <https://hl7.org/fhir/R4/http.html#capabilities>

use canonical_model::Result;
use http::StatusCode;

use crate::answer::{Answer, represent};
use crate::app::App;
use crate::format::Format;
use crate::interaction::Interaction;

pub(crate) fn capabilities(app: &App, format: &Format) -> Result<Answer> {
    format.expect(&Interaction::Capabilities)?;
    Ok(Answer::new(StatusCode::OK, represent(app.metadata.text(&app.domain)?, format)?))
}
