//! One range of the bytes of a Binary's own content: a viewer wants a part, a broken download its rest.
//! <https://www.rfc-editor.org/rfc/rfc9110#section-14>

use std::ops::Range;

/// What a request wants of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Whole,
    Some(Range<u64>),
    /// Nothing of it is there.
    Beyond,
}

impl Part {
    /// Reads `Range` for so many bytes. What is not one range of bytes asks for the whole.
    pub(crate) fn of(header: Option<&str>, size: u64) -> Self {
        let range = header.and_then(|header| header.trim().strip_prefix("bytes="));
        let Some((first, last)) = range.and_then(|range| range.split_once('-')) else {
            return Self::Whole;
        };
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            digits.then(|| text.parse().unwrap_or(u64::MAX))
        };
        let range = match (first.trim(), last.trim()) {
            ("", last) => match number(last) {
                Some(count) => size.saturating_sub(count)..size,
                None => return Self::Whole,
            },
            (first, "") => match number(first) {
                Some(first) => first..size,
                None => return Self::Whole,
            },
            (first, last) => match (number(first), number(last)) {
                (Some(first), Some(last)) if first <= last => {
                    first..last.saturating_add(1).min(size)
                }
                _ => return Self::Whole,
            },
        };
        if range.is_empty() { Self::Beyond } else { Self::Some(range) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_range_of_bytes_is_read() {
        for (header, size, expected) in [
            (None, 10, Part::Whole),
            (Some("bytes=0-3"), 10, Part::Some(0..4)),
            (Some("bytes=3-"), 10, Part::Some(3..10)),
            (Some("bytes=-3"), 10, Part::Some(7..10)),
            (Some("bytes=-30"), 10, Part::Some(0..10)),
            (Some("bytes=9-99999999999999999999999"), 10, Part::Some(9..10)),
            (Some("bytes=10-"), 10, Part::Beyond),
            (Some("bytes=10-12"), 10, Part::Beyond),
            (Some("bytes=-0"), 10, Part::Beyond),
            (Some("bytes=0-"), 0, Part::Beyond),
            (Some("bytes=5-3"), 10, Part::Whole),
            (Some("bytes=0-1,3-4"), 10, Part::Whole),
            (Some("bytes=+1-2"), 10, Part::Whole),
            (Some("bytes=-"), 10, Part::Whole),
            (Some("lines=1-2"), 10, Part::Whole),
        ] {
            assert_eq!(Part::of(header, size), expected, "{header:?} of {size}");
        }
    }
}
