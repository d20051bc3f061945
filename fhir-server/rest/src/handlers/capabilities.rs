//! What everybody may know of this server. <https://hl7.org/fhir/R4/http.html#capabilities>

use canonical_model::{Error, Result};
use http::StatusCode;
use search::query::Pair;

use crate::answer::{Answer, represent};
use crate::app::App;
use crate::format::Format;
use crate::interaction::Interaction;
use crate::metadata::DATE;
use crate::operations::defined;

/// Answers what needs no token.
pub(crate) async fn open(
    app: &App,
    interaction: &Interaction,
    pairs: &[Pair],
    format: &Format,
) -> Result<Answer> {
    format.expect(interaction)?;
    let text = match interaction.id() {
        Some(id) => {
            let operation = defined(id.as_str()).ok_or_else(|| Error::internal("no operation"))?;
            let text = operation.definition(app.base(), DATE)?.to_text().into();
            return Ok(Answer::new(StatusCode::OK, represent(text, format)?));
        }
        None => match mode(pairs)? {
            Mode::Terminology => app.metadata.terminology(&app.domain).await?,
            Mode::All => app.metadata.text(&app.domain)?,
        },
    };
    app.metadata.written(text, format)
}

/// What of the capabilities is asked for.
enum Mode {
    All,
    Terminology,
}

fn mode(pairs: &[Pair]) -> Result<Mode> {
    match pairs.iter().find(|(name, _)| name == "mode").map(|(_, value)| value.as_str()) {
        None | Some("full" | "normative") => Ok(Mode::All),
        Some("terminology") => Ok(Mode::Terminology),
        Some(_) => {
            let text = "mode: expected full, normative or terminology";
            Err(Error::invalid(text).at("http.mode"))
        }
    }
}
