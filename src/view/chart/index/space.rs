//! The rows of one address space: its regions, and the pages that anything ever happened to.
//!
//! Pages nothing happened to are not kept one by one: they are empty for as long as a region covers them. Pages of a large
//! region that lived the same life share a row.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::life;
use super::observe::{self, Seen};
use super::touched::Touched;
use crate::illumos::abi::{AsId, SegId};
use crate::view::calls;
use crate::view::chart::{Key, Moment, Row, RowMark, Run, Runs, State, What};
use crate::view::look::Look;
use crate::x86::addr::{Mfn, PAGE_SIZE, Va};

/// A region of at most so many pages shows each of them in a row of its own.
pub(super) const SMALL: u64 = 16;
/// The end of addresses a process can have.
const USER_END: u64 = 0x8000_0000_0000;

/// A segment's time and place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Region {
    pub(super) seg: SegId,
    pub(super) from: Option<SegId>,
    pub(super) base: Va,
    pub(super) end: Va,
    pub(super) born: u32,
    pub(super) gone: Option<u32>,
}

impl Region {
    fn covers(&self, va: Va) -> bool {
        self.base <= va && va < self.end
    }

    fn pages(&self) -> u64 {
        (self.end.0 - self.base.0) / PAGE_SIZE
    }

    fn life(&self) -> (Moment, Moment) {
        (Moment::step(self.born), self.gone.map_or(Moment::OPEN, Moment::step))
    }
}

/// One address space through time.
#[derive(Clone, Debug)]
pub(super) struct Space {
    pub(super) id: AsId,
    pub(super) parent: Option<AsId>,
    /// The top table its accesses are walked from; a recording has none.
    pub(super) top: Option<Mfn>,
    pub(super) born: u32,
    pub(super) gone: Option<u32>,
    pub(super) regions: Vec<Region>,
    heads: BTreeMap<Va, Rc<Row>>,
    pages: BTreeMap<Va, Rc<Row>>,
}

fn page_row(va: Va) -> Row {
    Row::new(Key::new(What::Page, va.0), &calls::address(va))
}

impl Space {
    pub(super) fn new(id: AsId, parent: Option<AsId>, top: Option<Mfn>, born: u32) -> Space {
        Space { id, parent, top, born, gone: None, regions: Vec::new(), heads: BTreeMap::new(), pages: BTreeMap::new() }
    }

    /// A segment came to be in `step`.
    pub(super) fn region_born(&mut self, region: Region) {
        self.regions.push(region);
    }

    /// A segment went in `step`.
    pub(super) fn region_gone(&mut self, seg: SegId, step: u32) {
        if let Some(i) = self.regions.iter().rposition(|region| region.seg == seg && region.gone.is_none()) {
            if self.regions[i].born == step {
                self.regions.remove(i);
            } else {
                self.regions[i].gone = Some(step);
            }
        }
    }

    /// Looks again at what the step touched here.
    pub(super) fn observe(&mut self, look: Option<Look>, step: u32, touched: &Touched) {
        let (pages, id) = (self.touched_pages(touched), self.id);
        let head = |region: &Region| {
            let seg = look?.kernel.seg(region.seg)?;
            Some(observe::region(look?, seg, region.from.is_some()))
        };
        self.observe_with(step, &pages, &|va| look.and_then(|look| observe::page(look, id, va)), &head);
    }

    /// Notes what `pages` and the regions are in after `step`, as `see` and `head` say.
    pub(super) fn observe_with(
        &mut self,
        step: u32,
        pages: &BTreeSet<Va>,
        see: &dyn Fn(Va) -> Option<Seen>,
        head: &dyn Fn(&Region) -> Option<(Seen, String)>,
    ) {
        for va in pages {
            self.note_page(*va, step, see(*va).as_ref());
        }
        self.observe_heads(step, head);
    }

