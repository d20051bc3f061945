//! Resources that a search parameter of one's own leaves out, because indexing them by it would take too much,
//! and those that could not be indexed anew by any. A search that may miss them says so, and nothing is done on the strength of what it does not find.

use canonical_model::{Error, IssueCode, ResourceType};

/// What a search by the parameter says.
pub(crate) fn sentence(name: &str) -> String {
    format!(
        "There are resources that cannot be found by {name}: they have too many values for it, or its \
         expression takes too long over them."
    )
}

/// What a search says that goes by the index of a type with resources that could not be indexed anew.
pub(crate) fn unindexed(kind: ResourceType) -> String {
    format!(
        "There are {kind} resources that could not be indexed anew, as they have too many values or cannot be \
         read: this search goes by an older index of them, and may not find them."
    )
}

/// Refuses to go by what a query found where such a sentence is to be said.
pub(crate) fn refusal(said: &str) -> Error {
    let text =
        format!("The criteria could miss what is there: use other search parameters. ({said})");
    Error::unprocessable(text).code(IssueCode::Incomplete)
}
