//! The guide to searches, docs/search.md, from the tables beside this file and the limits.
//! `cargo xtask docs` writes it.

mod data;

use std::fmt::Write as _;

pub use data::{COMMON, JOINS, KINDS, Kind, MISSING, PLACES, PREFIXES, RESULTS, Row};

use crate::limits;

const HEAD: &str = "\
# Search

What a search of CareBridge may say, with a worked example each. This page is written by `cargo xtask docs` from
the tables beside the code, `fhir-server/search/src/guide`; tests hold them against the reader of queries and
send every example.

Which parameters a type has says `GET [base]/metadata`: all of FHIR R4, with their definitions, and those that
are SearchParameter resources here. Examples stand for `GET [base]/…`; letters such as `|` are percent-encoded on
the wire. They find something in the demo data of `make run`, where it has such; ids such as `1` stand for yours.
Every search may be sent as `POST [type]/_search` too, in a batch or transaction, and as the criteria of conditional
interactions. There is no `$everything` yet: `Patient/[id]/*` finds what belongs to a patient.

In a batch or transaction the entry of a `POST [type]/_search` has its criteria in `request.url`, in a Binary as its
`resource`, with `contentType` `application/x-www-form-urlencoded` and the form in `data`, or in both. Anything else
there, such as Parameters, is refused with 400 that names `Bundle.entry[n].resource`, and so is a `resource` beside a
GET: passed over, more would be found than was asked for.
";

/// What takes `:missing`: what is the value of an element.
const MISSING_ON: &str =
    "all but `_id`, `_lastUpdated`, `_list`, `_text`, `_content`, `_filter`, `_has`";

const HANDLING: &str = "\
## What is not understood

| what | answer |
|---|---|
| an unknown parameter | ignored and named in an OperationOutcome entry; with `Prefer: handling=strict` 400, with near spellings |
| an element of `_elements` that no searched type has, another `_pretty` than true or false | the same: said, or 400 |
| an `_include` from a type that the search does not find, without `:iterate` | the same |
| a field of `_sort` that is unknown or has no order | the whole `_sort` is ignored and that is said, for a part of an order is another order; strict 400 |
| a modifier on `_sort`, `_count` or any other parameter of the answer, or on `_type` | 400 always: they have none |
| an unsupported modifier, a chain through what is no reference | 400 always: without it the answer would be wider |
| a value that its parameter cannot have | 400, naming the parameter |
| `_query` | 400: no named queries are offered |
| more than a limit below | 400 or 413 |
| a parameter whose values are stored sealed | 400, where its values would lie open in an index; so are `_content` and `_text` where they would look there |
| a search beyond its time budget (`search_ms` under `[database]`) | 503 with advice |
| more searches at once by one caller than three quarters of the places for them | they wait for each other, up to 5 s, then 503: others keep the rest |
| a page link that is too old, or another client's | 410, or 400 |

There is no `search.score`: every criterion holds or does not, so no match is better than another.

The self link of a first page holds what was understood, with the `_count` that is kept to. Pages go on from their
last row; `next` and `previous` links, and the self link of every page but the first, are opaque, bound to the client,
and hold for a day. A walk meets each resource that did not change once, whatever is written
meanwhile. What a chain, `_has` or `_list` leads to is judged anew on each page: where that changes meanwhile,
what refers to it may be left out or come in.

## Value sets and hierarchies

`:in`, `:not-in`, `:below` and `:above` on tokens read the ValueSet and CodeSystem resources that are stored, as
far as the caller may search these, and those that FHIR R4 publishes, which are open to all. A stored one comes
before a published one of the same URL. A code without a system, as `Patient.gender`, has that of the value set it
is bound to. What cannot be told is refused with an outcome that names the parameter, as `http.code:in`:

| what | answer |
|---|---|
| a value set or code system that is neither stored nor published; several of one URL, where the search names no version | 422 |
| a code system without all its concepts (SNOMED CT, LOINC), where more than listed codes are needed | 422 |
| a filter other than is-a, descendent-of, is-not-a, generalizes, =, in, not-in and exists | 422 |
| a hierarchy that means something else than is-a; a code that the system does not have | 422 |
| more codes than the limit below; value sets too deep within each other, or too many | 413 |
| a stored one, where the caller may not search ValueSet or CodeSystem | 403, whether it is there or not |

## Explain

`_explain=true` answers Parameters instead: the search as it was understood, in the words of the specification, as
`Patient.birthdate (date) is within 1990 (eq) OR is within 1991 (eq)`; what finds its candidates; its SQL and the database's
account with times. It is for an operator's own client, with the scope `system/*.cruds` and no user; others get 403.
`carebridge admin explain` prints the same.

## Search parameters of your own

POST or PUT a SearchParameter with `status` `active`. It is refused with 422, naming the element, where it could
not be used: an unknown type in `base`, a `code` that the type has already, an `expression` that does not compile,
or yields what its `type` cannot read. Types are number, date, string, token, reference, quantity and uri. So it is
where it has more than 64 KiB, or there are 500 in use or 2,000 active already, not counting those of FHIR's own.

