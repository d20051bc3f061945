//! The exact test on a head's own values: all of an expression tree that no other resource decides.

use search::Param;
use search::expr::{Circle, Expr, KeyTest};
use search::limits::{LATITUDE_MAX, LONGITUDE_MAX};

use super::compare::{push_number, push_range, push_text, push_updated};
use super::filter::Sql;
use super::words::push_words;

/// What pushes a test that other resources decide too.
pub(super) type Links<'a> = &'a dyn Fn(&mut Sql, &Expr);

/// Pushes a test of the head of this name.
pub(super) fn push(sql: &mut Sql, r: &str, expr: &Expr, links: Links<'_>) {
    match expr {
        Expr::And(parts) => push_all(sql, r, parts, [" and ", "true"], links),
        Expr::Or(parts) => push_any(sql, r, parts, links),
        Expr::Not(inner) => {
            sql.push("not ");
            push(sql, r, inner, links);
        }
        Expr::Key(test) => push_key(sql, r, test),
        Expr::Facet(facet) => {
            sql.push("(").push_bind(*facet).push(format!(" = any ({r}.facets))"));
        }
        Expr::Text(..) | Expr::Date(..) | Expr::Number(..) => push_exists(sql, r, &[expr]),
        Expr::OneDate(param, tests) => {
            push_values(sql, r, "date");
            push_among(sql, "v.param", &[param.0]);
            for test in tests {
                sql.push(" and ");
                push_range(sql, test.prefix, test.lo, test.hi);
            }
            sql.push(")");
        }
        Expr::Beside(inner) => push(sql, r, inner, links),
        Expr::Near(circle) => push_near(sql, r, circle),
        Expr::Chain(_) | Expr::Has(_) | Expr::Listed { .. } => links(sql, expr),
        Expr::Owned(patient) => {
            sql.push("(").push_bind(*patient).push(format!(" = any ({r}.patients))"));
        }
        Expr::Words { content, words } => push_words(sql, r, *content, words),
        Expr::Updated(test) => push_updated(sql, r, *test),
        Expr::Identity(ids) => {
            sql.push(format!("({r}.id_hash = any (")).push_bind(ids.clone()).push("))");
        }
    }
}

/// Joined by the first word, or the second where there are none.
fn push_all(
    sql: &mut Sql,
    r: &str,
    parts: &[Expr],
    [between, empty]: [&'static str; 2],
    links: Links<'_>,
) {
    sql.push("(");
    for (n, part) in parts.iter().enumerate() {
        if n > 0 {
            sql.push(between);
        }
        push(sql, r, part, links);
    }
    if parts.is_empty() {
        sql.push(empty);
    }
    sql.push(")");
}

/// Many plain keys or facets are one comparison of arrays, and many values of one kind one look at the head's.
fn push_any(sql: &mut Sql, r: &str, parts: &[Expr], links: Links<'_>) {
    let plain = |part: &Expr| match part {
        Expr::Key(KeyTest { lookup, facet: None, .. }) => Some(*lookup),
        _ => None,
    };
    let keys: Option<Vec<i64>> = parts.iter().map(plain).collect();
    let facet = |part: &Expr| match part {
        Expr::Facet(facet) => Some(*facet),
        _ => None,
    };
    let facets: Option<Vec<i32>> = parts.iter().map(facet).collect();
    match (keys, facets) {
        (Some(keys), _) if keys.len() > 1 => {
            sql.push(format!("({r}.keys && ")).push_bind(keys).push(")");
        }
        (_, Some(facets)) if facets.len() > 1 => {
            sql.push(format!("({r}.facets && ")).push_bind(facets).push(")");
        }
        _ => match of_one_kind(parts) {
            Some(values) => push_exists(sql, r, &values),
            None => push_all(sql, r, parts, [" or ", "false"], links),
        },
    }
}

/// The array of the head that decides a test of a value.
fn array(expr: &Expr) -> Option<&'static str> {
    match expr {
        Expr::Text(..) => Some("string"),
        Expr::Date(..) => Some("date"),
        Expr::Number(..) => Some("number"),
        _ => None,
    }
}

