//! The same as a table for a program (RFC 4180), of the whole period.

use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::line::{Line, Words};
use super::{Asked, Reading};
use crate::limits::RECORD_LINES_MAX;
use crate::page::Stop;

const HEAD: &str = "when (UTC),who,through,what,purpose\r\n";
/// What a table ends with that could not have all.
const MORE: &str = "There are older ones: ask for a shorter period.";

/// The table, as a file to be kept.
pub(super) async fn answer(reading: &Reading<'_>, asked: &Asked) -> Result<Response, Stop> {
    let mut text = HEAD.to_owned();
    for line in lines(reading, asked).await? {
        let Line { when, who, app, what, why } = &line;
        let cells = [when, who, app, what, why].map(|text| cell(text));
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    let mut response = (StatusCode::OK, text).into_response();
    let headers = response.headers_mut();
    headers
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    let name = HeaderValue::from_static("attachment; filename=\"who-saw-the-record.csv\"");
    headers.insert(CONTENT_DISPOSITION, name);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// All lines, or as many as a table has. To take them is one look, recorded as one.
async fn lines(reading: &Reading<'_>, asked: &Asked) -> Result<Vec<Line>, Stop> {
    let (rows, next) = reading.all(asked, RECORD_LINES_MAX).await?;
    let mut words = Words::new(reading.auth, reading.whose, reading.signed);
    let looking = reading.looking()?;
    for some in rows.chunks(NAMES_AT_ONCE) {
        words.learn(&looking, some).await?;
    }
    let mut lines: Vec<Line> = rows.iter().map(|row| words.line(row)).collect();
    if next {
        let nothing = String::new;
        lines.push(Line {
            when: nothing(),
            who: nothing(),
            app: nothing(),
            what: MORE.into(),
            why: nothing(),
        });
    }
    Ok(lines)
}

/// Rows whose names are looked up together: a search has no more values.
const NAMES_AT_ONCE: usize = 200;

/// A cell. What a spreadsheet would take for a formula is a text: names are what others say.
fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_owned() };
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_a_text() {
        for (text, written) in [
            ("Clara Example", "\"Clara Example\""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=HYPERLINK(1)", "\"'=HYPERLINK(1)\""),
            ("@x", "\"'@x\""),
            ("", "\"\""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
