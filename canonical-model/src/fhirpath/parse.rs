//! Reads an expression: precedence climbing over tokens, bounded in depth and length.
//! <http://hl7.org/fhirpath/N1/#operator-precedence>

use super::ast::{Expr, Head, Op, Step, StepKind};
use super::lex::{Kind, Token, refuse, tokens};
use super::{moment, quantity};
use crate::Result;
use crate::json::{self, Text, Value};
use crate::limits::FHIRPATH_DEPTH_MAX;

/// The rank of `is` and `as`.
const TYPE_RANK: u8 = 8;

/// Reads an expression.
pub(crate) fn parse(text: &str) -> Result<Expr> {
    let mut parser = Parser { tokens: tokens(text)?, next: 0, end: text.len(), depth: 0 };
    let expr = parser.expression(1)?;
    match parser.tokens.get(parser.next) {
        None => Ok(expr),
        Some(token) => Err(refuse("text after the end of the expression", token.at)),
    }
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    end: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.next).map(|token| &token.kind)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |token| token.at)
    }

    fn is(&self, symbol: &str) -> bool {
        matches!(self.peek(), Some(Kind::Symbol(found)) if *found == symbol)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let found = self.is(symbol);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<()> {
        if self.take(symbol) {
            Ok(())
        } else {
            Err(refuse(&format!("expected `{symbol}`"), self.at()))
        }
    }

    fn expression(&mut self, least: u8) -> Result<Expr> {
        self.depth += 1;
        if self.depth > FHIRPATH_DEPTH_MAX {
            return Err(refuse("nested deeper than 48 levels", self.at()));
        }
        let mut left = self.signed()?;
        loop {
            if let Some(step) = self.type_step(least)? {
                left = left.then(step);
            } else if let Some(op) = self.operator().filter(|op| op.rank() >= least) {
                self.next += 1;
                let right = self.expression(op.rank() + 1)?;
                left = chain(left, op, right);
            } else {
                self.depth -= 1;
                return Ok(left);
            }
        }
    }

    /// `is T` or `as T` here, unless a firmer operator is being read.
    fn type_step(&mut self, least: u8) -> Result<Option<Step>> {
        let at = self.at();
        let filter = match self.peek() {
            Some(Kind::Word(word)) if word == "as" => true,
            Some(Kind::Word(word)) if word == "is" => false,
            _ => return Ok(None),
        };
        if least > TYPE_RANK {
            return Ok(None);
        }
        self.next += 1;
        let name = self.type_name()?;
        let kind = if filter { StepKind::As(name) } else { StepKind::Is(name) };
        Ok(Some(Step { kind, at }))
    }

    /// `Patient`, `FHIR.Patient`, `System.String`.
    fn type_name(&mut self) -> Result<Text> {
        let mut name = self.name()?;
        while self.take(".") {
            name.push('.');
            name.push_str(&self.name()?);
        }
        Ok(name)
    }

    fn name(&mut self) -> Result<Text> {
        match self.peek().cloned() {
            Some(Kind::Word(name) | Kind::Quoted(name)) => {
                self.next += 1;
                Ok(name)
            }
            _ => Err(refuse("expected a name", self.at())),
        }
    }

    fn operator(&self) -> Option<Op> {
        Some(match self.peek()? {
            Kind::Symbol(symbol) => match *symbol {
                "=" => Op::Equal,
                "!=" => Op::NotEqual,
                "~" => Op::Equivalent,
                "!~" => Op::NotEquivalent,
                "<" => Op::Less,
                "<=" => Op::LessOrEqual,
                ">" => Op::Greater,
                ">=" => Op::GreaterOrEqual,
                "|" => Op::Union,
                "+" => Op::Add,
                "-" => Op::Subtract,
                "&" => Op::Concatenate,
                "*" => Op::Multiply,
                "/" => Op::Divide,
                _ => return None,
            },
            Kind::Word(word) => match word.as_str() {
                "and" => Op::And,
                "or" => Op::Or,
                "xor" => Op::Xor,
                "implies" => Op::Implies,
                "in" => Op::In,
                "contains" => Op::Contains,
                "div" => Op::Div,
                "mod" => Op::Mod,
                _ => return None,
            },
            _ => return None,
        })
    }

    fn signed(&mut self) -> Result<Expr> {
        let mut negative = false;
        while self.is("-") || self.is("+") {
            negative ^= self.is("-");
            self.next += 1;
        }
        let expr = self.steps()?;
        Ok(if negative { negate(expr) } else { expr })
    }

    fn steps(&mut self) -> Result<Expr> {
        let mut expr = self.term()?;
        loop {
            let at = self.at();
            let kind = if self.take(".") {
                self.invocation()?
            } else if self.take("[") {
                let index = self.expression(1)?;
                self.expect("]")?;
                StepKind::Item(Box::new(index))
            } else {
                return Ok(expr);
            };
            expr = expr.then(Step { kind, at });
        }
    }

    fn invocation(&mut self) -> Result<StepKind> {
        let name = self.name()?;
        if !self.take("(") {
            return Ok(StepKind::Member(name));
        }
        let mut arguments = Vec::new();
        while !self.take(")") {
            if !arguments.is_empty() {
                self.expect(",")?;
            }
            arguments.push(self.expression(1)?);
        }
        Ok(StepKind::Call(name, arguments))
    }

    fn term(&mut self) -> Result<Expr> {
        let at = self.at();
        let Some(kind) = self.peek().cloned() else {
            return Err(refuse("the expression ends too early", at));
        };
        match &kind {
            Kind::Word(word) if word == "true" => return Ok(self.literal(true.into(), "boolean")),
            Kind::Word(word) if word == "false" => return Ok(self.literal(false.into(), "boolean")),
            Kind::Word(_) | Kind::Quoted(_) => {
                let kind = self.invocation()?;
                return Ok(Expr::Path(Head::Focus, vec![Step { kind, at }]));
            }
            _ => self.next += 1,
        }
        match kind {
            Kind::String(text) => Ok(Expr::Literal(Value::String(text), "string")),
            Kind::Number(text) => self.number(&text, at),
            Kind::Date(text) => date(&text).ok_or_else(|| refuse("not a date or time", at)),
            Kind::Dollar(name) => match name.as_str() {
                "this" => Ok(Expr::Path(Head::This, Vec::new())),
                "index" => Ok(Expr::Path(Head::Index, Vec::new())),
                "total" => Ok(Expr::Path(Head::Total, Vec::new())),
                _ => Err(refuse("expected `$this`, `$index` or `$total`", at)),
            },
            Kind::Percent(name) => Ok(Expr::Path(Head::Variable(name, at), Vec::new())),
            Kind::Symbol("(") => {
                let inner = self.expression(1)?;
                self.expect(")")?;
                Ok(inner)
            }
            Kind::Symbol("{") => self.expect("}").map(|()| Expr::Empty),
            _ => Err(refuse("expected a value, a name or `(`", at)),
        }
    }

    fn literal(&mut self, value: Value, kind: &'static str) -> Expr {
        self.next += 1;
        Expr::Literal(value, kind)
    }

    /// A number, or a quantity where a unit follows.
    fn number(&mut self, text: &str, at: usize) -> Result<Expr> {
        let number = json::parse(text.as_bytes()).map_err(|_| refuse("not a number", at))?;
        let quantity = match self.peek() {
            Some(Kind::String(unit)) => quantity::of(number, unit, true),
            Some(Kind::Word(word)) => match quantity::calendar(word) {
                Some(unit) => quantity::of(number, unit, false),
                None => return Ok(plain(number, text)),
            },
            _ => return Ok(plain(number, text)),
        };
        self.next += 1;
        Ok(Expr::Literal(quantity, "Quantity"))
    }
}

