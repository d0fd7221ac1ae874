//! The runs of one row, in order of time, with sums over them so that a picture costs what is visible.
//!
//! ```text
//!   sums[1]   |---------------- 64 runs ---------------|
//!   sums[0]   |- 8 runs -|- 8 runs -|- 8 runs -|- 8 ...
//!   runs      r r r r r r r r r r r r r r r r r r r r r r r      the last one may be open
//! ```
//!
//! Only closed runs are summed; a group is summed when the run after it starts.

use std::ops::Range;
use std::rc::Rc;

use super::{Moment, State};

/// One state of one row, from a moment up to the next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Run {
    /// The step that brought the state about.
    pub from: Moment,
    /// The step that ended it; [`Moment::OPEN`] while it lasts.
    pub to: Moment,
    /// What the row is in.
    pub state: State,
    /// Whether the HAT holds a lock on the entry.
    pub locked: bool,
    /// What is written into the run where it fits.
    pub text: Option<Rc<str>>,
}

impl Run {
    /// A run that starts at `from` and lasts.
    pub fn new(from: Moment, state: State) -> Run {
        Run { from, to: Moment::OPEN, state, locked: false, text: None }
    }

    /// The same run, ended at `to`.
    pub fn until(self, to: Moment) -> Run {
        Run { to, ..self }
    }

    /// The same run with words in it.
    pub fn text(self, text: &str) -> Run {
        Run { text: Some(text.into()), ..self }
    }

    /// The same run with the HAT's lock held.
    pub fn locked(self) -> Run {
        Run { locked: true, ..self }
    }

    /// Whether `later` goes on where this run ends without any difference to be seen.
    pub fn goes_on_as(&self, later: &Run) -> bool {
        self.to == later.from && self.state == later.state && self.locked == later.locked && self.text == later.text
    }
}

/// What a group of runs comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Sum {
    /// How many runs.
    pub count: u32,
    /// How many steps of them have memory behind them.
    pub used: u64,
    /// The state an engineer must not miss.
    pub worst: State,
}

impl Sum {
    const NONE: Sum = Sum { count: 0, used: 0, worst: State::Empty };

    fn of(run: &Run) -> Sum {
        let steps = u64::from(run.to.step.saturating_sub(run.from.step));
        Sum { count: 1, used: if run.state.in_use() { steps } else { 0 }, worst: run.state }
    }

    fn and(self, other: Sum) -> Sum {
        let worst = if other.worst.danger() > self.worst.danger() { other.worst } else { self.worst };
        Sum { count: self.count + other.count, used: self.used + other.used, worst }
    }
}

const GROUP: usize = 8;

/// The runs of one row: ordered, not overlapping, only the last may be open.
#[derive(Clone, PartialEq, Default)]
pub struct Runs {
    runs: Vec<Run>,
    sums: Vec<Vec<Sum>>,
}

impl std::fmt::Debug for Runs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.runs.fmt(f)
    }
}

impl FromIterator<Run> for Runs {
    fn from_iter<T: IntoIterator<Item = Run>>(runs: T) -> Runs {
        let mut all = Runs::default();
        runs.into_iter().for_each(|run| all.push(run));
        all
    }
}

impl Runs {
    /// All runs, in order.
    pub fn all(&self) -> &[Run] {
        &self.runs
    }

    /// Adds a run after the last one, which ends where the new one starts if it was open.
    pub fn push(&mut self, run: Run) {
        if let Some(last) = self.runs.last_mut() {
            if last.to == Moment::OPEN {
                last.to = run.from;
            }
            assert!(last.to <= run.from, "a run starts at {:?} before {last:?} has ended", run.from);
            assert!(last.from < last.to, "{last:?} takes no time: replace it instead of adding after it");
        }
        self.add_up();
        self.runs.push(run);
    }

    /// The open run, if the row is in a state now.
    pub fn open(&self) -> Option<&Run> {
        self.runs.last().filter(|run| run.to == Moment::OPEN)
    }

    /// Ends the open run at `at`; a run that would take no time goes away.
    pub fn close(&mut self, at: Moment) {
        if let Some(last) = self.runs.last_mut().filter(|run| run.to == Moment::OPEN) {
            last.to = at;
            if last.from >= at {
                self.runs.pop();
            }
        }
    }

    /// Forgets everything that came after step `step`, and opens again the run that lasted there.
    pub fn truncate(&mut self, step: u32) {
        let keep = self.runs.partition_point(|run| run.from.step <= step);
        self.runs.truncate(keep);
        if let Some(last) = self.runs.last_mut().filter(|run| run.to.step > step) {
            last.to = Moment::OPEN;
        }
        let mut whole = keep.saturating_sub(1);
        for sums in &mut self.sums {
            whole /= GROUP;
            sums.truncate(whole);
        }
        self.sums.retain(|sums| !sums.is_empty());
    }

