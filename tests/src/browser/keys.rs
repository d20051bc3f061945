//! Keys, as somebody presses them.

use serde_json::{Value, json};

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Press {
    /// To the next field.
    Tab,
    /// Sends, follows.
    Enter,
    /// Ticks, opens.
    Space,
    /// Marks all of a field.
    All,
    /// Takes away what is marked, or the sign before.
    Erase,
}

impl Press {
    /// Down and up, as the protocol has them.
    pub(super) fn events(self) -> [Value; 2] {
        let (key, code, number, text, modifiers) = match self {
            Self::Tab => ("Tab", "Tab", 9, "", 0),
            Self::Enter => ("Enter", "Enter", 13, "\r", 0),
            Self::Space => (" ", "Space", 32, " ", 0),
            Self::Erase => ("Backspace", "Backspace", 8, "", 0),
            Self::All => ("a", "KeyA", 65, "", 2),
        };
        let of = |kind: &str| {
            json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number,
                "modifiers": modifiers })
        };
        let (mut down, up) =
            (of(if text.is_empty() { "rawKeyDown" } else { "keyDown" }), of("keyUp"));
        if let Some(members) = down.as_object_mut() {
            if !text.is_empty() {
                members.insert("text".to_owned(), text.into());
            }
            if self == Self::All {
                members.insert("commands".to_owned(), json!(["selectAll"]));
            }
        }
        [down, up]
    }
}
