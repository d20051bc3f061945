//! What the figures must reach, and the tables that show them.

use super::{
    look::{JUDGED_CLIENTS, Look},
    table::Order,
};
use crate::{
    load::Measured,
    report::{Floor, Row},
};
use serde_json::json;

/// Time over the limit's: the median of all searches, and any.
const MOST_MEDIAN: f64 = 1.5;
const MOST_RATIO: f64 = 2.5;

/// A p95 at the larger size over that at the smaller, where a page is read off an index. The others may grow
/// as their matches do, and where those do not grow, as much as these.
const MOST_GROWTH: f64 = 1.5;

/// A p99 at [`JUDGED_CLIENTS`], at most, in milliseconds.
const MOST_TAIL_MS: f64 = 30.0;

/// All looks at one size.
pub(super) struct Sized {
    /// Resources.
    pub(super) size: u64,
    /// Before statistics, in the order of the looks.
    pub(super) fresh: Vec<Measured>,
    pub(super) looks: Vec<Look>,
}

/// The rows of all sizes; the last is the largest.
pub(super) fn rows(sized: &[Sized], judged: bool) -> Vec<Row> {
    let mut rows = Vec::new();
    let Some((largest, smaller)) = sized.split_last() else { return rows };
    rows.extend(largest.looks.iter().filter_map(|look| ratio_row(look, largest.size, judged)));
    for sized in smaller {
        let worst = sized.looks.iter().filter_map(|look| Some((look, look.ratio()?)));
        rows.extend(worst.max_by(|a, b| a.1.total_cmp(&b.1)).and_then(|(look, _)| {
            let row = ratio_row(look, sized.size, judged)?;
            Some(Row { name: format!("worst at {}: {}", sized.size, look.name), ..row })
        }));
    }
    rows.extend(sized.iter().map(|sized| median_row(sized, judged)));
    if let Some(smallest) = smaller.first() {
        rows.extend(growth_rows(smallest, largest, judged));
    }
    let fresh = largest.looks.iter().zip(&largest.fresh);
    rows.extend(tail_row("before statistics", fresh, judged));
    let settled = largest.looks.iter().filter_map(|look| Some((look, &look.judged()?.ours)));
    rows.extend(tail_row("with statistics", settled, judged));
    rows.push(difference_row(sized, judged));
    rows
}

fn ratio_row(look: &Look, size: u64, judged: bool) -> Option<Row> {
    let ((ours, limit), ratio) = (look.best()?, look.ratio()?);
    let cell = |run: &Measured| format!("{:.0}/s, p95 {:.2} ms", run.requests_per_s, run.p95_ms);
    let row = Row::new(look.name.clone(), ratio, "ratio")
        .sides((json!({ "size": size, "look": look }), cell(ours)), (json!(limit), cell(limit)));
    Some(row.held_to(Floor::AtMost(MOST_RATIO), judged))
}

fn median_row(sized: &Sized, judged: bool) -> Row {
    let mut ratios: Vec<f64> = sized.looks.iter().filter_map(Look::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios.get(ratios.len() / 2).copied().unwrap_or(f64::INFINITY);
    let name = format!("time over the limit's, median at {}", sized.size);
    Row::new(name, median, "ratio").held_to(Floor::AtMost(MOST_MEDIAN), judged)
}

/// The p95 of a search at two sizes, and how much it may have grown.
fn growth(small: &Look, large: &Look) -> Option<(f64, f64)> {
    let (before, after) = (small.judged()?, large.judged()?);
    let grown = after.ours.p95_ms / before.ours.p95_ms.max(1e-3);
    let matches = match (large.order, small.matches, large.matches) {
        (Order::Matches, Some(before), Some(after)) => after / before.max(1.0),
        _ => 1.0,
    };
    Some((grown, matches.max(MOST_GROWTH)))
}

/// One row for each way to find a page: the search that comes nearest to what it may grow, or passes it
/// furthest.
fn growth_rows(small: &Sized, large: &Sized, judged: bool) -> Vec<Row> {
    let of = |order: Order| {
        let both = small.looks.iter().zip(&large.looks).filter(|(look, _)| look.order == order);
        let grown = both.filter_map(|(a, b)| growth(a, b).map(|(grown, most)| (b, grown, most)));
        let (look, grown, most) = grown.max_by(|a, b| (a.1 / a.2).total_cmp(&(b.1 / b.2)))?;
        let what = if order == Order::Index { "in index order" } else { "by matches" };
        let name =
            format!("p95 at {} over {}, worst {what}: {}", large.size, small.size, look.name);
        let most = crate::report::rounded(most);
        Some(Row::new(name, grown, "ratio").held_to(Floor::AtMost(most), judged))
    };
    [Order::Index, Order::Matches].into_iter().filter_map(of).collect()
}

fn tail_row<'a>(
    when: &str,
    runs: impl Iterator<Item = (&'a Look, &'a Measured)>,
    judged: bool,
) -> Option<Row> {
    let (look, run) = runs.max_by(|a, b| a.1.p99_ms.total_cmp(&b.1.p99_ms))?;
    let name = format!("p99 at {JUDGED_CLIENTS} clients {when}, worst: {}", look.name);
    let row = Row::budget(&name, run.p99_ms, MOST_TAIL_MS, "ms", judged);
    Some(row)
}

