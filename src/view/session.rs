//! A session: a history, the place in it where a person stands, and what they look at. Changed by messages alone.
//!
//! ```text
//!   start --- 1 --- 2 --- 3 --- 4 (tip)       the path: what Back and Forward walk
//!                    \--- 5 --- 6             another branch, kept
//! ```
//!
//! Steps are counted along the path from 0, the start. Inside a step the person may stand after one of its *stops*: the places
//! where a driver or kernel has just come back from one of the doors it calls through. No clock and no storage here.

use crate::illumos::abi::{AsId, SegId};
use crate::illumos::event::{Call, KernelEvent};
use crate::mock::{Expectation, MockEvent, Noted, Recording, Run};
use crate::sim::file::{FileError, Opened, SessionFile, SpaceName, Verdict};
use crate::sim::scenarios::Scenario;
use crate::sim::setup::{RecordedSetup, SetupError};
use crate::sim::{Act, Answer, Event, History, Machine, MachineId, MachineSetup, Op, Outcome, StepId, World, file};
use crate::x86::addr::{Mfn, Va};
use crate::xen::abi::{DomId, GrantRef};
use crate::xen::event::XenEvent;
use std::collections::BTreeMap;
use std::rc::Rc;

/// What every view speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Selection {
    /// A page of an address space.
    Page {
        /// On which machine.
        machine: MachineId,
        /// In which address space.
        space: AsId,
        /// Its first byte.
        va: Va,
    },
    /// A segment.
    Segment {
        /// On which machine.
        machine: MachineId,
        /// Which.
        seg: SegId,
    },
    /// A machine frame.
    Frame {
        /// On which machine.
        machine: MachineId,
        /// Which.
        mfn: Mfn,
    },
    /// An entry of a grant table.
    Grant {
        /// On which machine.
        machine: MachineId,
        /// Whose table.
        granter: DomId,
        /// Which entry.
        gref: GrantRef,
    },
}

/// A place on the path: a step, or one of the stops inside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Counted along the path from the start, which is 0.
    pub step: u32,
    /// After which stop of the step, counted from 1; none for the whole step.
    pub stop: Option<u16>,
}

/// What a person asks for.
#[derive(Clone, Debug, PartialEq)]
pub enum Msg {
    /// Do something after the step the cursor is on. In the past this opens a branch.
    Do(Op),
    /// Go to a place on the path; beyond its ends, to the end.
    Seek(Position),
    /// Go to a step of any branch.
    GoTo(StepId),
    /// So many steps forward, or back.
    By(i64),
    /// One stop forward, into the next step if need be.
    StopForward,
    /// One stop back.
    StopBack,
    /// To the step before: the same walk as Back.
    Undo,
    /// To the step after that was last visited.
    Redo,
    /// Play from here, or stop playing.
    Play(bool),
    /// The clock struck: one step on, and stop at the end.
    Tick,
    /// Look at something, or at nothing.
    Select(Option<Selection>),
    /// Set or take away the mark of the step under the cursor.
    ToggleMark,
    /// Give the branch under the cursor a name; an empty one takes it away.
    NameBranch(String),
}

/// A history and a person in it.
#[derive(Clone, Debug)]
pub struct Session {
    title: String,
    machines: Vec<MachineSetup>,
    history: History,
    path: Vec<StepId>,
    at: Position,
    world: Rc<World>,
    whole: Rc<World>,
    outcome: Option<Rc<Outcome>>,
    stops: Rc<Vec<usize>>,
    visited: BTreeMap<StepId, StepId>,
    selection: Option<Selection>,
    playing: bool,
    marks: Vec<StepId>,
    branches: BTreeMap<String, StepId>,
    names: Vec<SpaceName>,
    captions: BTreeMap<StepId, String>,
    differs: Option<StepId>,
    verdicts: BTreeMap<StepId, Verdict>,
}

impl Session {
    /// A session in which nothing has happened yet.
    ///
    /// # Errors
    /// What in the set-up cannot be built.
    pub fn new(title: &str, machines: Vec<MachineSetup>) -> Result<Session, SetupError> {
        let world = World::build(&machines)?;
        Ok(Session::around(title, machines, History::new(world)))
    }

