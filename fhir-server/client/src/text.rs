//! Sentences for people.

/// A number of things: `1 file`, `2 files`.
pub(crate) fn counted(n: u64, thing: &str) -> String {
    match n {
        1 => format!("1 {thing}"),
        _ => format!("{n} {thing}s"),
    }
}

/// An error and what caused it as one sentence; a cause that was named already is not named again.
#[must_use]
pub fn sentence(error: &anyhow::Error) -> String {
    let said = error.chain().fold(String::new(), |said, cause| {
        let cause = cause.to_string();
        match said.trim_end_matches('.') {
            "" => cause,
            _ if said.contains(&cause) => said,
            said => format!("{said}: {cause}"),
        }
    });
    ended(said)
}

/// A text with an end.
pub(crate) fn ended(mut text: String) -> String {
    if !text.ends_with(['.', '!', '?', '…']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[test]
    fn sentences_have_one_end() {
        for (error, expected) in [
            (
                anyhow!("No such file").context("x cannot be read."),
                "x cannot be read: No such file.",
            ),
            (anyhow!("No such file.").context("Reading x"), "Reading x: No such file."),
            (anyhow!("full").context("Is full."), "Is full."),
        ] {
            assert_eq!(sentence(&error), expected);
        }
        assert_eq!(
            counted(0, "file") + &counted(1, "file") + &counted(2, "file"),
            "0 files1 file2 files"
        );
    }
}
