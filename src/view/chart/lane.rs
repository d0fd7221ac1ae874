//! A lane: the rows of one address space, of one domain's frames or of one grant table, in order of address.

use std::rc::Rc;

use super::{Glyph, Measures, Moment, Runs};

/// Names a lane for as long as the session lives.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LaneId(pub u32);

/// What a row is for; the order is the order of rows at the same number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum What {
    /// Folded empty addresses that end below the row's number.
    Tear,
    /// The header of the regions that start at an address.
    Region,
    /// A page, or pages that lived the same life.
    Page,
    /// A machine frame.
    Frame,
    /// A grant reference.
    Grant,
}

/// Which row of a lane; keys order the rows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key {
    /// The address, the frame number or the grant reference.
    pub number: u64,
    /// What stands there.
    pub what: What,
}

impl Key {
    /// Row `what` at `number`.
    pub const fn new(what: What, number: u64) -> Key {
        Key { number, what }
    }
}

/// Which row of the whole picture.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RowId {
    /// The lane it is in.
    pub lane: LaneId,
    /// The row in that lane.
    pub key: Key,
}

/// A glyph on a row: a refused touch, a frame that was given back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RowMark {
    /// When.
    pub at: Moment,
    /// Its shape.
    pub glyph: Glyph,
    /// What is written after it where there is room.
    pub word: Option<Rc<str>>,
}

/// One row of a lane.
#[derive(Clone, PartialEq, Debug)]
pub struct Row {
    /// Which row.
    pub key: Key,
    /// What the gutter says: an address in groups of four, a frame, a reference, the size that is folded.
    pub label: Rc<str>,
    /// How many pages, frames or references the row stands for.
    pub pages: u64,
    /// Its life.
    pub runs: Runs,
    /// Its glyphs, in order of time.
    pub marks: Vec<RowMark>,
    /// Facts of a header row that change with time, in order; the one at the playhead is shown.
    pub facts: Vec<(Moment, Rc<str>)>,
}

impl Row {
    /// A row for one thing without a life yet.
    pub fn new(key: Key, label: &str) -> Row {
        Row { key, label: label.into(), pages: 1, runs: Runs::default(), marks: Vec::new(), facts: Vec::new() }
    }

    /// A tear: addresses below `number` that nothing uses, folded to `label`.
    pub fn tear(number: u64, label: &str) -> Row {
        Row { pages: 0, ..Row::new(Key::new(What::Tear, number), label) }
    }

    /// The facts that hold at `at`.
    pub fn facts_at(&self, at: Moment) -> Option<&Rc<str>> {
        let after = self.facts.partition_point(|(since, _)| *since <= at);
        self.facts[..after].last().map(|(_, facts)| facts)
    }
}

/// A rule that does not hold, where and from when.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Edge {
    /// The step that broke it.
    pub at: Moment,
    /// First row it is about.
    pub first: Key,
    /// Last row it is about.
    pub last: Key,
    /// Names of the rules, as the breaks row writes them.
    pub rules: Rc<str>,
    /// Broken only inside the step, whole again at its end.
    pub passing: bool,
}

/// One lane.
#[derive(Clone, PartialEq, Debug)]
pub struct Lane {
    /// Which lane.
    pub id: LaneId,
    /// Who lives here: a process, a domain.
    pub name: Rc<str>,
    /// Facts about it, in the lane's strip.
    pub facts: Rc<str>,
    rows: Vec<Rc<Row>>,
    /// Broken rules, in order of time.
    pub edges: Vec<Edge>,
    /// `above[i]`: how many rows of each height lie above row i; one more entry than rows.
    above: Vec<Above>,
}

/// How many rows of each kind of height lie above some row.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Above {
    tears: u32,
    regions: u32,
    pages: u32,
    frames: u32,
    grants: u32,
}

impl Above {
    fn and(mut self, what: What) -> Above {
        match what {
            What::Tear => self.tears += 1,
            What::Region => self.regions += 1,
            What::Page => self.pages += 1,
            What::Frame => self.frames += 1,
            What::Grant => self.grants += 1,
        }
        self
    }

