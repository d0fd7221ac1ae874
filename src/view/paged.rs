//! The page made of the bench: every panel's data at the cursor.

use std::rc::Rc;

use crate::sim::file::Verdict;
use crate::sim::{StepId, scenarios};
use crate::view::actions::{Actions, Ends, Field, Forecast, Form, Input, VerbButton};
use crate::view::bench::{Bench, start_sentence};
use crate::view::changes::{Places, of_step};
use crate::view::command::{Choice, Dialog, Place, Verb};
use crate::view::facts::inspect;
use crate::view::find::Palette;
use crate::view::forms::Desk;
use crate::view::inspector::{Inspector, Section};
use crate::view::kinds::Kind;
use crate::view::look::Look;
use crate::view::page::{Banner, Page};
use crate::view::rules::rule;
use crate::view::search::search;
use crate::view::sheets::place;
use crate::view::story::{ChangeRow, Story, StoryRow, When};
use crate::view::strip::Strip;
use crate::view::telling::{stop_sentence, tree};
use crate::view::text::{Line, grouped, plain};
use crate::view::top::Top;
use crate::view::{offers, settings};

/// Steps shown before and after the cursor.
const STEPS_ROUND: usize = 60;
/// Changes shown of one step.
const MOST_CHANGES: usize = 60;
/// Steps that touched a selection, as chips.
const MOST_TOUCHED: usize = 40;

impl Bench {
    /// All that is painted, but for the map.
    pub fn page(&mut self) -> Page {
        let story = self.story();
        Page {
            top: Rc::new(self.top()),
            actions: Rc::new(self.actions()),
            inspector: self.inspector().map(Rc::new),
            strip: Some(Rc::new(self.strip())),
            banner: self.first_visit.then(|| self.banner(&story)),
            story: Rc::new(story),
            tab: self.tab,
            over: self.over,
            palette: Rc::new(self.palette()),
            opened: Rc::new(self.opened.clone()),
            sheet: self.sheet,
            drawer: self.drawer,
            form_open: self.form_open,
            armed: self.armed,
            letters: self.letters,
            seek_complaint: self.seek_complaint.clone(),
        }
    }

    fn strip(&mut self) -> Strip {
        self.follow_breaks();
        Strip::of(&self.session, self.breaks(), &self.names(), self.invariant)
    }

    fn palette(&self) -> Palette {
        match self.over {
            Some(Dialog::Find) => search(&self.typed, &self.session, &self.names()),
            Some(Dialog::Keys | Dialog::Open | Dialog::Share) | None => Palette::default(),
        }
    }

    fn banner(&self, story: &Story) -> Banner {
        let at = self.session.at();
        let caption = self.session.caption(self.session.cursor());
        let spoken = || crate::view::text::spoken(&story.sentence);
        Banner {
            sentence: caption.map_or_else(spoken, str::to_owned),
            told: u64::from(at.step),
            of: u64::from(self.session.last()),
        }
    }

    fn top(&self) -> Top {
        let (machine, machine_words) = settings::of(&self.session);
        let tips = self.session.tips();
        let branch = |(at, tip): (usize, &StepId)| {
            let named = self.session.branches().iter().find(|(_, step)| *step == tip).map(|(name, _)| name.clone());
            let usual = if at == 0 { "main".to_owned() } else { format!("branch {}", at + 1) };
            Choice::new(named.unwrap_or(usual), format!("{} steps", self.session.history().depth(*tip)))
        };
        let story = |story: &scenarios::Scenario| Choice::new(story.title, format!("{} steps", story.steps.len()));
        Top {
            scenarios: scenarios::all().iter().map(story).collect(),
            scenario: self.scenario,
            title: self.session.title().to_owned(),
            driver: None,
            machine,
            machine_words,
            at: place(self.session.at()),
            last: u64::from(self.session.last()),
            micros: u32::try_from(self.session.stops().len()).unwrap_or(u32::MAX),
            playing: self.session.playing(),
            branches: tips.iter().enumerate().map(branch).collect(),
            branch: tips.iter().position(|tip| *tip == self.session.tip()).unwrap_or(0),
        }
    }