    /// The pages that have a life of their own.
    pub(super) fn known_pages(&self) -> impl Iterator<Item = Va> + '_ {
        self.pages.keys().copied()
    }

    /// The pages by name, and of ranges those that have a life of their own already.
    pub(super) fn touched_pages(&self, touched: &Touched) -> BTreeSet<Va> {
        let named = touched.pages.range((self.id, Va(0))..=(self.id, Va(u64::MAX))).map(|(_, va)| *va);
        let ranges = touched.ranges.range((self.id, Va(0), Va(0))..=(self.id, Va(u64::MAX), Va(u64::MAX)));
        let known = ranges.flat_map(|(_, from, to)| self.pages.range(*from..(*to).max(*from)).map(|(va, _)| *va));
        named.chain(known).collect()
    }

    fn note_page(&mut self, va: Va, step: u32, now: Option<&Seen>) {
        if !self.pages.contains_key(&va) {
            let row = Row { runs: self.implied(va, step), ..page_row(va) };
            self.pages.insert(va, Rc::new(row));
        }
        if let Some(row) = self.pages.get_mut(&va) {
            life::note(row, step, now);
        }
    }

    /// The life of a page nothing happened to before `step`: empty while a region covers it.
    fn implied(&self, va: Va, step: u32) -> Runs {
        let covering = self.regions.iter().filter(|region| region.covers(va) && region.born < step);
        runs_of(
            covering
                .map(Region::life)
                .map(|(from, to)| if to.step >= step { (from, Moment::OPEN) } else { (from, to) }),
        )
    }

    fn observe_heads(&mut self, step: u32, head: &dyn Fn(&Region) -> Option<(Seen, String)>) {
        let bases: BTreeSet<Va> = self.regions.iter().map(|region| region.base).collect();
        for base in bases {
            let lives = self.regions.iter().find(|region| region.base == base && region.gone.is_none());
            let now = lives.and_then(head);
            let new = || Rc::new(Row { pages: 0, ..Row::new(Key::new(What::Region, base.0), "") });
            let row = self.heads.entry(base).or_insert_with(new);
            life::note(row, step, now.as_ref().map(|(seen, _)| seen));
            if let Some((_, facts)) = now.filter(|(_, facts)| !facts.is_empty()) {
                life::note_facts(row, step, &facts);
            }
        }
    }

    /// Puts a glyph on a page that a region covers or covered.
    pub(super) fn mark(&mut self, va: Va, mark: RowMark) {
        let step = mark.at.step;
        if !self.regions.iter().any(|region| region.covers(va)) {
            return;
        }
        if !self.pages.contains_key(&va) {
            let row = Row { runs: self.implied(va, step + 1), ..page_row(va) };
            self.pages.insert(va, Rc::new(row));
        }
        if let Some(row) = self.pages.get_mut(&va) {
            life::mark(row, mark);
        }
    }

    /// The glyph a step put on a page.
    pub(super) fn mark_at(&self, va: Va, step: u32) -> Option<&RowMark> {
        self.pages.get(&va)?.marks.iter().find(|mark| mark.at.step == step)
    }

    /// Forgets what came after `step`; whether the space was there at all.
    pub(super) fn cut(&mut self, step: u32) -> bool {
        self.gone = self.gone.filter(|gone| *gone <= step);
        self.regions.retain(|region| region.born <= step);
        for region in &mut self.regions {
            region.gone = region.gone.filter(|gone| *gone <= step);
        }
        self.heads.retain(|_, row| life::cut(row, step));
        self.pages.retain(|_, row| life::cut(row, step));
        self.born <= step
    }

    /// The row of a page or region that speaks for `key` in the built lane.
    pub(super) fn region_at(&self, base: Va, step: u32) -> Option<&Region> {
        let lived =
            |region: &&Region| region.base == base && region.born <= step && region.gone.is_none_or(|g| g > step);
        let any = |region: &&Region| region.base == base;
        self.regions.iter().find(lived).or_else(|| self.regions.iter().rev().find(any))
    }

    /// The rows of the lane, tears between them.
    pub(super) fn rows(&self) -> Vec<Rc<Row>> {
        let mut rows: Vec<Rc<Row>> = Vec::new();
        let mut heads = self.heads.values().filter(|row| !row.runs.all().is_empty()).peekable();
        let mut end = 0;
        let mut put = |rows: &mut Vec<Rc<Row>>, row: Rc<Row>| {
            while let Some(head) = heads.next_if(|head| head.key.number <= row.key.number) {
                if head.key.number > end {
                    rows.push(tear(end, head.key.number));
                    end = head.key.number;
                }
                rows.push(head.clone());
            }
            if row.key.number > end {
                rows.push(tear(end, row.key.number));
            }
            end = row.key.number + row.pages * PAGE_SIZE;
            rows.push(row);
        };
        for stretch in self.stretches() {
            put(&mut rows, stretch);
        }
        if !rows.is_empty() && end < USER_END {
            rows.push(tear(end, USER_END));
        }
        rows
    }

    /// Rows of pages in order: known ones, implied ones between them, equal neighbours of large regions merged.
    fn stretches(&self) -> Vec<Rc<Row>> {
        let mut cuts: BTreeSet<Va> = self.regions.iter().flat_map(|region| [region.base, region.end]).collect();
        cuts.extend(self.pages.keys().flat_map(|va| [*va, va.page_after(1)]));
        let cuts: Vec<Va> = cuts.into_iter().collect();
        let mut rows: Vec<Rc<Row>> = Vec::new();
        for pair in cuts.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let is_large = self.regions.iter().any(|region| region.covers(from) && region.pages() > SMALL);
            if let Some(row) = self.pages.get(&from) {
                if !row.runs.all().is_empty() || !row.marks.is_empty() {
                    join(&mut rows, row.clone(), is_large);
                }
                continue;
            }
            let runs = runs_of(self.regions.iter().filter(|region| region.covers(from)).map(Region::life));
            if runs.all().is_empty() {
                continue;
            }
            let pages = (to.0 - from.0) / PAGE_SIZE;
            if is_large {
                join(&mut rows, Rc::new(many(Row { runs, ..page_row(from) }, pages)), true);
            } else {
                for n in 0..pages {
                    rows.push(Rc::new(Row { runs: runs.clone(), ..page_row(from.page_after(n)) }));
                }
            }
        }
        rows
    }
}