    fn around(title: &str, machines: Vec<MachineSetup>, history: History) -> Session {
        let world = Rc::new(history.world_at(StepId::START));
        Session {
            title: title.to_owned(),
            machines,
            history,
            path: vec![StepId::START],
            at: Position::default(),
            whole: world.clone(),
            world,
            outcome: None,
            stops: Rc::default(),
            visited: BTreeMap::new(),
            selection: None,
            playing: false,
            marks: Vec::new(),
            branches: BTreeMap::new(),
            names: Vec::new(),
            captions: BTreeMap::new(),
            differs: None,
            verdicts: BTreeMap::new(),
        }
    }

    /// A story with all its steps done, the cursor at its start.
    ///
    /// # Errors
    /// What in the set-up cannot be built.
    pub fn of_scenario(scenario: &Scenario) -> Result<Session, SetupError> {
        let mut session = Session::new(scenario.title, scenario.machines.clone())?;
        for (op, caption) in &scenario.steps {
            session.update(Msg::Do(op.clone()));
            session.captions.insert(session.cursor(), (*caption).to_owned());
        }
        let machine = MachineId(0);
        session.names = scenario
            .names
            .iter()
            .map(|(name, space)| SpaceName { machine, space: *space, name: (*name).to_owned() })
            .collect();
        session.update(Msg::Seek(Position::default()));
        Ok(session)
    }

    /// A run of a recording, every step done by our own driver and compared with what was recorded; the cursor at its start.
    ///
    /// # Errors
    /// What in the set-up cannot be built.
    pub fn of_recording(recording: &Recording, run: &Run) -> Result<Session, SetupError> {
        let (kernel, stack) = (run.kernel, run.stack);
        let setup = MachineSetup::Recorded(RecordedSetup { setup: recording.setup.clone(), kernel, stack });
        let mut session = Session::new(&recording.name, vec![setup])?;
        let machine = MachineId(0);
        for step in recording.steps(run) {
            session.update(Msg::Do(Op { machine, act: Act::Recorded(step.op.clone()) }));
            let verdict = session.judge(&step.expected);
            session.verdicts.insert(session.cursor(), verdict);
        }
        if let Some(Machine::Recorded(kernel)) = session.world.machine(machine) {
            let name =
                |(space, name): (AsId, &crate::mock::SpaceName)| SpaceName { machine, space, name: name.to_string() };
            session.names = kernel.spaces().map(name).collect();
        }
        session.update(Msg::Seek(Position::default()));
        Ok(session)
    }

    /// Compares the step under the cursor with what was recorded of it.
    fn judge(&self, expected: &Expectation) -> Verdict {
        let differs =
            |path: &str, expected: String, found: String| Verdict::Differs { path: path.to_owned(), expected, found };
        let (Some(outcome), Some(Machine::Recorded(kernel))) = (self.outcome(), self.whole.machine(MachineId(0)))
        else {
            return differs("", "a step".to_owned(), "nothing".to_owned());
        };
        let answer = match &outcome.answer {
            Answer::Recorded(answer) => Ok(answer.clone()),
            Answer::Halted(halt) => Err(halt.clone()),
            other => return differs("out", "an answer of the driver".to_owned(), format!("{other:?}")),
        };
        let noted: Vec<Noted<'_>> = outcome.events.iter().filter_map(noted).collect();
        match expected.judge(kernel, &answer, &noted) {
            None => Verdict::Agrees,
            Some(difference) => {
                let side =
                    |value: Option<serde_json::Value>| value.map_or_else(|| "nothing".to_owned(), |v| v.to_string());
                differs(&difference.path, side(difference.expected), side(difference.found))
            }
        }
    }

    /// How a step of a recording compares with what was recorded; none of a step that was not.
    #[must_use]
    pub fn verdict(&self, step: StepId) -> Option<&Verdict> {
        self.verdicts.get(&step)
    }

    /// The steps of a recording that agree, and those that do not; none of a session that is no recording.
    #[must_use]
    pub fn verdicts(&self) -> Option<(usize, usize)> {
        let agree = self.verdicts.values().filter(|verdict| **verdict == Verdict::Agrees).count();
        (!self.verdicts.is_empty()).then(|| (agree, self.verdicts.len() - agree))
    }

