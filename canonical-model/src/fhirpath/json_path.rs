//! A compiled expression as SQL's JSON paths, where it is no more than steps down.
//! <https://www.postgresql.org/docs/current/functions-json.html#FUNCTIONS-SQLJSON-PATH>

use super::ast::Op;
use super::plan::{Function, Plan, Step};
use crate::json::{Text, Value, write_string};

/// Where items are: a JSON path, in lax mode, and their type.
pub type Column = (String, Text);

/// The columns of a plan over a root; `None` where it does more than JSON paths can.
pub(super) fn columns(plan: &Plan, root: &str) -> Option<Vec<Column>> {
    match plan {
        Plan::Nothing => Some(Vec::new()),
        Plan::Focus | Plan::Root | Plan::Context | Plan::Container => {
            Some(vec![("$".to_owned(), root.into())])
        }
        Plan::Union(parts) => {
            let parts = parts.iter().map(|part| columns(part, root));
            Some(parts.collect::<Option<Vec<_>>>()?.concat())
        }
        Plan::Path(from, steps) => steps.iter().try_fold(columns(from, root)?, apply),
        Plan::Index | Plan::Total | Plan::Constant(..) => None,
        Plan::Call(..) | Plan::Fold(..) | Plan::If(_) => None,
    }
}

/// The keys of the root that a plan yields; `None` where it goes further than one step down.
pub(super) fn children(plan: &Plan) -> Option<Vec<&str>> {
    match plan {
        Plan::Union(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(children).collect();
            Some(parts?.concat())
        }
        Plan::Path(from, steps)
            if matches!(**from, Plan::Focus | Plan::Root | Plan::Context | Plan::Container) =>
        {
            let (Step::Child(arms), rest) = steps.split_first()? else { return None };
            let narrows = rest.iter().all(|step| matches!(step, Step::OfType(_)));
            let keys = arms.iter().flat_map(|arm| &arm.keys).map(|key| &*key.name);
            narrows.then(|| keys.collect())
        }
        _ => None,
    }
}

fn apply(columns: Vec<Column>, step: &Step) -> Option<Vec<Column>> {
    match step {
        Step::Child(arms) => {
            let down = |(path, kind): &Column| {
                let fits = |parent: &Option<Text>| parent.as_ref().is_none_or(|p| p == kind);
                let arms = arms.iter().filter(|arm| fits(&arm.parent));
                let keys = arms.flat_map(|arm| &arm.keys);
                keys.map(|key| (format!("{path}.{}", quoted(&key.name)), key.kind.clone()))
                    .collect::<Vec<_>>()
            };
            Some(columns.iter().flat_map(down).collect())
        }
        Step::OfType(test) => {
            Some(columns.into_iter().filter(|(_, kind)| test.allows(kind)).collect())
        }
        Step::Where(criterion) => {
            let test = test(criterion)?;
            Some(
                columns
                    .into_iter()
                    .map(|(path, kind)| (format!("{path} ? ({test})"), kind))
                    .collect(),
            )
        }
        Step::Named(..) | Step::OfKind(..) => None,
        Step::Extension(_) | Step::Select(_) | Step::Resolve => None,
    }
}

/// `name = 'text'`, or `resolve() is Type`.
fn test(criterion: &Plan) -> Option<String> {
    match criterion {
        Plan::Fold(left, rest) => {
            let (Plan::Path(from, steps), [(Op::Equal, Plan::Constant(Value::String(text), _))]) =
                (left.as_ref(), rest.as_slice())
            else {
                return None;
            };
            let ([Step::Child(arms)], Plan::Focus) = (steps.as_slice(), from.as_ref()) else {
                return None;
            };
            let key = arms.first()?.keys.first()?;
            Some(format!("@.{} == {}", quoted(&key.name), quoted(text)))
        }
        Plan::Call(from, Function::Is(types), _) => {
            let (Plan::Path(from, steps), [kind]) = (from.as_ref(), types.names.as_slice()) else {
                return None;
            };
            let is_reference =
                matches!((from.as_ref(), steps.as_slice()), (Plan::Focus, [Step::Resolve]));
            is_reference.then(|| format!("@.reference starts with {}", quoted(&format!("{kind}/"))))
        }
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    write_string(text, &mut out);
    out
}