    fn story(&mut self) -> Story {
        let at = self.session.at();
        let here = at.step as usize;
        let path = self.session.path().len();
        let (first, end) = (here.saturating_sub(STEPS_ROUND), (here + STEPS_ROUND).min(path));
        let told = self.tell(first, end);
        let row = |(place, (sentence, glyph)): (usize, &(String, _))| StoryRow {
            step: place as u64,
            glyph: *glyph,
            sentence: sentence.clone(),
            when: match place.cmp(&here) {
                std::cmp::Ordering::Less => When::Past,
                std::cmp::Ordering::Equal => When::Now,
                std::cmp::Ordering::Greater => When::Later,
            },
        };
        let rows: Vec<StoryRow> = (first..).zip(&told).map(row).collect();
        let sentence = told.get(here - first).map(|(sentence, _)| sentence.clone()).unwrap_or_default();
        let opened = self.opened_step(&sentence);
        Story {
            before: first as u64,
            rows,
            after: (path - end) as u64,
            sentence: opened.sentence,
            place: place(at),
            calls_before: opened.tree.before,
            calls: opened.tree.rows,
            calls_after: opened.tree.after,
            changes: opened.changes,
            remark: opened.remark,
        }
    }

    fn opened_step(&self, told: &str) -> OpenedStep {
        let step = self.session.cursor();
        let (Some(op), Some(outcome)) = (self.session.history().op(step), self.session.outcome()) else {
            return self.unopened();
        };
        let names = self.names();
        let parent = self.session.history().parent(step).unwrap_or(StepId::START);
        let before = self.session.history().world_at(parent);
        let places = Places {
            names: &names,
            machine: op.machine,
            before: Look::of(&before, op.machine),
            after: Look::of(self.session.whole_world(), op.machine),
        };
        let (events, stops, stop) = (&outcome.events, self.session.stops(), self.session.at().stop);
        let since =
            |stop: u16| usize::from(stop).checked_sub(2).and_then(|before| stops.get(before)).copied().unwrap_or(0);
        let (sentence, mut changes, mut remark) = match stop {
            Some(stop) => {
                let done = self.session.events_done();
                let changes = of_step(places, &events[since(stop)..done]);
                (stop_sentence(places, events, stops, stop), changes, None)
            }
            None => {
                let caption = self.session.caption(step).unwrap_or(told);
                let rule = rule(places.before, op, &outcome.answer, events);
                (capital(caption), of_step(places, events), Some(rule).filter(|rule| !is_empty(rule)))
            }
        };
        if changes.len() > MOST_CHANGES {
            let more = changes.len() - MOST_CHANGES;
            changes.truncate(MOST_CHANGES);
            remark = remark.or_else(|| Some(plain(format!("and {} more", grouped(more as u64)))));
        }
        if let Some(verdict) = self.session.verdict(step).filter(|_| stop.is_none()) {
            remark.get_or_insert_default().extend(plain(verdict_sentence(verdict)));
        }
        OpenedStep { sentence, tree: tree(places, events, stops, stop), changes, remark }
    }

    /// The start: what this story or session is about.
    fn unopened(&self) -> OpenedStep {
        let about = self.scenario.and_then(|index| scenarios::all().into_iter().nth(index)).map(|story| story.about);
        let sentence = about.map_or_else(|| capital(&start_sentence(self.session.whole_world())), plain);
        OpenedStep { sentence, tree: crate::view::telling::Tree::default(), changes: Vec::new(), remark: None }
    }

    fn inspector(&mut self) -> Option<Inspector> {
        let selection = self.session.selection()?;
        let mut shown = inspect(self.session.world(), &self.names(), selection)?;
        let touched = self.touched();
        if !touched.is_empty() {
            let at = self.session.at().step as usize;
            let near = touched.iter().position(|step| *step as usize >= at).unwrap_or(touched.len());
            let first = near.saturating_sub(MOST_TOUCHED / 2);
            let places = touched.iter().skip(first).take(MOST_TOUCHED).map(|step| Place::step(*step)).collect();
            shown.sections.push(Section::Touched { places, now: Place::step(at as u64) });
        }
        let invariants = self.named(selection);
        if !invariants.is_empty() {
            shown.sections.push(Section::Named { invariants });
        }
        Some(shown)
    }