    /// A session as its file says.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn open(text: &str) -> Result<Session, FileError> {
        let Opened { file, history, differs } = file::open(text)?;
        let mut session = Session::around(&file.title, file.machines, history);
        session.names = file.names;
        session.captions = file.captions;
        session.marks = file.marks;
        session.branches = file.branches;
        session.differs = differs;
        session.verdicts = file.verdicts;
        let tip = if file.tip == StepId::START { StepId(session.history.len()) } else { file.tip };
        session.update(Msg::GoTo(tip));
        session.update(Msg::GoTo(file.cursor));
        Ok(session)
    }

    /// The session as a file.
    #[must_use]
    pub fn to_file(&self) -> SessionFile {
        SessionFile {
            format: file::FORMAT.to_owned(),
            title: self.title.clone(),
            machines: self.machines.clone(),
            steps: file::lines(&self.history),
            cursor: self.cursor(),
            tip: self.tip(),
            branches: self.branches.clone(),
            marks: self.marks.clone(),
            names: self.names.clone(),
            captions: self.captions.clone(),
            verdicts: self.verdicts.clone(),
        }
    }

    /// What a person calls it.
    #[must_use]
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The machines it started from.
    #[must_use]
    pub fn machines(&self) -> &[MachineSetup] {
        &self.machines
    }

    /// Everything that was done.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The steps that Back and Forward walk, the start first.
    #[must_use]
    pub fn path(&self) -> &[StepId] {
        &self.path
    }

    /// Where the person stands.
    #[must_use]
    pub fn at(&self) -> Position {
        self.at
    }

    /// The step under the cursor.
    #[must_use]
    pub fn cursor(&self) -> StepId {
        self.path[self.at.step as usize]
    }

    /// The last step of the path.
    #[must_use]
    pub fn tip(&self) -> StepId {
        *self.path.last().expect("a path has at least the start")
    }

    /// The number of the last step of the path.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.path.len() as u32 - 1
    }

    /// The world where the person stands, inside a step if they do.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The world after the whole step under the cursor: what an op would be done to.
    #[must_use]
    pub fn whole_world(&self) -> &World {
        &self.whole
    }

    /// What the step under the cursor did; nothing at the start.
    #[must_use]
    pub fn outcome(&self) -> Option<&Outcome> {
        self.outcome.as_deref()
    }

    /// The stops of the step under the cursor, each as a number of events.
    #[must_use]
    pub fn stops(&self) -> &[usize] {
        &self.stops
    }

    /// How many events of the step under the cursor have happened where the person stands.
    #[must_use]
    pub fn events_done(&self) -> usize {
        let all = self.outcome.as_ref().map_or(0, |outcome| outcome.events.len());
        self.at.stop.and_then(|stop| self.stops.get(usize::from(stop) - 1)).copied().unwrap_or(all)
    }

    /// What is looked at.
    #[must_use]
    pub fn selection(&self) -> Option<Selection> {
        self.selection
    }

    /// Whether the session plays by itself.
    #[must_use]
    pub fn playing(&self) -> bool {
        self.playing
    }

    /// The marked steps.
    #[must_use]
    pub fn marks(&self) -> &[StepId] {
        &self.marks
    }

    /// Names of branches, by their last step.
    #[must_use]
    pub fn branches(&self) -> &BTreeMap<String, StepId> {
        &self.branches
    }

    /// Every last step of a branch, oldest first.
    #[must_use]
    pub fn tips(&self) -> Vec<StepId> {
        (0..=self.history.len()).map(StepId).filter(|step| self.history.children(*step).next().is_none()).collect()
    }

    /// What people call the address spaces.
    #[must_use]
    pub fn names(&self) -> &[SpaceName] {
        &self.names
    }

    /// What a person calls an address space.
    #[must_use]
    pub fn name_of(&self, machine: MachineId, space: AsId) -> String {
        let named = self.names.iter().find(|name| name.machine == machine && name.space == space);
        named.map_or_else(|| format!("process {}", space.0), |name| name.name.clone())
    }

    /// What a story says of a step.
    #[must_use]
    pub fn caption(&self, step: StepId) -> Option<&str> {
        self.captions.get(&step).map(String::as_str)
    }

    /// The first step that answered otherwise than the file this session came from says.
    #[must_use]
    pub fn differs(&self) -> Option<StepId> {
        self.differs
    }

    /// What `op` would do if it were done here. It is done to a copy, so what is foretold is what happens.
    pub fn forecast(&self, op: &Op) -> Outcome {
        World::clone(&self.whole).apply(op)
    }

    /// Does what is asked for.
    pub fn update(&mut self, msg: Msg) {
        match msg {
            Msg::Do(op) => self.push(op),
            Msg::Seek(to) => self.seek(to),
            Msg::GoTo(step) => self.go_to(step),
            Msg::By(steps) => self.by(steps),
            Msg::Undo => self.by(-1),
            Msg::Redo => self.by(1),
            Msg::StopForward => self.stop_forward(),
            Msg::StopBack => self.stop_back(),
            Msg::Play(on) => self.playing = on && self.at.step < self.last(),
            Msg::Tick => {
                self.by(1);
                self.playing = self.playing && self.at.step < self.last();
            }
            Msg::Select(selection) => self.selection = selection,
            Msg::ToggleMark => {
                let step = self.cursor();
                match self.marks.iter().position(|mark| *mark == step) {
                    Some(i) => drop(self.marks.remove(i)),
                    None => self.marks.push(step),
                }
            }
            Msg::NameBranch(name) => {
                let tip = self.tip();
                self.branches.retain(|_, step| *step != tip);
                if !name.is_empty() {
                    self.branches.insert(name, tip);
                }
            }
        }
    }

    fn push(&mut self, op: Op) {
        let at = self.cursor();
        let mut world = World::clone(&self.whole);
        let (step, outcome) = self.history.push(at, op, &mut world);
        self.visited.insert(at, step);
        if self.path.get(self.at.step as usize + 1) != Some(&step) {
            self.path.truncate(self.at.step as usize + 1);
            self.path.push(step);
            self.extend_path();
        }
        self.at = Position { step: self.at.step + 1, stop: None };
        self.stand(world, Some(outcome));
    }

    /// Goes on from the end of the path as it was last gone, or first done.
    fn extend_path(&mut self) {
        loop {
            let tip = self.tip();
            let next = self.visited.get(&tip).copied().or_else(|| self.history.children(tip).next());
            match next {
                Some(next) => self.path.push(next),
                None => return,
            }
        }
    }

    fn seek(&mut self, to: Position) {
        let step = to.step.min(self.last());
        if step != self.at.step {
            if step > 0 {
                self.visited.insert(self.path[step as usize - 1], self.path[step as usize]);
            }
            self.at = Position { step, stop: None };
            let id = self.cursor();
            let (world, outcome) = match self.history.parent(id) {
                None => (self.history.world_at(id), None),
                Some(parent) => {
                    let mut world = self.history.world_at(parent);
                    let outcome = self.history.op(id).map(|op| world.apply(op));
                    (world, outcome)
                }
            };
            self.stand(world, outcome);
        }
        // The last stop is the whole step.
        let stop = to.stop.filter(|stop| *stop > 0 && usize::from(*stop) < self.stops.len());
        if stop != self.at.stop {
            self.at.stop = stop;
            self.world = match stop {
                None => self.whole.clone(),
                Some(stop) => Rc::new(self.history.world_within(self.cursor(), self.stops[usize::from(stop) - 1])),
            };
        }
    }

    fn stand(&mut self, world: World, outcome: Option<Outcome>) {
        self.stops = Rc::new(outcome.as_ref().map(|outcome| stops(&outcome.events)).unwrap_or_default());
        self.outcome = outcome.map(Rc::new);
        self.whole = Rc::new(world);
        self.world = self.whole.clone();
    }

    fn go_to(&mut self, step: StepId) {
        if !self.history.contains(step) {
            return;
        }
        let depth = self.history.depth(step);
        if self.path.get(depth as usize) != Some(&step) {
            let mut path = vec![StepId::START];
            path.extend(self.history.path(step));
            for pair in path.windows(2) {
                self.visited.insert(pair[0], pair[1]);
            }
            self.path = path;
            self.extend_path();
            // Whatever was under the cursor may be of another branch now.
            self.at = Position::default();
            self.stand(self.history.world_at(StepId::START), None);
        }
        self.seek(Position { step: depth, stop: None });
    }

    fn by(&mut self, steps: i64) {
        // From inside a step, one step back is to before it, and one forward to its end.
        let end_of_this = i64::from(self.at.stop.is_some() && steps > 0);
        let to = (i64::from(self.at.step) + steps - end_of_this).clamp(0, i64::from(self.last()));
        self.seek(Position { step: to as u32, stop: None });
    }

    fn stop_forward(&mut self) {
        match self.at.stop {
            Some(stop) => self.seek(Position { step: self.at.step, stop: Some(stop + 1) }),
            None if self.at.step < self.last() => {
                self.seek(Position { step: self.at.step + 1, stop: None });
                self.seek(Position { step: self.at.step, stop: Some(1) });
            }
            None => {}
        }
    }

    fn stop_back(&mut self) {
        let stop = self.at.stop.unwrap_or(self.stops.len().try_into().unwrap_or(u16::MAX));
        if stop > 1 {
            self.seek(Position { step: self.at.step, stop: Some(stop - 1) });
        } else {
            self.seek(Position { step: self.at.step.saturating_sub(1), stop: None });
        }
    }
}

