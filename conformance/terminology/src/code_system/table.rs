//! Rows by concept: where each concept's rows begin, and the rows.

use super::Place;

#[derive(Debug)]
pub(super) struct Table<T> {
    /// One more than there are concepts, or none where there are no rows.
    starts: Vec<u32>,
    rows: Vec<T>,
}

impl<T> Table<T> {
    /// Sorts rows by concept; those of one stay in their order.
    pub(super) fn new(len: usize, mut rows: Vec<(Place, T)>) -> Self {
        if rows.is_empty() {
            return Self { starts: Vec::new(), rows: Vec::new() };
        }
        rows.sort_by_key(|(place, _)| *place);
        let mut starts = Vec::with_capacity(len + 1);
        let mut of = rows.iter().map(|(place, _)| *place).peekable();
        let mut count = 0;
        for place in 0..u32::try_from(len).unwrap_or(u32::MAX) {
            starts.push(count);
            while of.next_if(|it| *it <= place).is_some() {
                count += 1;
            }
        }
        starts.push(count);
        Self { starts, rows: rows.into_iter().map(|(_, row)| row).collect() }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn of(&self, place: Place) -> &[T] {
        let index = usize::try_from(place).unwrap_or(usize::MAX);
        let bound = |index: usize| self.starts.get(index).and_then(|it| usize::try_from(*it).ok());
        match (bound(index), bound(index.saturating_add(1))) {
            (Some(start), Some(end)) => self.rows.get(start..end).unwrap_or_default(),
            _ => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_with_their_concept() {
        let table = Table::new(4, vec![(2, 'c'), (0, 'a'), (2, 'd'), (3, 'e'), (0, 'b')]);
        let of: Vec<String> = (0..5).map(|place| table.of(place).iter().collect()).collect();
        assert_eq!(of, ["ab", "", "cd", "e", ""]);
        assert_eq!(Table::<char>::new(4, Vec::new()).of(1), []);
    }
}