    fn actions(&mut self) -> Actions {
        let at_hand = self.at_hand();
        let world = self.session.whole_world();
        let desk = self.desk(world);
        let names = self.names();
        let machine = self.machine();
        let actors = self.actors();
        let verb = |verb: Verb| VerbButton {
            verb,
            chosen: self.kind.and_then(Kind::verb) == Some(verb),
            refused: at_hand.refused.contains(&verb),
            not_here: not_here(verb, desk.as_ref()),
        };
        Actions {
            actor: self.actor().and_then(|actor| actors.iter().position(|space| *space == actor)).unwrap_or(0),
            actors: actors
                .iter()
                .map(|space| Choice::new(names.space(machine, *space), format!("as {space}")))
                .collect(),
            verbs: Verb::ALL.into_iter().map(verb).collect(),
            form: self.kind.zip(desk.as_ref()).map(|(kind, desk)| self.form(kind, desk)),
            also: at_hand.also.into_iter().map(|offered| offered.offer).collect(),
            others: at_hand.others.into_iter().map(|offered| offered.offer).collect(),
            all: Kind::ALL.len(),
        }
    }

    fn form(&self, kind: Kind, desk: &Desk<'_>) -> Form {
        let siblings: Vec<String> = kind.siblings().into_iter().map(|kind| kind.name().to_owned()).collect();
        let input = if siblings.len() > 1 { Input::Choice(siblings) } else { Input::Fixed };
        let mut fields = vec![Field {
            label: "call".to_owned(),
            value: kind.name().to_owned(),
            origin: None,
            complaint: None,
            input,
        }];
        for (at, blank) in desk.blanks(kind).into_iter().enumerate() {
            let edited = self.edits.get(&at).filter(|typed| **typed != blank.value);
            fields.push(Field {
                label: blank.label.to_owned(),
                value: edited.cloned().unwrap_or(blank.value),
                origin: blank.origin.filter(|_| edited.is_none()),
                complaint: None,
                input: blank.input,
            });
        }
        let forecast = match desk.read(kind, &self.values(desk, kind)) {
            Err(wrong) => {
                for (at, why) in wrong {
                    let field = if at + 1 < fields.len() { at + 1 } else { 0 };
                    fields[field].complaint.get_or_insert(why);
                }
                None
            }
            Ok(op) => {
                let forecast = offers::forecast(self.session.whole_world(), &op);
                if forecast.is_none() {
                    let most = grouped(offers::PATIENCE as u64);
                    let last = fields.len() - 1;
                    fields[last].complaint = Some(format!("This runs through more than {most} events: too many here."));
                }
                forecast
            }
        };
        Form { fields, commit: commit(kind, forecast.as_ref()), forecast }
    }
}

/// What the middle and right of the story show.
struct OpenedStep {
    sentence: Line,
    tree: crate::view::telling::Tree,
    changes: Vec<ChangeRow>,
    remark: Option<Line>,
}

fn not_here(verb: Verb, desk: Option<&Desk<'_>>) -> Option<String> {
    match (desk, verb) {
        (None, _) => Some("This machine is a recording: its steps are played again, not added to.".to_owned()),
        (Some(desk), Verb::Fault | Verb::Dup | Verb::Unmap) if desk.space.is_none() => {
            Some("There is no process yet: Map starts one.".to_owned())
        }
        (Some(_), Verb::Map | Verb::Fault | Verb::Dup | Verb::Unmap) => None,
    }
}

fn commit(kind: Kind, forecast: Option<&Forecast>) -> String {
    match forecast.map(Forecast::ends) {
        Some(Ends::Refused | Ends::Panics) => format!("{} anyway", kind.commit()),
        Some(Ends::Well) | None => kind.commit(),
    }
}

fn is_empty(line: &Line) -> bool {
    crate::view::text::spoken(line).is_empty()
}

/// A sentence as it stands alone: a capital first, unless it begins with somebody's name.
fn capital(sentence: &str) -> Line {
    if !["a ", "the ", "one ", "an "].iter().any(|article| sentence.starts_with(article)) {
        return plain(sentence);
    }
    let mut letters = sentence.chars();
    plain(letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default())
}

/// How a step of a recording compares, in a sentence.
fn verdict_sentence(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Agrees => "The answer, the calls and the state equal the recording’s.".to_owned(),
        Verdict::Differs { path, expected, found } => {
            format!("The recording differs at {path}: recorded {expected}, found here {found}.")
        }
    }
}
