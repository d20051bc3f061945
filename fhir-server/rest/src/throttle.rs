//! What each interaction counts as where a client's requests are counted.

use access::Caller;
use auth::Class;
use canonical_model::{Result, Value};
use http::Method;

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

/// The class of an entry, by the route that it will take. One that takes none is refused, and costs what a read does.
fn class_of(method: &str, url: &str) -> Class {
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    let found = Method::from_bytes(method.as_bytes()).ok().map(|it| Interaction::of(&it, path));
    found.and_then(Result::ok).map_or(Class::Read, |asked| class(&asked))
}

fn class(asked: &Interaction) -> Class {
    match asked {
        Interaction::Capabilities
        | Interaction::Definition(_)
        | Interaction::Read(..)
        | Interaction::Vread(..)
        | Interaction::JournalEvent(_) => Class::Read,
        Interaction::Search(_)
        | Interaction::Journal
        | Interaction::AccessReport(_)
        | Interaction::Disclosures(_)
        | Interaction::Terminology(..)
        | Interaction::Validate(..)
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
        | Interaction::Release(_)
        | Interaction::Bundle => Class::Write,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_counts_as_what_it_does() {
        for (method, url, class) in [
            ("GET", "Patient/1", Class::Read),
            ("GET", "Patient/1/_history/2", Class::Read),
            ("GET", "Patient/1/_history", Class::Search),
            ("GET", "Patient/1/Observation", Class::Search),
            ("GET", "Patient", Class::Search),
            ("GET", "Patient?name=a/b", Class::Search),
            ("POST", "Patient/_search", Class::Search),
            ("POST", "Patient", Class::Write),
            ("PATCH", "Patient/1", Class::Write),
            ("DELETE", "Patient?name=a", Class::Write),
            ("SING", "Patient", Class::Read),
        ] {
            assert_eq!(class_of(method, url), class, "{method} {url}");
        }
    }
}
