//! What an access demands of a head, as SQL.

use access::Condition;
use canonical_model::{Error, Result};
use search::Expr;
use sqlx::postgres::PgArguments;
use sqlx::{Arguments, Postgres};

use super::consent::push_denials;
use super::filter::Sql;
use super::own;
use super::source::conjuncts;
use crate::limits::KIN_COMPARED_MAX;
use crate::reach::{Arm, Kin, Reach, Ways};

/// Pushes ` and …`: what must hold of the head of this name.
pub(crate) fn push(sql: &mut Sql, r: &str, reach: &Reach) {
    push_beside(sql, r, reach, &Expr::And(Vec::new()));
}

/// The same where the head must pass this filter too: what both say is tested once.
pub(super) fn push_beside(sql: &mut Sql, r: &str, reach: &Reach, filter: &Expr) {
    match reach {
        Reach::Everything => {}
        Reach::Nothing => {
            sql.push(" and false");
        }
        Reach::Patients(owners) => {
            sql.push(format!(" and {r}.patients && ")).push_bind(owners.clone());
        }
        Reach::Where(Ways { arms, labels, denials }) => {
            push_arms(sql, r, arms, filter);
            push_labels(sql, r, labels);
            if let Some(denials) = denials {
                push_denials(sql, r, denials);
            }
        }
    }
}

/// That no label withholds it.
fn push_labels(sql: &mut Sql, r: &str, labels: &[i64]) {
    if !labels.is_empty() {
        sql.push(format!(" and not ({r}.keys && ")).push_bind(labels.to_vec()).push(")");
    }
}

fn push_arms(sql: &mut Sql, r: &str, arms: &[Arm], filter: &Expr) {
    if let [Arm { owners: None, related: None, when: None }] = arms {
        return;
    }
    let (said, only) = (conjuncts(filter), arms.len() == 1);
    sql.push(" and (");
    for (n, arm) in arms.iter().enumerate() {
        sql.push(if n > 0 { " or " } else { "" });
        let told = |part: &Expr| only && said.contains(&part);
        push_arm(sql, r, arm, told);
    }
    sql.push(")");
}

fn push_arm(sql: &mut Sql, r: &str, arm: &Arm, told: impl Fn(&Expr) -> bool) {
    sql.push("(true");
    if let Some(owners) = &arm.owners {
        sql.push(format!(" and {r}.patients && ")).push_bind(owners.clone());
    }
    if let Some(kin) = &arm.related {
        push_kin(sql, r, kin, arm.owners.as_deref());
    }
    push_when(sql, r, arm.when.as_deref(), told);
    sql.push(")");
}

fn push_when(sql: &mut Sql, r: &str, when: Option<&Condition>, told: impl Fn(&Expr) -> bool) {
    let demanded = when.into_iter().flat_map(|when| conjuncts(when.expr()));
    for part in demanded.filter(|part| !told(part)) {
        sql.push(" and ");
        // What a head does not decide is neither true nor false: it lets nothing through, negated or not.
        own::push(sql, r, part, &|sql, _| {
            sql.push("null::boolean");
        });
    }
}

/// That one of its patients is kin; where it must belong to one of its owners, one of those.
fn push_kin(sql: &mut Sql, r: &str, Kin { patients, keys }: &Kin, owners: Option<&[i64]>) {
    let push_whose = |sql: &mut Sql| match owners {
        None => {
            sql.push(format!("{r}.patients"));
        }
        Some(owners) => {
            sql.push(format!(
                "array(select w.patient from unnest({r}.patients) w (patient) where w.patient = any("
            ));
            sql.push_bind(owners.to_vec()).push("))");
        }
    };
    sql.push(" and (");
    // Nearly all are of one patient: by a hash that is made once for the statement.
    if owners.is_none() && patients.len() > KIN_COMPARED_MAX {
        sql.push(format!("cardinality({r}.patients) = 1 and {r}.patients[1] in (select unnest("));
        sql.push_bind(patients.to_vec())
            .push(format!("::bigint[])) or cardinality({r}.patients) > 1 and "));
    }
    push_whose(sql);
    sql.push(" && ").push_bind(patients.to_vec());
    if !keys.is_empty() {
        sql.push(" or exists (select from resource o where o.id_hash = any(");
        push_whose(sql);
        sql.push(") and o.method <> 2 and o.keys && ").push_bind(keys.to_vec()).push(")");
    }
    sql.push(")");
}