/// The tests, where one array decides all of them.
fn of_one_kind(parts: &[Expr]) -> Option<Vec<&Expr>> {
    let parts: Vec<&Expr> = parts.iter().map(bare).collect();
    let kind = array(parts.first()?)?;
    parts.iter().all(|part| array(part) == Some(kind)).then_some(parts)
}

/// A test without the word that no index decides it.
fn bare(expr: &Expr) -> &Expr {
    match expr {
        Expr::Beside(inner) => inner,
        expr => expr,
    }
}

/// That a value of the head passes one of these tests, which are of one kind.
fn push_exists(sql: &mut Sql, r: &str, tests: &[&Expr]) {
    push_values(sql, r, tests.first().and_then(|test| array(test)).unwrap_or("number"));
    for (test, n) in tests.iter().zip(0..) {
        sql.push(if n > 0 { " or (" } else { "(" });
        push_value(sql, test);
        sql.push(")");
    }
    sql.push(")");
}

/// What must hold of one value, `v`.
fn push_value(sql: &mut Sql, test: &Expr) {
    let mut among = |params: &[Param]| {
        let params: Vec<i64> = params.iter().map(|param| param.0).collect();
        push_among(sql, "v.param", &params);
    };
    match test {
        Expr::Text(params, test) => {
            among(params);
            push_text(sql, test);
        }
        Expr::Date(param, test) => {
            among(&[*param]);
            sql.push(" and ");
            push_range(sql, test.prefix, test.lo, test.hi);
        }
        Expr::Number(params, test) => {
            among(params);
            sql.push(" and ");
            push_number(sql, test);
        }
        _ => {
            sql.push("false");
        }
    }
}

fn push_key(sql: &mut Sql, r: &str, test: &KeyTest) {
    sql.push("(").push_bind(test.lookup).push(format!(" = any ({r}.keys)"));
    for facet in test.facet.into_iter().chain(test.half) {
        sql.push(" and ").push_bind(facet).push(format!(" = any ({r}.facets)"));
    }
    sql.push(")");
}

/// `exists (select … where`, open for the test of the value `v`.
fn push_values(sql: &mut Sql, r: &str, kind: &str) {
    let (columns, names) = match kind {
        "string" => (format!("{r}.string_param, {r}.string_value"), "param, value"),
        _ => (format!("{r}.{kind}_param, {r}.{kind}_lo, {r}.{kind}_hi"), "param, lo, hi"),
    };
    sql.push(format!("exists (select from unnest({columns}) v ({names}) where "));
}

/// That a column is one of these. One alone keeps the order of an index, and costs no array.
pub(super) fn push_among(sql: &mut Sql, column: &str, values: &[i64]) {
    sql.push(column);
    match values {
        [value] => sql.push(" = ").push_bind(*value),
        values => sql.push(" = any(").push_bind(values.to_vec()).push(")"),
    };
}

/// Half the circumference over 180 degrees: kilometres of a degree of latitude.
const DEGREE_KM: f64 = 111.195;

/// Degrees of latitude on either side of a circle.
pub(super) fn band(circle: &Circle) -> (f64, f64) {
    let reach = circle.radius / DEGREE_KM;
    (circle.latitude - reach, circle.latitude + reach)
}

/// Great circle distance, by the haversine.
fn push_near(sql: &mut Sql, r: &str, circle: &Circle) {
    sql.push(format!("exists (select from unnest({r}.number_param, {r}.number_lo) a (param, at), unnest({r}.number_param, {r}.number_lo) o (param, at) where a.param = "))
        .push_bind(circle.latitude_param.0)
        .push(" and o.param = ")
        .push_bind(circle.longitude_param.0)
        // The sine of what is no place on earth may be an error of the whole search.
        .push(format!(" and case when abs(a.at) <= {LATITUDE_MAX} and abs(o.at) <= {LONGITUDE_MAX} then 2 * 6371.0088 * asin(sqrt(least(1, power(sind((a.at - "))
        .push_bind(circle.latitude)
        .push(") / 2), 2) + cosd(a.at) * cosd(")
        .push_bind(circle.latitude)
        .push(") * power(sind((o.at - ")
        .push_bind(circle.longitude)
        .push(") / 2), 2)))) <= ")
        .push_bind(circle.radius)
        .push(" else false end)");
}
