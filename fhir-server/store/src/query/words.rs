//! `_text` and `_content`: the words of what a resource says, read from the content itself, for full text has no index.

use std::sync::LazyLock;

use search::words::{ACCENTS, named_characters};

use super::filter::Sql;

/// Of a text `{x}` with markup, without comments and tags. Those within a line part no word.
const UNTAGGED: &str = r#"regexp_replace(regexp_replace(regexp_replace({x}, '<!--.*?-->', ' ', 'g'), '</?(?:a|abbr|acronym|b|bdo|big|cite|code|del|dfn|em|font|i|ins|kbd|q|s|samp|small|span|strike|strong|sub|sup|tt|u|var)(?:\s(?:[^<>"'']|"[^"]*"|''[^'']*'')*)?/?>', '', 'g'), '<(?:[^<>"'']|"[^"]*"|''[^'']*'')*>', ' ', 'g')"#;

/// Of a text `{x}`, with the characters in the place of their names and numbers; `{names}` has the names.
const READ: &str = r#"case when strpos({x}, '&') = 0 then {x} else (select string_agg(case when n.code between 1 and 55295 or n.code between 57344 and 1114111 then chr(n.code) when n.code is null then coalesce(({names}) ->> e.m[2], e.m[1]) else ' ' end, '' order by e.n) from regexp_matches({x}, '([^&]+|&(#x[0-9A-Fa-f]{1,6}|#[0-9]{1,7}|[A-Za-z0-9]+);|&)', 'g') with ordinality e (m, n), lateral (select case when e.m[2] like '#x%' then ('x' || lpad(substr(e.m[2], 3), 8, '0'))::bit(32)::int when e.m[2] like '#%' then substr(e.m[2], 2)::int end) n (code)) end"#;

/// Of a text `{x}`, without case and accents, as words are searched.
static FOLDED: LazyLock<String> = LazyLock::new(|| {
    let marks: String =
        ACCENTS.iter().map(|(from, to)| format!("\\u{from:04x}-\\u{to:04x}")).collect();
    format!(
        "lower(case when octet_length({{x}}) = length({{x}}) then {{x}} else \
         regexp_replace(normalize({{x}}, NFKD), '[{marks}]', '', 'g') end)"
    )
});

/// The narrative.
const NARRATIVE: &str = "select {r}.content->'text'->>'div', true";
/// The texts of all elements; neither the names of elements nor the signs of JSON are among them.
const ALL: &str = r#"select t.value #>> '{}', t.value #>> '{}' like '<div%' from jsonb_path_query({r}.content, 'strict $.** ? (@.type() == "string")') t (value)"#;

/// Pushes that each of the words occurs.
pub(super) fn push_words(sql: &mut Sql, r: &str, content: bool, words: &[String]) {
    let texts = if content { ALL } else { NARRATIVE }.replace("{r}", r);
    let (untagged, folded) = (UNTAGGED.replace("{x}", "s.text"), FOLDED.replace("{x}", "j.text"));
    let read = READ.replace("{x}", "u.text");
    let (before, after) = read.split_once("{names}").unwrap_or((&read, ""));
    sql.push("(select not exists (select from unnest(").push_bind(words.to_vec());
    sql.push("::text[]) w (word) where strpos(a.text, w.word) = 0) from (select ").push(folded);
    // Each fence has what it holds worked out once.
    sql.push(
        " from (select coalesce(string_agg(p.text, ' '), '') from (select case when s.markup then ",
    )
    .push(before)
    .push_bind(named_characters())
    .push("::jsonb")
    .push(after)
    .push(format!(
        " else s.text end from ({texts}) s (text, markup), lateral (select case when s.markup then \
             {untagged} end offset 0) u (text)) p (text) offset 0) j (text) offset 0) a (text))"
    ));
}