    /// The run that holds at `at`.
    pub fn at(&self, at: Moment) -> Option<&Run> {
        let after = self.runs.partition_point(|run| run.from <= at);
        self.runs[..after].last().filter(|run| at < run.to)
    }

    /// The indices of the runs that touch `[from, to)`.
    pub fn between(&self, from: Moment, to: Moment) -> Range<usize> {
        let start = self.runs.partition_point(|run| run.to <= from);
        let end = self.runs.partition_point(|run| run.from < to);
        start..end.max(start)
    }

    /// What the runs of `range` come to; costs the logarithm of how many there are.
    pub fn sum(&self, range: Range<usize>) -> Sum {
        let (mut start, mut end) = (range.start, range.end.min(self.runs.len()));
        let mut sum = Sum::NONE;
        if start >= end {
            return sum;
        }
        let mut below: Option<&Vec<Sum>> = None;
        let one = |level: Option<&Vec<Sum>>, i: usize| level.map_or_else(|| Sum::of(&self.runs[i]), |sums| sums[i]);
        for sums in &self.sums {
            while start < end && (!start.is_multiple_of(GROUP) || start / GROUP >= sums.len()) {
                sum = sum.and(one(below, start));
                start += 1;
            }
            while end > start && (!end.is_multiple_of(GROUP) || end / GROUP > sums.len()) {
                end -= 1;
                sum = sum.and(one(below, end));
            }
            if start >= end {
                return sum;
            }
            (start, end) = (start / GROUP, end / GROUP);
            below = Some(sums);
        }
        (start..end).fold(sum, |sum, i| sum.and(one(below, i)))
    }

    /// Sums up the groups that are complete and closed.
    fn add_up(&mut self) {
        let mut whole = self.runs.len();
        let mut level = 0;
        while whole.is_multiple_of(GROUP) && whole > 0 {
            whole /= GROUP;
            if self.sums.len() == level {
                self.sums.push(Vec::new());
            }
            if self.sums[level].len() >= whole {
                return;
            }
            let group = (whole - 1) * GROUP..whole * GROUP;
            let sum = match level.checked_sub(1) {
                None => self.runs[group].iter().map(Sum::of).fold(Sum::NONE, Sum::and),
                Some(below) => self.sums[below][group].iter().copied().fold(Sum::NONE, Sum::and),
            };
            self.sums[level].push(sum);
            level += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, proptest};

    use super::{Run, Runs, Sum};
    use crate::view::chart::{Backing, Moment, Rights, State};

    const STATES: [State; 5] = [
        State::Empty,
        State::Placeholder,
        State::Live(Backing::Foreign, Rights::ReadOnly),
        State::ZeroCounted,
        State::Leaked,
    ];

    fn some_runs() -> impl Strategy<Value = Vec<Run>> {
        proptest::collection::vec((1u32..5, 0u32..3, 0usize..5), 0..300).prop_map(|parts| {
            let mut now = 0;
            parts
                .into_iter()
                .map(|(long, gap, state)| {
                    let from = now + gap;
                    now = from + long;
                    Run::new(Moment::step(from), STATES[state]).until(Moment::step(now))
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn a_sum_is_what_counting_finds(runs in some_runs(), a in any::<u16>(), b in any::<u16>()) {
            let row: Runs = runs.iter().cloned().collect();
            let (a, b) = (usize::from(a) % (runs.len() + 1), usize::from(b) % (runs.len() + 1));
            let range = a.min(b)..a.max(b);
            let counted = runs[range.clone()].iter().map(Sum::of).fold(Sum::NONE, Sum::and);
            let found = row.sum(range);
            assert_eq!((found.count, found.used), (counted.count, counted.used));
            assert_eq!(found.worst.danger(), counted.worst.danger());
        }

        #[test]
        fn a_row_cut_back_is_the_row_that_never_went_on(runs in some_runs(), step in 0u32..600) {
            let mut cut: Runs = runs.iter().cloned().collect();
            cut.truncate(step);
            let mut before: Runs = Runs::default();
            for run in runs.iter().filter(|run| run.from.step <= step) {
                before.push(if run.to.step > step { Run { to: Moment::OPEN, ..run.clone() } } else { run.clone() });
            }
            assert!(cut == before, "cut {cut:?}\nnever went on {before:?}");
        }
    }

    #[test]
    fn a_run_that_starts_ends_the_open_one() {
        let mut row = Runs::default();
        row.push(Run::new(Moment::step(1), State::Empty));
        row.push(Run::new(Moment::step(4), State::Leaked));
        assert_eq!(row.at(Moment::step(3)).map(|run| run.to), Some(Moment::step(4)));
        assert_eq!(row.at(Moment::step(0)), None);
        assert_eq!(row.between(Moment::step(2), Moment::step(4)), 0..1);
        row.close(Moment::step(9));
        assert_eq!(row.at(Moment::step(9)), None);
    }
}
