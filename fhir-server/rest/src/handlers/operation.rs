//! <https://hl7.org/fhir/R4/operations.html>

use canonical_model::{ResourceId, Result};
use domain::operations::{self, Input, Operation};

use crate::answer::Answer;
use crate::app::App;
use crate::wire_request::WireRequest;

/// An operation on terminology: by a query, or by Parameters.
pub(crate) async fn terminology(
    app: &App,
    mut wire: WireRequest,
    operation: Operation,
    id: Option<&ResourceId>,
) -> Result<Answer> {
    let pairs = std::mem::take(&mut wire.pairs);
    let input = match wire.body.is_empty() {
        true => Input::Query(pairs),
        false => Input::Body(Box::new(wire.resource()?), pairs),
    };
    let text = operations::perform(&app.domain, &wire.request, operation, id, input).await?;
    Answer::fhir(text, &wire.format)
}