/// The stops of an op: after each door that came back, and after each run of changes made outside of doors. Given as numbers of events, the
/// last being where nothing more changes.
#[must_use]
pub fn stops(events: &[Event]) -> Vec<usize> {
    let mut stops = Vec::new();
    let mut inside_door = 0_u32;
    let mut rooms: Vec<bool> = Vec::new();
    let mut changed = false;
    for (i, event) in events.iter().enumerate() {
        let opens = opens(event);
        let closes = matches!(event, Event::Kernel(KernelEvent::Returned(_)) | Event::Xen(XenEvent::Returned(_)));
        if let Some(is_door) = opens {
            if changed && inside_door == 0 {
                stops.push(i);
                changed = false;
            }
            rooms.push(is_door);
            inside_door += u32::from(is_door);
        } else if closes {
            if rooms.pop() == Some(true) {
                inside_door -= 1;
                if changed && inside_door == 0 {
                    stops.push(i + 1);
                    changed = false;
                }
            }
        } else if changes(event) {
            changed = true;
        }
    }
    if changed {
        stops.push(events.len());
    }
    stops
}

/// Whether an event changes anything but who holds which lock.
#[must_use]
pub fn changes(event: &Event) -> bool {
    match event {
        Event::Kernel(event) => !matches!(
            event,
            KernelEvent::Called(_) | KernelEvent::Returned(_) | KernelEvent::Injected | KernelEvent::Lock { .. }
        ),
        Event::Xen(event) => !matches!(event, XenEvent::Called(_) | XenEvent::Returned(_)),
        Event::Pte(_) => true,
        Event::Mock(event) => !matches!(event, MockEvent::InjectionCounted { .. }),
    }
}

