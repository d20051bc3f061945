//! What Consent resources deny, as SQL: a row of `consent_rule` for each provision, tested against the resource itself.
//!
//! Denied is what a rule that denies speaks of, unless the same Consent permits it within; between Consents, and
//! between the patients of one resource, denial wins. `offset 0` keeps the tests where they stand: nothing of the plan
//! depends on how many rules there are.

use super::filter::Sql;
use crate::consent::Denials;

/// Pushes ` and …`: that no rule denies the row of this name, which has `type`, `keys` and `patients`.
pub(crate) fn push_denials(sql: &mut Sql, r: &str, denials: &Denials) {
    sql.push(" and not exists (");
    push_denying(sql, r, denials);
    sql.push(" offset 0)");
    if denials.changes_consents {
        push_held(sql, r, denials);
    }
}

/// The Consents that deny it, as `source`.
pub(crate) fn push_denying(sql: &mut Sql, r: &str, denials: &Denials) {
    sql.push(format!(
        "select deny.source from consent_rule deny where deny.patient = any ({r}.patients) and deny.effect = 0"
    ));
    push_own(sql, denials);
    push_asker(sql, "deny", denials, true);
    push_resource(sql, "deny", r);
    sql.push(" and (deny.depth = 1 or not exists (select from consent_rule permit where permit.source = deny.source and permit.effect = 1");
    push_asker(sql, "permit", denials, false);
    push_resource(sql, "permit", r);
    sql.push(" offset 0))");
}

/// That it is no Consent which denies the asker something: nobody lifts what binds them.
fn push_held(sql: &mut Sql, r: &str, denials: &Denials) {
    sql.push(format!(
        " and not exists (select from consent_rule deny where deny.source = {r}.rid and deny.effect = 0"
    ));
    push_own(sql, denials);
    push_asker(sql, "deny", denials, true);
    sql.push(" offset 0)");
}

/// What patients say of their own data speaks of others.
fn push_own(sql: &mut Sql, denials: &Denials) {
    if let Some(own) = denials.own {
        sql.push(" and deny.patient <> ").push_bind(own);
    }
}

/// That a rule holds now, of this asker, for what they do. Without a known purpose all that is denied for some is
/// denied, and nothing is permitted for one.
fn push_asker(sql: &mut Sql, rule: &str, denials: &Denials, denies: bool) {
    sql.push(format!(
        " and ({rule}.since is null or {rule}.since <= now()) and ({rule}.until is null or {rule}.until > now()) and ({rule}.actors is null or {rule}.actors && "
    ));
    sql.push_bind(denials.identities.clone());
    sql.push(format!(") and ({rule}.actions is null or {rule}.actions & "));
    sql.push_bind(denials.actions).push(" <> 0)");
    match &denials.purposes {
        Some(purposes) => {
            sql.push(format!(" and ({rule}.purposes is null or {rule}.purposes && "));
            sql.push_bind(purposes.clone()).push(")");
        }
        None if denies => {}
        None => {
            sql.push(format!(" and {rule}.purposes is null"));
        }
    }
}

fn push_resource(sql: &mut Sql, rule: &str, r: &str) {
    sql.push(format!(
        " and ({rule}.types is null or {r}.type = any ({rule}.types)) and ({rule}.keys is null or {rule}.keys && {r}.keys)"
    ));
}
