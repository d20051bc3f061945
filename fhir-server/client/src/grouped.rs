//! Single resources made one request.

use crate::input::units::Item;

/// A Bundle of PUTs for resources with an id and POSTs for the others, around their exact text.
pub(crate) fn bundle_of(kind: &str, items: &[&Item]) -> Vec<u8> {
    let size: usize = items.iter().map(|item| item.text.len() + 200).sum();
    let mut out = Vec::with_capacity(size + 100);
    out.extend_from_slice(br#"{"resourceType":"Bundle","type":""#);
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(br#"","entry":["#);
    for (n, item) in items.iter().enumerate() {
        out.extend_from_slice(if n == 0 { b"{" } else { b",{" });
        if let Some(full_url) = &item.full_url {
            out.extend_from_slice(br#""fullUrl":"#);
            out.extend_from_slice(full_url.as_bytes());
            out.push(b',');
        }
        out.extend_from_slice(br#""resource":"#);
        out.extend_from_slice(item.text.as_bytes());
        // Type and id were checked to hold letters, digits, - and . only.
        let request = match &item.id {
            Some(id) => format!(r#"{{"method":"PUT","url":"{}/{id}"}}"#, item.kind),
            None => format!(r#"{{"method":"POST","url":"{}"}}"#, item.kind),
        };
        out.extend_from_slice(br#","request":"#);
        out.extend_from_slice(request.as_bytes());
        out.push(b'}');
    }
    out.extend_from_slice(b"]}");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bundles_hold_the_exact_text() {
        let item = |text: &str, id: Option<&str>, full_url: Option<&str>| Item {
            text: text.to_owned(),
            kind: "Basic".to_owned(),
            id: id.map(str::to_owned),
            full_url: full_url.map(str::to_owned),
            at: String::new(),
        };
        let items = [
            item(r#"{"x":1.50}"#, Some("a"), None),
            item(r#"{"x":1e2}"#, None, Some(r#""urn:uuid:1""#)),
        ];
        let expected = concat!(
            r#"{"resourceType":"Bundle","type":"batch","entry":["#,
            r#"{"resource":{"x":1.50},"request":{"method":"PUT","url":"Basic/a"}},"#,
            r#"{"fullUrl":"urn:uuid:1","resource":{"x":1e2},"#,
            r#""request":{"method":"POST","url":"Basic"}}]}"#
        );
        let bundle = bundle_of("batch", &items.each_ref());
        assert_eq!(String::from_utf8(bundle).unwrap(), expected);
    }
}