/// An event as the judge of recordings takes it.
fn noted(event: &Event) -> Option<Noted<'_>> {
    match event {
        Event::Kernel(event) => Some(Noted::Kernel(event)),
        Event::Mock(event) => Some(Noted::Mock(event)),
        Event::Xen(_) | Event::Pte(_) => None,
    }
}

/// Whether an event enters a function, and whether that is a door: one whose inside belongs to somebody else.
#[must_use]
pub fn opens(event: &Event) -> Option<bool> {
    match event {
        Event::Kernel(KernelEvent::Called(call)) => Some(is_door(call)),
        Event::Xen(XenEvent::Called(_)) => Some(true),
        Event::Kernel(_) | Event::Xen(_) | Event::Pte(_) | Event::Mock(_) => None,
    }
}

fn is_door(call: &Call) -> bool {
    match call {
        Call::AsMap { .. }
        | Call::AsUnmap { .. }
        | Call::AsFault { .. }
        | Call::AsDup { .. }
        | Call::AsFree { .. }
        | Call::AsSetprot { .. }
        | Call::AsIncore { .. }
        | Call::SegFree { .. }
        | Call::IoctlMmap { .. }
        | Call::IoctlMmapBatch { .. }
        | Call::TapRegister { .. }
        | Call::SegmfCreate { .. }
        | Call::SegmfDup { .. }
        | Call::SegmfUnmap { .. }
        | Call::SegmfFree { .. }
        | Call::SegmfFault { .. }
        | Call::SegmfFaultpage { .. }
        | Call::SegmfSoftunlock { .. }
        | Call::SegmfSetprot { .. }
        | Call::SegmfIncore { .. }
        | Call::SegmfAddMfns { .. }
        | Call::SegmfAddGrefs { .. }
        | Call::SegmfReleaseGrefs { .. }
        | Call::SegmfAddGrefPte { .. } => false,
        Call::HatMap { .. }
        | Call::HatDevload { .. }
        | Call::HatUnload { .. }
        | Call::HatUnlock { .. }
        | Call::HatPrepareMapping { .. }
        | Call::HatReleaseMapping { .. }
        | Call::HatFreeStart { .. }
        | Call::HatFreeEnd { .. }
        | Call::MmuUpdate { .. }
        | Call::PtwrEmulate { .. }
        | Call::UpdateVaMapping { .. }
        | Call::UpdateVaMappingOtherdomain { .. }
        | Call::MapGrantRefs { .. }
        | Call::UnmapGrantRefs { .. }
        | Call::PinTable { .. }
        | Call::UnpinTable { .. }
        | Call::Specfind { .. }
        | Call::VopAddmap { .. }
        | Call::VopDelmap { .. }
        | Call::VnHold { .. }
        | Call::VnRele { .. }
        | Call::CvBroadcast { .. }
        | Call::Uprintf { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{Msg, Position, Session};
    use crate::sim::{StepId, scenarios};

    fn saver() -> Session {
        Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built")
    }

    #[test]
    fn acting_in_the_past_opens_a_branch_and_keeps_the_future() {
        let mut session = saver();
        let all = session.last();
        session.update(Msg::Seek(Position { step: 2, stop: None }));
        let exit = session.history().op(session.tip()).expect("the last step is an op").clone();
        session.update(Msg::Do(exit));
        assert_eq!((session.last(), session.tips().len()), (3, 2));
        session.update(Msg::GoTo(StepId(all)));
        assert_eq!((session.last(), session.at().step), (all, all));
        session.update(Msg::By(-i64::from(all)));
        assert_eq!(session.at(), Position::default());
    }

    #[test]
    fn walking_stop_by_stop_meets_every_step_whole() {
        let mut session = saver();
        let mut wholes = 0;
        while session.at().step < session.last() || session.at().stop.is_some() {
            session.update(Msg::StopForward);
            if session.at().stop.is_none() {
                wholes += 1;
                assert_eq!(session.world(), &session.history().world_at(session.cursor()));
            }
        }
        assert_eq!(wholes, session.last());
        let mut back = saver();
        back.update(Msg::By(3));
        let stops = back.stops().len() as u16;
        assert!(stops > 8, "the batch of four pages has {stops} stops");
        back.update(Msg::StopBack);
        assert_eq!(back.at(), Position { step: 3, stop: Some(stops - 1) });
    }

    #[test]
    fn a_recording_is_replayed_and_judged_step_by_step() {
        let text = include_bytes!("../../tests/vectors/segmf/lifecycle-save-restore.json");
        let recording = crate::mock::read_recordings(text).expect("a recording").remove(0);
        let session = Session::of_recording(&recording, &recording.main).expect("its set-up can be built");
        assert_eq!(session.verdicts(), Some((recording.main.steps.len(), 0)));
        let mut spoilt = recording.clone();
        spoilt.main.steps[1].expected.out["ret"] = "14".into();
        let session = Session::of_recording(&spoilt, &spoilt.main).expect("its set-up can be built");
        let verdict = session.verdict(StepId(2)).expect("step 2 was recorded");
        assert!(matches!(verdict, super::Verdict::Differs { path, .. } if path == "out.ret"), "{verdict:?}");
    }

    #[test]
    fn a_session_comes_back_from_its_file_as_it_was() {
        let mut session = saver();
        session.update(Msg::By(4));
        let text = crate::sim::file::write(&session.to_file());
        let again = Session::open(&text).expect("what was written can be read");
        assert_eq!(again.to_file(), session.to_file());
        assert_eq!((again.world(), again.differs()), (session.world(), None));
    }
}
