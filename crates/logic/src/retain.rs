//! Which of the journal's segments are due to go: the oldest, by their age and by what all of them take.

use lineshaft_model::Millis;

/// How long the journal keeps what is finished. Without a bound it keeps everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// Older segments may go.
    pub age_ms: Option<i64>,
    /// While the journal takes more, its oldest segment may go.
    pub bytes: Option<u64>,
}

/// A segment, as the decision sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it takes.
    pub bytes: u64,
    /// When its last record was written; `None` for the segment being written, which stays.
    pub closed: Option<Millis>,
}

impl Retention {
    /// Whether anything ever goes.
    #[must_use]
    pub const fn is_bounded(self) -> bool {
        self.age_ms.is_some() || self.bytes.is_some()
    }

    /// How many of the oldest segments are due, when these are all, oldest first.
    #[must_use]
    pub fn due(self, pieces: &[Piece], now: Millis) -> usize {
        let mut bytes: u64 = pieces.iter().map(|piece| piece.bytes).sum();
        let is_due = |piece: &&Piece| {
            let Some(closed) = piece.closed else { return false };
            let old = self.age_ms.is_some_and(|age_ms| now.since(closed) > age_ms);
            let large = self.bytes.is_some_and(|most| bytes > most);
            bytes -= piece.bytes;
            old || large
        };
        pieces.iter().take_while(is_due).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 86_400_000;

    fn pieces() -> Vec<Piece> {
        let closed = |day: i64| Piece { bytes: 100, closed: Some(Millis(day * DAY)) };
        vec![closed(1), closed(2), closed(3), Piece { bytes: 50, closed: None }]
    }

    fn due(age_days: Option<i64>, bytes: Option<u64>, now_day: i64) -> usize {
        let retention = Retention { age_ms: age_days.map(|days| days * DAY), bytes };
        retention.due(&pieces(), Millis(now_day * DAY))
    }

    #[test]
    fn without_a_bound_everything_stays() {
        assert_eq!(due(None, None, 10_000), 0);
    }

    #[test]
    fn what_is_older_than_the_age_is_due_and_the_segment_being_written_never() {
        assert_eq!(due(Some(2), None, 3), 0, "to the day is not older");
        assert_eq!(due(Some(2), None, 4), 1);
        assert_eq!(due(Some(0), None, 10_000), 3);
    }

    #[test]
    fn the_oldest_go_until_the_rest_fits() {
        assert_eq!(due(None, Some(350), 0), 0);
        assert_eq!(due(None, Some(349), 0), 1);
        assert_eq!(due(None, Some(150), 0), 2);
        assert_eq!(due(None, Some(0), 0), 3);
    }

    #[test]
    fn either_bound_is_enough() {
        assert_eq!(due(Some(1), Some(150), 2), 2);
        assert_eq!(due(Some(1), Some(1_000), 4), 2);
    }

    #[test]
    fn a_clock_set_back_drops_nothing() {
        assert_eq!(due(Some(1), None, -400), 0);
    }
}
