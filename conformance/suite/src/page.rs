//! The forms of a page, as a browser without scripts sees them; nothing else of HTML is read.
//! <https://html.spec.whatwg.org/multipage/forms.html>

/// A form.
#[derive(Debug, Default)]
pub(crate) struct Form {
    /// Where it is sent; nothing is the page itself.
    pub(crate) action: String,
    /// Whether it is posted.
    pub(crate) post: bool,
    pub(crate) fields: Vec<Field>,
    /// Names and values of the buttons that send it.
    pub(crate) buttons: Vec<(String, String)>,
}

/// A field that has a name.
#[derive(Debug, Default)]
pub(crate) struct Field {
    pub(crate) name: String,
    /// As `hidden`, `checkbox`; in small letters.
    pub(crate) kind: String,
    pub(crate) value: String,
    pub(crate) checked: bool,
}

impl Form {
    /// Whether one of its fields is of the kind.
    pub(crate) fn has(&self, kind: &str) -> bool {
        self.fields.iter().any(|field| field.kind == kind)
    }

    /// Whether somebody is to write into it.
    pub(crate) fn asks(&self) -> bool {
        self.fields
            .iter()
            .any(|field| !matches!(field.kind.as_str(), "hidden" | "checkbox" | "radio"))
    }
}

/// The forms of a page, in their order.
pub(crate) fn forms(html: &str) -> Vec<Form> {
    let mut forms: Vec<Form> = Vec::new();
    let mut inside = false;
    for tag in tags(html) {
        let (name, attributes) = tag.split_once(char::is_whitespace).unwrap_or((tag, ""));
        let of = |name: &str| attribute(attributes, name);
        match name.to_ascii_lowercase().as_str() {
            "form" => {
                let post = of("method").is_some_and(|it| it.eq_ignore_ascii_case("post"));
                let action = of("action").unwrap_or_default();
                forms.push(Form { action, post, ..Form::default() });
                inside = true;
            }
            "/form" => inside = false,
            "input" if inside => {
                let kind = of("type").unwrap_or_else(|| "text".to_owned()).to_ascii_lowercase();
                let (name, value) =
                    (of("name").unwrap_or_default(), of("value").unwrap_or_default());
                let checked = of("checked").is_some();
                let Some(form) = forms.last_mut() else { continue };
                match kind.as_str() {
                    "submit" => form.buttons.push((name, value)),
                    _ if name.is_empty() => {}
                    _ => form.fields.push(Field { name, kind, value, checked }),
                }
            }
            "button" if inside => {
                let sends = of("type").is_none_or(|it| it.eq_ignore_ascii_case("submit"));
                let button = (of("name").unwrap_or_default(), of("value").unwrap_or_default());
                if let Some(form) = forms.last_mut().filter(|_| sends) {
                    form.buttons.push(button);
                }
            }
            _ => {}
        }
    }
    forms
}

/// What stands between `<` and `>`, but for what is quoted there.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| {
        let mut quote = None;
        let end = rest.find(|it| match (quote, it) {
            (None, '>') => true,
            (None, '"' | '\'') => {
                quote = Some(it);
                false
            }
            (Some(open), _) if open == it => {
                quote = None;
                false
            }
            _ => false,
        })?;
        rest.get(..end)
    })
}

/// An attribute's value, its entities undone; empty where it has none.
fn attribute(attributes: &str, wanted: &str) -> Option<String> {
    let mut rest = attributes.trim_start_matches(|it: char| it.is_whitespace() || it == '/');
    while !rest.is_empty() {
        let end = rest.find(|it: char| it.is_whitespace() || it == '=' || it == '/');
        let (name, after) = rest.split_at(end.unwrap_or(rest.len()));
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('=') {
            None => ("", after),
            Some(after) => value(after.trim_start()),
        };
        if name.eq_ignore_ascii_case(wanted) {
            return Some(plain(value));
        }
        let next = after.trim_start_matches(|it: char| it.is_whitespace() || it == '/');
        // What is no attribute is passed over, a character at least.
        rest = if next.len() < rest.len() { next } else { rest.get(1..).unwrap_or_default() };
    }
    None
}

/// A value and what follows it.
fn value(text: &str) -> (&str, &str) {
    let quoted = |quote: char| text.strip_prefix(quote).and_then(|rest| rest.split_once(quote));
    quoted('"')
        .or_else(|| quoted('\''))
        .unwrap_or_else(|| text.split_at(text.find(char::is_whitespace).unwrap_or(text.len())))
}

/// Undoes the entities that templates write.
fn plain(text: &str) -> String {
    const ENTITIES: [(&str, &str); 11] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#x2F;", "/"),
        ("&#38;", "&"),
        ("&amp;", "&"), // last, so that nothing is undone twice
    ];
    ENTITIES.iter().fold(text.to_owned(), |text, (coded, plain)| text.replace(coded, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_a_browser_does() {
        let html = r#"<p>a > b</p><form method=POST action="/a?x=1&amp;y=2">
            <input type="hidden" name="t" value="1 &gt; 0"><INPUT name='login' required>
            <input type=checkbox name="scope" value="s" checked/><input name="">
            <button name="decision" value="allow">Yes</button><button type="button">No</button>
            </form><input name="outside"><form action="/b"></form>"#;
        let forms = forms(html);
        let [first, second] = forms.as_slice() else { panic!("{forms:?}") };
        assert_eq!((first.action.as_str(), first.post), ("/a?x=1&y=2", true));
        let fields: Vec<_> = first
            .fields
            .iter()
            .map(|it| (it.kind.as_str(), it.name.as_str(), it.value.as_str(), it.checked))
            .collect();
        assert_eq!(
            fields,
            [
                ("hidden", "t", "1 > 0", false),
                ("text", "login", "", false),
                ("checkbox", "scope", "s", true)
            ]
        );
        assert_eq!(first.buttons, [("decision".to_owned(), "allow".to_owned())]);
        assert!(first.asks() && first.has("checkbox"));
        assert_eq!((second.action.as_str(), second.post, second.fields.len()), ("/b", false, 0));
    }
}
