//! Rows that PostgreSQL read, from its account of having run a statement (`explain (analyze)`).

/// Rows that scans of tables and indexes gave out or threw away, all loops together.
pub(super) fn rows_read(account: &[String]) -> u64 {
    let mut rows = 0.0;
    let mut loops = None;
    for line in account {
        if let Some(measured) = line.split("(actual ").nth(1) {
            let number = |name: &str| number_after(measured, name);
            let scans = ["Seq Scan on", "Index Scan using", "Index Only Scan using"];
            let heap = line.contains("Bitmap Heap Scan on");
            let reads = heap
                || scans.iter().any(|scan| line.contains(scan))
                || line.contains("Scan Backward using");
            loops = number("loops=").filter(|_| reads);
            rows += loops.unwrap_or(0.0) * number("rows=").unwrap_or(0.0);
        } else if line.trim_start().starts_with("Rows Removed by") {
            rows += loops.unwrap_or(0.0) * number_after(line, ": ").unwrap_or(0.0);
        }
    }
    rows as u64
}

fn number_after(text: &str, name: &str) -> Option<f64> {
    let (_, rest) = text.split_once(name)?;
    let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
    rest.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_scans_read_in_all_loops() {
        let account = "
            Limit (actual time=0.1..0.2 rows=20 loops=1)
              ->  Nested Loop (actual time=0.1..0.2 rows=20 loops=1)
                    ->  Index Only Scan Backward using timeline_index_key on timeline_index t (actual time=0.0..0.1 rows=25 loops=1)
                          Index Cond: (key = $1)
                    ->  Index Scan using resource_pkey on resource r (actual time=0.0..0.0 rows=1 loops=25)
                          Filter: ($2 = ANY (facets))
                          Rows Removed by Filter: 2
                    ->  Function Scan on unnest v (actual time=0.0..0.0 rows=9 loops=25)
                          Rows Removed by Filter: 8
            Planning Time: 0.2 ms";
        let lines: Vec<String> = account.lines().map(str::to_owned).collect();
        assert_eq!(rows_read(&lines), 25 + 25 + 50);
        assert_eq!(rows_read(&[]), 0);
    }
}