From then on what is written is indexed by it; what was there is indexed in the background. Until that is done a
search that uses it says in an OperationOutcome entry how many percent are; with `Prefer: handling=strict` it
answers 503, and so do conditional interactions, with `Retry-After`. It is in the CapabilityStatement at once. A
parameter that is retired or deleted is not known any more.

A resource that has too many values for such parameters, or over which an expression takes too long, is left out.
A search by the parameter then says that there are such, and conditional interactions that need it answer 422.

While all is indexed anew, by `carebridge admin reindex` or after a release that indexes otherwise, every search says
how far that is, and conditional interactions answer 503 with `Retry-After`: a resource that is not found yet would be
made a second time, or not be changed.

So it is with a resource that has too many values by what a new release indexes, or cannot be read: it keeps its older
index, all searches of its type say so, and `carebridge admin reindex` names it.

";

/// The whole guide, in Markdown.
#[must_use]
pub fn text() -> String {
    let mut out = HEAD.to_owned();
    table(&mut out, "Where to search", PLACES);
    out.push_str("\n## Kinds of parameters\n\n| type | values | prefixes | modifiers | example |\n|---|---|---|---|---|\n");
    for kind in KINDS {
        let names = kind.modifiers.iter().map(|it| format!("`{}`", it.name));
        let names: Vec<String> = names.chain([code(MISSING.name)]).collect();
        line(
            &mut out,
            &[
                kind.kind.as_str(),
                kind.text,
                if kind.prefixes { "yes" } else { "" },
                &names.join(" "),
                &code(kind.example),
            ],
        );
    }
    out.push_str("\n## Modifiers\n\n| modifier | on | finds | example |\n|---|---|---|---|\n");
    line(&mut out, &[&code(MISSING.name), MISSING_ON, MISSING.text, &code(MISSING.example)]);
    for kind in KINDS {
        for it in kind.modifiers {
            line(&mut out, &[&code(it.name), kind.kind.as_str(), it.text, &code(it.example)]);
        }
    }
    table(&mut out, "Prefixes of numbers, dates and quantities", PREFIXES);
    table(&mut out, "Parameters of every type", COMMON);
    table(&mut out, "Joining criteria", JOINS);
    table(&mut out, "Shaping the answer", RESULTS);
    out.push('\n');
    out.push_str(HANDLING);
    out.push_str("## Limits\n\n| limit | of |\n|---|---|\n");
    for (limit, text) in limits() {
        line(&mut out, &[&limit.to_string(), text]);
    }
    out
}

/// The requests of all examples, each below the FHIR base.
pub fn examples() -> impl Iterator<Item = &'static str> {
    let kinds = KINDS.iter().flat_map(|kind| {
        std::iter::once(kind.example).chain(kind.modifiers.iter().map(|it| it.example))
    });
    let tables = [PLACES, PREFIXES, COMMON, JOINS, RESULTS];
    let rows = tables.into_iter().flatten().map(|row| row.example);
    kinds.chain([MISSING.example]).chain(rows)
}

fn limits() -> [(usize, &'static str); 17] {
    [
        (limits::COUNT_DEFAULT, "matches on a page, where `_count` says nothing"),
        (limits::COUNT_MAX, "matches on a page; a greater `_count` is lowered to it"),
        (limits::QUERY_BYTES_MAX, "bytes of a query string"),
        (limits::PARAMS_MAX, "parameters of a query"),
        (limits::OR_VALUES_MAX, "values of a parameter, with commas between them"),
        (limits::TESTS_MAX, "values of a query, all parameters and types together"),
        (limits::CONCEPTS_MAX, "codes that one value may mean by a value set or a hierarchy"),
        (limits::CHAIN_DEPTH_MAX, "links of a chain"),
        (limits::FILTER_DEPTH_MAX, "parentheses of a `_filter` within each other"),
        (
            limits::STRING_BYTES_MAX,
            "bytes of a text that are compared, in lower case and without accents; what is behind them is \
             compared by `:exact` only",
        ),
        (limits::SORT_FIELDS_MAX, "fields of `_sort`"),
        (limits::INCLUDES_MAX, "includes, all types of a wildcard together"),
        (
            limits::INCLUDED_MAX,
            "resources that includes add to a page; more are left out, and that is said",
        ),
        (
            limits::ENTRIES_MAX,
            "values that one resource is found by; one with more is refused with 422",
        ),
        (
            limits::TIED_ELEMENTS_MAX,
            "elements of a resource that a composite of two ranges tells apart; one with more is refused",
        ),
        (limits::CUSTOMS_MAX, "active search parameters of your own"),
        (
            limits::CUSTOM_ENTRIES_MAX,
            "values that one resource is found by in all of those together",
        ),
    ]
}

fn table(out: &mut String, title: &str, rows: &[Row]) {
    out.push_str(&format!("\n## {title}\n\n| | finds | example |\n|---|---|---|\n"));
    for it in rows {
        let name = if it.name.contains('`') { it.name.to_owned() } else { code(it.name) };
        line(out, &[&name, it.text, &code(it.example)]);
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A row of a table. A `|` would end its cell.
fn line(out: &mut String, cells: &[&str]) {
    for cell in cells {
        // Writing to a text does not fail.
        write!(out, "| {} ", cell.replace('|', "\\|")).unwrap_or_default();
    }
    out.push_str("|\n");
}
