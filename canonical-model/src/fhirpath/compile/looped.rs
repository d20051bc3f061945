//! Functions that go on from what they made: `repeat`, `aggregate`, `sort`.

use super::{ANY, Compiler, Typed, distinct};
use crate::Result;
use crate::fhirpath::ast::Expr;
use crate::fhirpath::lex::refuse;
use crate::fhirpath::plan::{Function, Plan, Yields};

/// Types lead to types, a few times at most: then nobody knows them before.
const ROUNDS_MAX: usize = 8;

impl Compiler<'_> {
    pub(super) fn looped(
        &self,
        typed: Typed,
        name: &str,
        arguments: &[Expr],
        at: usize,
        focus: &[crate::json::Text],
    ) -> Result<Typed> {
        if typed.is_nothing() && name != "aggregate" {
            return Ok(typed);
        }
        match (name, arguments) {
            ("repeat", [projection]) => self.repeat(typed, projection),
            ("sort", keys) => {
                let (mut plans, mut downwards) = (Vec::new(), Vec::new());
                for key in keys {
                    let (key, down) = match key {
                        Expr::Negative(key) => (key.as_ref(), true),
                        key => (key, false),
                    };
                    plans.push(self.expr(key, &typed.types)?.plan);
                    downwards.push(down);
                }
                Ok(typed.call(Function::Sort(downwards), plans, Yields::Input))
            }
            ("aggregate", [step, start @ ..]) if start.len() <= 1 => {
                let mut plans = vec![self.expr(step, &typed.types)?.plan];
                for start in start {
                    plans.push(self.expr(start, focus)?.plan);
                }
                let from = if typed.is_nothing() { Plan::Nothing } else { typed.plan };
                let made = Typed { plan: from, types: typed.types };
                let made = made.call(Function::Aggregate, plans, Yields::Input);
                Ok(Typed { types: vec![ANY.into()], ..made })
            }
            _ => Err(refuse(&format!("`{name}` takes other arguments"), at)),
        }
    }

    /// The projection is compiled for all the types that it leads to itself.
    fn repeat(&self, typed: Typed, projection: &Expr) -> Result<Typed> {
        let first = self.expr(projection, &typed.types)?;
        let mut found = first.types.clone();
        let mut plan = first.plan;
        for round in 0..=ROUNDS_MAX {
            let own = if round == ROUNDS_MAX { vec![ANY.into()] } else { typed.types.clone() };
            let all = distinct(own.into_iter().chain(found.iter().cloned()).collect());
            let next = self.expr(projection, &all)?;
            plan = next.plan;
            let more = distinct(found.iter().cloned().chain(next.types).collect());
            if more.len() == found.len() || round == ROUNDS_MAX {
                break;
            }
            found = more;
        }
        let made = typed.call(Function::Repeat, vec![plan], Yields::Input);
        Ok(Typed { types: found, ..made })
    }
}
