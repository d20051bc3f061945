//! `_content` and `_text` search what a resource says, not how it is written down; a bound is sorted as the
//! number it names.

use anyhow::Result;

use crate::search::check;
use crate::search_values::holding;

#[tokio::test]
async fn words_are_of_elements_and_not_of_json() -> Result<()> {
    let server = holding(&[
        r#"{"resourceType":"Patient","id":"a","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class=\"Blue\">Likes <b>long</b> walks</p></div>"},"name":[{"family":"Übermann"}],"active":true}"#,
        r#"{"resourceType":"Patient","id":"b","contact":[{"name":{"text":"Quote \" and , colon: here"}}],"address":[{"line":["1 < 2","3 > 2 tail"]}]}"#,
    ])
    .await?;
    check(
        &server,
        &[
            ("Patient?_content=übermann", "a"),
            ("Patient?_content=LONG%20übermann", "a"),
            ("Patient?_content=long%20quote", ""),
            ("Patient?_content=walks", "a"),
            ("Patient?_content=Blue", ""),
            ("Patient?_content=div", ""),
            ("Patient?_content=family", ""),
            ("Patient?_content=resourceType", ""),
            ("Patient?_content=%22name%22", ""),
            ("Patient?_content=%22:", ""),
            ("Patient?_content=%22", "b"),
            ("Patient?_content=tail", "b"),
            ("Patient?_content=colon:", "b"),
            ("Patient?_content=%25", ""),
            ("Patient?_text=long%20walks", "a"),
            ("Patient?_text=blue", ""),
            ("Patient?_text=übermann", ""),
            ("Patient?_text=quote", ""),
        ],
    )
    .await
}

#[tokio::test]
async fn a_bound_is_sorted_as_its_number() -> Result<()> {
    let measured = |id: &str, value: &str| {
        format!(
            r#"{{"resourceType":"Observation","id":"{id}","status":"final","code":{{"text":"x"}}{value}}}"#
        )
    };
    let quantity = |value: &str, comparator: &str| {
        let comparator = match comparator {
            "" => String::new(),
            sign => format!(r#","comparator":"{sign}""#),
        };
        format!(
            r#","valueQuantity":{{"value":{value}{comparator},"system":"http://unitsofmeasure.org","code":"mg"}}"#
        )
    };
    let all = [
        measured("four", &quantity("4", "")),
        measured("below-five", &quantity("5", "<")),
        measured("six", &quantity("6", "")),
        measured("above-seven", &quantity("7", ">")),
        measured("eight", &quantity("8", "")),
        measured("none", ""),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    let up = "four,below-five,six,above-seven,eight,none";
    let down = "eight,above-seven,six,below-five,four,none";
    for (sort, expected) in [("value-quantity", up), ("-value-quantity", down)] {
        let mut met = Vec::new();
        let mut next = Some(format!("/Observation?_sort={sort}&_count=2"));
        while let Some(url) = next {
            let page = server.client.get(&url).await?;
            met.push(crate::search::ids(&page));
            next = page.link("next");
        }
        assert_eq!(met.join(","), expected, "{sort}");
    }
    Ok(())
}

#[tokio::test]
async fn words_are_as_they_are_read() -> Result<()> {
    let narrated = |id: &str, inner: &str| {
        format!(
            r#"{{"resourceType":"Patient","id":"{id}","text":{{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\">{inner}</div>"}}}}"#
        )
    };
    let all = [
        narrated("a", "R&amp;D, 3 &lt; 4&nbsp;&gt;&quot;x&quot;, not &amp;lt;"),
        narrated("b", "caf&#233; &#x42;erlin &auml;pfel don&apos;t &#38; &copy; 2020 &mdash; 2020"),
        narrated("c", "Élodie MÜLLER, Tr\u{301}ois, ΣΟΦΙΑ, हिन्दी"),
        narrated(
            "d",
            r#"hel<b>lo</b> <i class=\"x\">wor</i>ld<p title=\"a>wombat\">one</p><p>two</p><!-- se>cret -->"#,
        ),
    ];
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let server = holding(&all).await?;
    for search in ["_text", "_content"] {
        let all = [
            ("R%26D", "a"),
            ("amp", ""),
            ("%3C%204%20%3E%22x%22", "a"),
            ("quot", ""),
            ("nbsp", ""),
            ("%26lt;", "a"),
            ("café", "b"),
            ("CAFE", "b"),
            ("berlin", "b"),
            ("Äpfel%20don't", "b"),
            ("%26%20©", "b"),
            ("—", "b"),
            ("233", ""),
            ("eacute", ""),
            ("elodie%20muller", "c"),
            ("ÉLODIE", "c"),
            ("trois", "c"),
            ("σοφια", "c"),
            ("हिन्दी", "c"),
            ("hello%20world", "d"),
            ("wombat", ""),
            ("secret", ""),
            ("cret", ""),
            ("onetwo", ""),
        ];
        for (words, expected) in all {
            check(&server, &[(&format!("Patient?{search}={words}"), expected)]).await?;
        }
    }
    Ok(())
}