    fn height(self, m: &Measures) -> f32 {
        let rows = |n: u32, what| n as f32 * m.row(what);
        rows(self.tears, What::Tear)
            + rows(self.regions, What::Region)
            + rows(self.pages, What::Page)
            + rows(self.frames, What::Frame)
            + rows(self.grants, What::Grant)
    }
}

impl Lane {
    /// A lane of `rows`, which must be in order of their keys and each key once.
    pub fn new(id: LaneId, name: &str, facts: &str, rows: Vec<Rc<Row>>) -> Lane {
        assert!(
            rows.is_sorted_by(|a, b| a.key < b.key),
            "rows of lane {name} are not in order: {:?}",
            rows.iter().map(|row| row.key).collect::<Vec<_>>()
        );
        let mut above = Vec::with_capacity(rows.len() + 1);
        above.push(Above::default());
        above.extend(rows.iter().scan(Above::default(), |sum, row| {
            *sum = sum.and(row.key.what);
            Some(*sum)
        }));
        Lane { id, name: name.into(), facts: facts.into(), rows, edges: Vec::new(), above }
    }

    /// The same lane with its broken rules.
    pub fn broken(self, edges: Vec<Edge>) -> Lane {
        Lane { edges, ..self }
    }

    /// The rows, in order.
    pub fn rows(&self) -> &[Rc<Row>] {
        &self.rows
    }

    /// Where the row with `key` is, if the lane has it.
    pub fn find(&self, key: Key) -> Option<usize> {
        self.rows.binary_search_by_key(&key, |row| row.key).ok()
    }

    /// The row that speaks for `key`: its own, or the merged row that begins below it.
    pub fn covering(&self, key: Key) -> Option<usize> {
        self.find(key).or_else(|| {
            let after = self.rows.partition_point(|row| row.key <= key);
            (0..after).rev().find(|&i| self.rows[i].key.what == key.what)
        })
    }

    /// How far below the lane's strip the upper edge of row `i` is; with `i` the number of rows, the height of all.
    pub fn row_y(&self, i: usize, m: &Measures) -> f32 {
        self.above[i].height(m)
    }

    /// The row that covers `y` below the strip: the first whose lower edge is below it.
    pub fn row_at(&self, y: f32, m: &Measures) -> usize {
        self.above[1..].partition_point(|above| above.height(m) <= y)
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{Key, Lane, LaneId, Row, What};
    use crate::view::chart::Measures;

    fn lane() -> Lane {
        let page = |n: u64| Rc::new(Row::new(Key::new(What::Page, n), "page"));
        let rows = vec![
            Rc::new(Row::tear(0x1000, "4 KiB")),
            Rc::new(Row::new(Key::new(What::Region, 0x1000), "")),
            page(0x1000),
            page(0x2000),
        ];
        Lane::new(LaneId(0), "saver", "", rows)
    }

    #[test]
    fn heights_and_rows_are_each_others_inverse() {
        let (lane, m) = (lane(), Measures::DESK);
        for i in 0..lane.rows().len() {
            assert_eq!(lane.row_at(lane.row_y(i, &m), &m), i);
            assert_eq!(lane.row_at(lane.row_y(i + 1, &m) - 0.5, &m), i);
        }
        assert_eq!(lane.row_at(10_000.0, &m), lane.rows().len());
    }

    #[test]
    fn a_key_inside_a_merged_row_finds_that_row() {
        let lane = lane();
        assert_eq!(lane.covering(Key::new(What::Page, 0x2000)), Some(3));
        assert_eq!(lane.covering(Key::new(What::Page, 0x5000)), Some(3));
        assert_eq!(lane.covering(Key::new(What::Page, 0x500)), None);
    }

    #[test]
    #[should_panic(expected = "not in order")]
    fn rows_out_of_order_are_our_own_mistake() {
        let row = || Rc::new(Row::new(Key::new(What::Page, 1), ""));
        let _ = Lane::new(LaneId(0), "saver", "", vec![row(), row()]);
    }
}
