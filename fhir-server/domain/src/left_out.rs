//! Resources that a search parameter of one's own leaves out, because indexing them by it would take too much.
//! A search by it says so, and nothing is done on the strength of what it does not find.

use canonical_model::{Error, IssueCode};

/// What a search by the parameter says.
pub(crate) fn sentence(name: &str) -> String {
    format!(
        "There are resources that cannot be found by {name}: they have too many values for it, or its \
         expression takes too long over them."
    )
}

/// Refuses to go by what a query found where such a sentence is to be said.
pub(crate) fn refusal(said: &str) -> Error {
    let text =
        format!("The criteria could miss what is there: use other search parameters. ({said})");
    Error::unprocessable(text).code(IssueCode::Incomplete)
}
