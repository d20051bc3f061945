//! Comma-separated values with quotes. <https://www.rfc-editor.org/rfc/rfc4180>

use canonical_model::Result;

use super::lines::Lines;
use crate::limits::LINE_BYTES_MAX;

/// The next record; a quoted field may have line ends in it.
pub(super) fn record(lines: &mut Lines<'_>) -> Result<Option<Vec<String>>> {
    let Some(first) = lines.next()? else { return Ok(None) };
    let mut text = first.to_owned();
    // A field goes on while its quotes are not closed.
    while text.matches('"').count() % 2 == 1 {
        if text.len() > LINE_BYTES_MAX {
            return Err(lines.fault("a quote is not closed"));
        }
        match lines.next()? {
            Some(more) => {
                text.push('\n');
                text.push_str(more);
            }
            None => return Err(lines.fault("a quote is not closed")),
        }
    }
    Ok(Some(fields(&text)))
}

fn fields(text: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '"' if quoted && letters.peek() == Some(&'"') => {
                letters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            other => field.push(other),
        }
    }
    fields.push(field);
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields() {
        let text = "a,\"b, \"\"c\"\"\nd\",,e\nnext\n";
        let mut lines = Lines::new("f", Box::new(text.as_bytes()));
        let first = record(&mut lines).expect("read").expect("a record");
        assert_eq!(first, ["a", "b, \"c\"\nd", "", "e"]);
        assert_eq!(record(&mut lines).expect("read"), Some(vec!["next".to_owned()]));
        assert_eq!(record(&mut lines).expect("read"), None);
        let mut open = Lines::new("f", Box::new("a,\"b\n".as_bytes()));
        assert!(record(&mut open).is_err());
    }
}
