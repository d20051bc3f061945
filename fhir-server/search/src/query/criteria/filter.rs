//! `_filter`: criteria joined by `and`, `or` and `not`. <https://hl7.org/fhir/R4/search_filter.html>

use canonical_model::ResourceType;

use super::operator::Operator;
use super::{Parsed, criterion};
use crate::expr::Expr;
use crate::limits::FILTER_DEPTH_MAX;
use crate::query::parse::{QueryContext, few_enough};
use crate::query::refusal::Refusal;

/// Reads a whole filter.
pub(super) fn filter(
    context: QueryContext<'_>,
    kind: ResourceType,
    text: &str,
    fan: usize,
) -> Parsed {
    let mut reader = Reader { context, kind, fan, text, at: 0, depth: 0, tests: 0 };
    let expr = reader.alternatives()?;
    reader.space();
    if reader.rest().is_empty() { Ok(expr) } else { Err(reader.fault("`and`, `or` or the end")) }
}

struct Reader<'a> {
    context: QueryContext<'a>,
    kind: ResourceType,
    fan: usize,
    text: &'a str,
    at: usize,
    depth: usize,
    /// How many its tests are so far.
    tests: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn fault(&self, expected: &str) -> Refusal {
        let text = format!("expected {expected}");
        Refusal::value("_filter", &text).about(self.rest())
    }

    /// Takes a letter.
    fn sign(&mut self, sign: char) -> bool {
        self.space();
        let found = self.rest().starts_with(sign);
        self.at += if found { sign.len_utf8() } else { 0 };
        found
    }

    /// Takes a word, if it is this one.
    fn word(&mut self, word: &str) -> bool {
        let mark = self.at;
        if self.name() == word {
            return true;
        }
        self.at = mark;
        false
    }

    /// Takes a run of letters up to a space or a parenthesis.
    fn name(&mut self) -> &'a str {
        self.space();
        let rest = self.rest();
        let end = rest.find(|c: char| c.is_whitespace() || "()".contains(c)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn alternatives(&mut self) -> Parsed {
        let mut parts = vec![self.conjunction()?];
        while self.word("or") {
            parts.push(self.conjunction()?);
        }
        Ok(Expr::any(parts))
    }

    fn conjunction(&mut self) -> Parsed {
        let mut parts = vec![self.term()?];
        while self.word("and") {
            parts.push(self.term()?);
        }
        Ok(Expr::all(parts))
    }

    fn term(&mut self) -> Parsed {
        let negated = self.word("not");
        if !self.sign('(') {
            return if negated { Err(self.fault("`(` behind `not`")) } else { self.test() };
        }
        self.depth += 1;
        if self.depth > FILTER_DEPTH_MAX {
            return Err(self.fault("fewer parentheses"));
        }
        let inner = self.alternatives()?;
        if !self.sign(')') {
            return Err(self.fault("`)`"));
        }
        self.depth -= 1;
        Ok(if negated { Expr::Not(Box::new(inner)) } else { inner })
    }

    /// `parameter operator value`.
    fn test(&mut self) -> Parsed {
        self.space();
        let from = self.rest();
        let name = self.name();
        if name.is_empty() || name.contains(['[', ']', ':']) {
            return Err(self.fault("a search parameter, without `[` or `:`,"));
        }
        let operator = self.name();
        let value = self.value()?;
        let test =
            self.compare(name, operator, &value).map_err(|refusal| refusal.about_all(from))?;
        self.tests += test.tests();
        few_enough(self.tests)?;
        Ok(test)
    }

    /// A quoted text, or a run of letters; escaped as a parameter's value is.
    fn value(&mut self) -> Result<String, Refusal> {
        if !self.sign('"') {
            let plain = self.name();
            let value = plain.replace('\\', r"\\").replace(',', r"\,").replace('$', r"\$");
            return if value.is_empty() { Err(self.fault("a value")) } else { Ok(value) };
        }
        let mut out = String::new();
        let mut letters = self.rest().char_indices();
        while let Some((at, letter)) = letters.next() {
            let plain = match letter {
                '"' => {
                    self.at += at + 1;
                    return Ok(out);
                }
                '\\' => letters.next().map_or('\\', |(_, next)| next),
                other => other,
            };
            if "\\,$".contains(plain) {
                out.push('\\');
            }
            out.push(plain);
        }
        Err(self.fault("`\"` behind the value"))
    }

    fn compare(&self, name: &str, operator: &str, value: &str) -> Parsed {
        let as_is = |operator: Operator| self.ask(name, operator, value);
        let named =
            |modifier: &str| self.ask(&format!("{name}:{modifier}"), Operator::OfModifier, value);
        match operator {
            "eq" => as_is(Operator::Equal),
            "ne" => Ok(Expr::Not(Box::new(as_is(Operator::Equal)?))),
            "re" => as_is(Operator::Refers),
            "sw" => as_is(Operator::Begins),
            "po" => as_is(Operator::Overlaps),
            "gt" | "lt" | "ge" | "le" | "ap" | "sa" | "eb" => {
                self.ask(name, Operator::Ordered, &format!("{operator}{value}"))
            }
            "pr" => match value {
                "true" => self.ask(&format!("{name}:missing"), Operator::OfModifier, "false"),
                "false" => self.ask(&format!("{name}:missing"), Operator::OfModifier, "true"),
                _ => Err(self.fault("true or false behind `pr`")),
            },
            "co" => named("contains"),
            "ss" => named("below"),
            "sb" => named("above"),
            "in" => named("in"),
            "ni" => named("not-in"),
            _ => Err(self.fault("an operator such as eq, co or gt before this")),
        }
    }

    /// A filter that lost a part would find what it was to leave out, so nothing is ignored.
    fn ask(&self, name: &str, operator: Operator, value: &str) -> Parsed {
        let context = QueryContext { operator: Some(operator), ..self.context };
        criterion(context, self.kind, name, value, self.fan).map_err(Refusal::hard)
    }
}
