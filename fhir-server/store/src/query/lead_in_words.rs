//! What leads a search, in words, for the operator who asks how it is answered.

use search::expr::TextTest;

use super::along::{Along, Values};
use super::choose::Lead;
use super::driver::Driver;
use super::source::Source;

/// What finds the candidates, and in which order.
pub(super) fn lead(lead: &Lead) -> String {
    let gathered = lead.gathered.as_ref().map(|it| format!("; gathered before: {}", source(it)));
    format!("{}{}", driver(&lead.driver), gathered.unwrap_or_default())
}

fn driver(driver: &Driver) -> String {
    match driver {
        Driver::PatientTimeline { descending, .. } => {
            format!("one patient's timeline under one key, {}", order("time", *descending))
        }
        Driver::KeyTimeline { descending, .. } => {
            format!("the timeline of one key, {}", order("time", *descending))
        }
        Driver::Set { source: set, descending } => {
            format!("{}, {}", source(set), order("number", *descending))
        }
        Driver::Along(Along { values, descending, .. }) => {
            format!("all that have a value of {}, {}", along(values), order("it", *descending))
        }
        Driver::Recent { from, until, descending } => {
            let bound = match (from, until) {
                (None, None) => "",
                _ => ", those that were changed between the times that are asked for",
            };
            format!("all of the type{bound}, {}", order("_lastUpdated", *descending))
        }
    }
}

fn order(by: &str, descending: bool) -> String {
    format!("by {by}, the {} first", if descending { "last" } else { "first" })
}

fn along(values: &Values) -> String {
    match values {
        Values::Dates { param, .. } => format!("{param:?}"),
        Values::Texts(params) => listed(params),
    }
}

/// A set of candidates.
fn source(of: &Source) -> String {
    match of {
        Source::Identity(ids) => format!("{} named by id", ids.len()),
        Source::Timeline { .. } => "one patient's timeline under one key".to_owned(),
        Source::Keys { plain, timed } => match plain.len() + timed.len() {
            1 => "one key of the index".to_owned(),
            many => format!("{many} keys of the index"),
        },
        Source::Text(params, test) => format!("texts of {} that {}", listed(params), text(test)),
        Source::Date(param, _) => format!("dates of {param:?}"),
        Source::Number(params, _) => format!("numbers of {}", listed(params)),
        Source::Band(_) => "positions in a band of latitudes".to_owned(),
        Source::Chain(link, inner) => {
            format!("what refers by {:?} to a {}: {}", link.param, link.kind, source(inner))
        }
        Source::Has(link, inner) => {
            format!("what {:?} of a {} refers to: {}", link.param, link.kind, source(inner))
        }
        Source::Listed { .. } => "what a List has".to_owned(),
        Source::Union(parts) => parts.iter().map(source).collect::<Vec<_>>().join(" OR "),
    }
}

fn text(test: &TextTest) -> String {
    match test {
        TextTest::Prefix(text) => format!("begin with {text:?}"),
        TextTest::Contains(text) => format!("contain {text:?}"),
        TextTest::Equals(text) => format!("are {text:?}"),
    }
}

fn listed(params: &[search::Param]) -> String {
    let params: Vec<String> = params.iter().map(|param| format!("{param:?}")).collect();
    params.join(", ")
}
