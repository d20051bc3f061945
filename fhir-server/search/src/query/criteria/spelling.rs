//! Parameters spelt like a wrong one.

use crate::catalogue::TypePlan;

/// `; did you mean …?`, or nothing.
pub(super) fn near(plan: &TypePlan, code: &str) -> String {
    let mut best: Vec<(usize, &str)> = plan
        .params
        .iter()
        .map(|p| (distance(code, &p.definition.code), &*p.definition.code))
        .filter(|(distance, _)| *distance <= 2)
        .collect();
    best.sort_unstable();
    let names: Vec<String> = best.iter().take(3).map(|(_, name)| format!("`{name}`")).collect();
    if names.is_empty() { String::new() } else { format!("; did you mean {}?", names.join(", ")) }
}

/// Levenshtein's distance, for short names.
fn distance(a: &str, b: &str) -> usize {
    if a.len() > 64 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (n, x) in a.chars().enumerate() {
        let mut corner = n;
        let mut left = n + 1;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let here = (corner + usize::from(x != y)).min(left + 1).min(*cell + 1);
            corner = *cell;
            *cell = here;
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = n + 1;
        }
    }
    row.last().copied().unwrap_or(usize::MAX)
}
