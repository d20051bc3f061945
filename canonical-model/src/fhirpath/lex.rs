//! Cuts an expression into tokens. <http://hl7.org/fhirpath/N1/#lexical-elements>

use crate::json::Text;
use crate::limits::{FHIRPATH_BYTES_MAX, FHIRPATH_TOKENS_MAX};
use crate::{Error, Result};

/// One token and the byte where it begins.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) at: usize,
}

/// The kinds of token.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A name or a word operator.
    Word(Text),
    /// A name in backticks: never an operator.
    Quoted(Text),
    /// A string.
    String(Text),
    /// A number's text.
    Number(Text),
    /// What stands behind `@`.
    Date(Text),
    /// `$this`, without the sign.
    Dollar(Text),
    /// `%resource`, without the sign.
    Percent(Text),
    /// An operator or bracket.
    Symbol(&'static str),
}

/// The longer ones first.
const SYMBOLS: [&str; 22] = [
    "<=", ">=", "!=", "!~", "(", ")", "[", "]", "{", "}", ".", ",", "|", "=", "~", "<", ">", "+",
    "-", "*", "/", "&",
];

/// A refusal that names the place, counted in bytes from 1.
pub(crate) fn refuse(what: &str, at: usize) -> Error {
    Error::invalid(format!("FHIRPath: {what}, at position {}", at + 1))
}

/// The tokens of an expression.
pub(crate) fn tokens(text: &str) -> Result<Vec<Token>> {
    if text.len() > FHIRPATH_BYTES_MAX {
        return Err(refuse("the expression is longer than 16 KiB", FHIRPATH_BYTES_MAX));
    }
    let mut lexer = Lexer { text, at: 0 };
    let mut out = Vec::new();
    while let Some(token) = lexer.next()? {
        if out.len() >= FHIRPATH_TOKENS_MAX {
            return Err(refuse("the expression has more than 4096 parts", token.at));
        }
        out.push(token);
    }
    Ok(out)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn starts(&self, prefix: &str) -> bool {
        self.rest().starts_with(prefix)
    }

    /// Takes the characters that pass.
    fn run(&mut self, pass: impl Fn(char) -> bool) -> Text {
        let rest = self.rest();
        let end = rest.find(|c| !pass(c)).unwrap_or(rest.len());
        let taken = Text::from(rest.get(..end).unwrap_or_default());
        self.at += end;
        taken
    }

    fn blank(&mut self) -> Result<()> {
        loop {
            self.run(char::is_whitespace);
            if self.starts("//") {
                self.run(|c| c != '\n' && c != '\r');
            } else if self.starts("/*") {
                let length = self.rest().find("*/");
                self.at += length.ok_or_else(|| refuse("a comment without its end", self.at))? + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn next(&mut self) -> Result<Option<Token>> {
        self.blank()?;
        let at = self.at;
        let Some(first) = self.peek() else { return Ok(None) };
        let kind = match first {
            'A'..='Z' | 'a'..='z' | '_' => Kind::Word(self.word()),
            '0'..='9' => Kind::Number(self.number()),
            '\'' => Kind::String(self.quoted('\'')?),
            '`' => Kind::Quoted(self.quoted('`')?),
            '@' => {
                self.at += 1;
                Kind::Date(self.date())
            }
            '$' => {
                self.at += 1;
                Kind::Dollar(self.word())
            }
            '%' => {
                self.at += 1;
                Kind::Percent(match self.peek() {
                    Some(quote @ ('`' | '\'')) => self.quoted(quote)?,
                    _ => self.run(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-'),
                })
            }
            _ => Kind::Symbol(self.symbol()?),
        };
        Ok(Some(Token { kind, at }))
    }

    fn word(&mut self) -> Text {
        self.run(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    /// Digits, and a point only where a digit follows: `1.5`, but `1.toString()` is a call.
    fn number(&mut self) -> Text {
        let mut number = self.run(|c| c.is_ascii_digit());
        let mut rest = self.rest().chars();
        if rest.next() == Some('.') && rest.next().is_some_and(|c| c.is_ascii_digit()) {
            self.at += 1;
            number.push('.');
            number.push_str(&self.run(|c| c.is_ascii_digit()));
        }
        number
    }

    /// A date ends where its form ends: `@2026-01-01.day` has a step behind it.
    fn date(&mut self) -> Text {
        let mut text = self.run(|c| c.is_ascii_digit() || c == '-');
        if self.starts("T") {
            text.push_str(&self.run(|c| c.is_ascii_digit() || matches!(c, 'T' | ':')));
            let mut rest = self.rest().chars();
            if rest.next() == Some('.') && rest.next().is_some_and(|c| c.is_ascii_digit()) {
                self.at += 1;
                text.push('.');
                text.push_str(&self.run(|c| c.is_ascii_digit()));
            }
            if self.starts("Z") || self.starts("+") || self.starts("-") {
                text.push_str(
                    &self.run(|c| c.is_ascii_digit() || matches!(c, 'Z' | '+' | '-' | ':')),
                );
            }
        }
        text
    }

    fn quoted(&mut self, quote: char) -> Result<Text> {
        let start = self.at;
        self.at += 1;
        let mut out = Text::default();
        loop {
            out.push_str(&self.run(|c| c != quote && c != '\\'));
            match self.peek() {
                None => return Err(refuse("a text without its closing quote", start)),
                Some('\\') => out.push(self.escape()?),
                Some(_) => {
                    self.at += 1;
                    return Ok(out);
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let start = self.at;
        self.at += 1;
        let letter = self.peek().ok_or_else(|| refuse("an unknown escape", start))?;
        self.at += letter.len_utf8();
        let unknown = || refuse("an unknown escape", start);
        Ok(match letter {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'f' => '\u{c}',
            '\'' | '"' | '`' | '\\' | '/' => letter,
            'u' => {
                let hex = self.rest().get(..4).ok_or_else(unknown)?;
                let point = u32::from_str_radix(hex, 16).map_err(|_| unknown())?;
                self.at += 4;
                char::from_u32(point).ok_or_else(unknown)?
            }
            _ => return Err(unknown()),
        })
    }

    fn symbol(&mut self) -> Result<&'static str> {
        let found = SYMBOLS.into_iter().find(|symbol| self.starts(symbol));
        let symbol = found.ok_or_else(|| refuse("a character that has no place here", self.at))?;
        self.at += symbol.len();
        Ok(symbol)
    }
}