/// Adds a row, to the one before it if that is its neighbour and lived the same life.
fn join(rows: &mut Vec<Rc<Row>>, row: Rc<Row>, is_large: bool) {
    if is_large
        && let Some(last) = rows.last_mut()
        && last.key.number + last.pages * PAGE_SIZE == row.key.number
        && last.runs == row.runs
        && last.marks == row.marks
    {
        let pages = last.pages + row.pages;
        let merged = Rc::make_mut(last);
        *merged = many(merged.clone(), pages);
        return;
    }
    rows.push(row);
}

/// The row of so many pages.
fn many(row: Row, pages: u64) -> Row {
    let label = if pages > 1 { format!("+{pages}").into() } else { row.label.clone() };
    Row { pages, label, ..row }
}

/// Empty runs over these times, which do not overlap.
fn runs_of(lives: impl Iterator<Item = (Moment, Moment)>) -> Runs {
    let mut lives: Vec<(Moment, Moment)> = lives.collect();
    lives.sort();
    lives.dedup();
    let mut runs: Vec<Run> = Vec::new();
    for (from, to) in lives {
        match runs.last_mut() {
            Some(last) if last.to >= from => last.to = last.to.max(to),
            Some(_) | None => runs.push(Run::new(from, State::Empty).until(to)),
        }
    }
    runs.into_iter().collect()
}

fn tear(from: u64, to: u64) -> Rc<Row> {
    Rc::new(Row::tear(to, &size(to - from)))
}

/// A size in the unit that leaves at most four digits: `3.98 MiB`.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["bytes", "KiB", "MiB", "GiB", "TiB"];
    let unit = (bytes.max(1).ilog2() / 10).min(4);
    let amount = bytes as f64 / f64::powi(1024.0, unit as i32);
    let digits = if amount.fract() < 0.005 || amount >= 99.995 { 0 } else { 2 };
    format!("{amount:.digits$} {}", UNITS[unit as usize])
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_keep_three_digits() {
        let said = [0x8000_0000, 0x3f_c000, 0x7fff_7fc0_0000, 0x1000, 0x40_0000_0000].map(size);
        assert_eq!(said, ["2 GiB", "3.98 MiB", "128 TiB", "4 KiB", "256 GiB"]);
    }
}
