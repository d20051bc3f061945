//! What each interaction counts as where a client's requests are counted.

use access::Caller;
use auth::Class;
use canonical_model::{Result, Value};

use crate::app::App;
use crate::interaction::Interaction;

/// Whether a caller may ask for this; what names nothing counts as a read.
///
/// # Errors
/// 429: it has asked too often.
pub(crate) fn admit(app: &App, caller: &Caller, asked: Option<&Interaction>) -> Result<()> {
    app.throttles.by_caller(caller, asked.map_or(Class::Read, class))
}

/// Counts the entries of a bundle, whose request was let in. It may owe for them.
pub(crate) fn charge(app: &App, caller: &Caller, entries: &[Value]) {
    let mut counts = [(Class::Read, 0), (Class::Search, 0), (Class::Write, 0)];
    for entry in entries {
        let request = entry.get("request");
        let said = |name| request.and_then(|it| it.get(name)).and_then(Value::as_str);
        let found = class_of(said("method").unwrap_or_default(), said("url").unwrap_or_default());
        let counted = counts.iter_mut().find(|(class, _)| *class == found);
        counted.into_iter().for_each(|(_, count)| *count += 1);
    }
    for (class, many) in counts.into_iter().filter(|(_, many)| *many > 0) {
        app.throttles.charge(caller, class, many);
    }
}

/// The class of an entry, by its words alone: it has not been read yet.
fn class_of(method: &str, url: &str) -> Class {
    match method {
        "GET" | "HEAD" if url.contains('?') || !url.contains('/') => Class::Search,
        "GET" | "HEAD" => Class::Read,
        _ => Class::Write,
    }
}

fn class(asked: &Interaction) -> Class {
    match asked {
        Interaction::Capabilities | Interaction::Read(..) | Interaction::Vread(..) => Class::Read,
        Interaction::Search(_)
        | Interaction::HistoryInstance(..)
        | Interaction::HistoryType(_)
        | Interaction::HistorySystem => Class::Search,
        Interaction::Create(_)
        | Interaction::Update(..)
        | Interaction::ConditionalUpdate(_)
        | Interaction::Patch(..)
        | Interaction::ConditionalPatch(_)
        | Interaction::Delete(..)
        | Interaction::ConditionalDelete(_)
        | Interaction::Bundle => Class::Write,
    }
}