/// Pushes ` and …`: that one who replaces the head reaches all of its patients, or it would be taken from the others.
fn push_whole(sql: &mut Sql, r: &str, arms: &[Arm]) {
    let is_bounded = |arm: &&Arm| arm.owners.is_some() || arm.related.is_some();
    let (bounded, free): (Vec<&Arm>, Vec<&Arm>) = arms.iter().partition(is_bounded);
    if free.iter().any(|arm| arm.when.is_none()) {
        return;
    }
    sql.push(" and (false");
    for arm in free {
        sql.push(" or ");
        push_arm(sql, r, arm, |_| false);
    }
    sql.push(format!(
        " or {r}.patients <> '{{}}' and not exists (
            select from unnest({r}.patients) w (patient) where not coalesce(false"
    ));
    for Arm { owners, related, when } in bounded {
        sql.push(" or (true");
        if let Some(owners) = owners {
            sql.push(" and w.patient = any(").push_bind(owners.clone()).push(")");
        }
        if let Some(Kin { patients, keys }) = related {
            sql.push(" and (w.patient = any(").push_bind(patients.to_vec());
            sql.push(") or exists (select from resource o where o.id_hash = w.patient and o.method <> 2 and o.keys && ");
            sql.push_bind(keys.to_vec()).push("))");
        }
        push_when(sql, r, when.as_deref(), |_| false);
        sql.push(")");
    }
    sql.push(", false)))");
}

/// Where a statement's file has room for what must hold of the head.
const ROOM: &str = "--! reach\n";
/// The same, where it is to be replaced.
const WHOLE: &str = "--! whole\n";

/// A statement as its file has it, with more that must hold of the head where the file has room for that.
///
/// # Errors
/// Internal where the file has none.
pub(crate) fn with_room(
    text: &str,
    arguments: PgArguments,
    push: impl FnOnce(&mut Sql),
) -> Result<Sql> {
    let (before, after) = text
        .split_once(ROOM)
        .ok_or_else(|| Error::internal("a statement without room for what must hold"))?;
    let mut sql = Sql::with_arguments(before, arguments);
    push(&mut sql);
    sql.push(" ").push(after);
    Ok(sql)
}

/// A statement on heads `r` that demands their owners itself: who reaches some by conditions has these in its room,
/// for all others it is as its file has it.
///
/// # Errors
/// As [`with_room`].
pub(crate) fn within(text: &str, arguments: PgArguments, reach: &Reach) -> Result<Sql> {
    match reach.ways() {
        None => Ok(Sql::with_arguments(text, arguments)),
        Some(_) => with_room(text, arguments, |sql| push(sql, "r", reach)),
    }
}

/// As [`within`], of a statement for one who replaces heads: all of their patients must be within reach.
///
/// # Errors
/// Internal where the file has no room for that.
pub(crate) fn written_within(text: &str, arguments: PgArguments, reach: &Reach) -> Result<Sql> {
    let Some(ways) = reach.ways() else { return Ok(Sql::with_arguments(text, arguments)) };
    let no_room = || Error::internal("a statement without room for what must hold");
    let (before, after) = text.split_once(WHOLE).ok_or_else(no_room)?;
    let (first, between) = before.split_once(ROOM).map_or((before, None), |(a, b)| (a, Some(b)));
    let mut sql = Sql::with_arguments(first, arguments);
    if let Some(between) = between {
        push(&mut sql, "r", reach);
        sql.push(" ").push(between);
    }
    push(&mut sql, "r", reach);
    push_whole(&mut sql, "r", &ways.arms);
    sql.push(" ").push(after);
    Ok(sql)
}

/// Binds one more.
///
/// # Errors
/// Internal where it cannot be encoded.
pub(crate) fn bind<'q, T>(arguments: &mut PgArguments, value: T) -> Result<()>
where
    T: sqlx::Encode<'q, Postgres> + sqlx::Type<Postgres>,
{
    arguments.add(value).map_err(|_| Error::internal("a value that cannot be bound"))
}