fn difference_row(sized: &[Sized], judged: bool) -> Row {
    let differ: Vec<&str> = sized
        .iter()
        .flat_map(|sized| &sized.looks)
        .filter_map(|look| look.differs.as_deref())
        .collect();
    let all: usize = sized.iter().map(|sized| sized.looks.len()).sum();
    let alike = (all - differ.len()) as f64 / all.max(1) as f64;
    let mut row = Row::new("answers that differ from the limit's", differ.len() as f64, "searches")
        .ratio(alike)
        .held_to(Floor::AtMost(0.0), judged);
    row.ours = json!(differ);
    row
}

/// A line for each search and size, under the table.
pub(super) fn details(sized: &[Sized]) -> Vec<Vec<String>> {
    let head = [
        "search",
        "at",
        "found by",
        "matches",
        "rows read",
        "limit's",
        "1: p50 ms",
        "limit's",
        "8: per s",
        "limit's",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "limit's p99",
        "fresh p99",
        "32: per s",
        "limit's",
        "server µs",
        "limit's",
        "PostgreSQL µs",
        "limit's",
        "p99 ms",
        "open p99",
        "limit's",
    ];
    let mut lines = vec![head.map(str::to_owned).to_vec()];
    for Sized { size, fresh, looks } in sized {
        for (n, look) in looks.iter().enumerate() {
            lines.push(line(*size, look, fresh.get(n)));
        }
    }
    lines
}

fn line(size: u64, look: &Look, fresh: Option<&Measured>) -> Vec<String> {
    let ms = |value: Option<f64>| value.map_or_else(|| "–".into(), |ms| format!("{ms:.2}"));
    let whole = |value: Option<f64>| value.map_or_else(|| "–".into(), |n| format!("{n:.0}"));
    let at = |clients: usize| look.closed.iter().find(|pair| pair.ours.clients == clients);
    let (one, eight, many) = (at(1), at(JUDGED_CLIENTS), at(32));
    let order = if look.order == Order::Index { "index" } else { "matches" };
    vec![
        look.name.clone(),
        size.to_string(),
        order.into(),
        look.matches.map_or_else(|| "–".into(), |n| format!("{n:.1}")),
        whole(look.rows_read.map(|rows| rows as f64)),
        look.limit_rows_read.to_string(),
        ms(one.map(|p| p.ours.p50_ms)),
        ms(one.map(|p| p.limit.p50_ms)),
        whole(eight.map(|p| p.ours.requests_per_s)),
        whole(eight.map(|p| p.limit.requests_per_s)),
        ms(eight.map(|p| p.ours.p50_ms)),
        ms(eight.map(|p| p.ours.p95_ms)),
        ms(eight.map(|p| p.ours.p99_ms)),
        ms(eight.map(|p| p.limit.p99_ms)),
        ms(fresh.map(|run| run.p99_ms)),
        whole(many.map(|p| p.ours.requests_per_s)),
        whole(many.map(|p| p.limit.requests_per_s)),
        whole(many.map(|p| p.ours.server_cpu_us)),
        whole(many.map(|p| p.limit.server_cpu_us)),
        whole(many.map(|p| p.ours.postgres_cpu_us)),
        whole(many.map(|p| p.limit.postgres_cpu_us)),
        ms(many.map(|p| p.ours.p99_ms)),
        ms(look.open.as_ref().map(|p| p.ours.p99_ms)),
        ms(look.open.as_ref().map(|p| p.limit.p99_ms)),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::look::Pair;
    use super::*;

    fn look(
        name: &str,
        order: Order,
        (ours, limit, p95_ms): (f64, f64, f64),
        matches: f64,
    ) -> Look {
        let run = |requests_per_s, p95_ms| Measured {
            clients: JUDGED_CLIENTS,
            requests_per_s,
            p95_ms,
            p99_ms: p95_ms * 2.0,
            ..Measured::default()
        };
        Look {
            name: name.into(),
            order,
            matches: Some(matches),
            differs: None,
            rows_read: None,
            limit_rows_read: 1,
            closed: vec![Pair { ours: run(ours, p95_ms), limit: run(limit, p95_ms) }],
            open: None,
        }
    }

    fn passes(rows: &[Row], part: &str) -> Option<bool> {
        rows.iter().find(|row| row.name.contains(part)).and_then(|row| row.pass)
    }

    #[test]
    fn each_floor_is_held_against_its_own_figure() {
        let small = vec![
            look("a", Order::Index, (100.0, 100.0, 1.0), 10.0),
            look("b", Order::Matches, (100.0, 140.0, 1.0), 10.0),
            look("c", Order::Matches, (100.0, 100.0, 1.0), 10.0),
        ];
        let large = vec![
            look("a", Order::Index, (100.0, 100.0, 1.6), 100.0),
            look("b", Order::Matches, (100.0, 260.0, 9.0), 100.0),
            look("c", Order::Matches, (100.0, 160.0, 16.0), 200.0),
        ];
        let sized = [
            Sized { size: 10, fresh: Vec::new(), looks: small },
            Sized { size: 100, fresh: Vec::new(), looks: large },
        ];
        let rows = rows(&sized, true);
        let of = |name: &str| rows.iter().find(|row| row.name == name).and_then(|row| row.pass);
        assert_eq!((of("a"), of("b"), of("c")), (Some(true), Some(false), Some(true)));
        assert_eq!(passes(&rows, "median at 10"), Some(true));
        assert_eq!(passes(&rows, "median at 100"), Some(false));
        assert_eq!(passes(&rows, "worst in index order: a"), Some(false));
        assert_eq!(passes(&rows, "worst by matches: b"), Some(true));
        assert_eq!(passes(&rows, "with statistics, worst: c"), Some(false));
        assert_eq!(passes(&rows, "differ"), Some(true));
    }
}