/// A literal takes its sign at once.
fn negate(expr: Expr) -> Expr {
    if let Expr::Literal(quantity @ Value::Object(_), kind) = &expr
        && let Some(negative) = quantity::negative(quantity)
    {
        return Expr::Literal(negative, kind);
    }
    if let Expr::Literal(Value::Number(number), kind) = &expr
        && let Ok(value) = json::parse(format!("-{}", number.as_str()).as_bytes())
    {
        return Expr::Literal(value, kind);
    }
    Expr::Negative(Box::new(expr))
}

fn plain(number: Value, text: &str) -> Expr {
    Expr::Literal(number, if text.contains('.') { "decimal" } else { "integer" })
}

/// `2026-01`, `2026-01-01T12:00:00Z`, `2026T` or `T12:30`.
fn date(text: &str) -> Option<Expr> {
    if let Some(time) = text.strip_prefix('T') {
        moment::is_time(time).then_some(())?;
        return Some(Expr::Literal(time.into(), "time"));
    }
    let kind = if text.contains('T') { "dateTime" } else { "date" };
    let text = text.strip_suffix('T').unwrap_or(text);
    moment::date_time(text)?;
    Some(Expr::Literal(text.into(), kind))
}

fn chain(left: Expr, op: Op, right: Expr) -> Expr {
    match left {
        Expr::Chain(first, mut rest)
            if rest.first().is_some_and(|(o, _)| o.rank() == op.rank()) =>
        {
            rest.push((op, right));
            Expr::Chain(first, rest)
        }
        other => Expr::Chain(Box::new(other), vec![(op, right)]),
    }
}
