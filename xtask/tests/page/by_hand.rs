//! A person works: maps, faults, forks and unmaps, goes back and forth in time, with the mouse alone and with keys alone.
//! What the page shows is held against what `window.mapscope.state()` says of the world.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::visit::{Visit, built_site, visit};

/// With what the person works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Hand {
    Mouse,
    Keys,
}

/// A verb: the name on its button, its letter after N, and what it must do to the world.
struct Verb {
    name: &'static str,
    letter: &'static str,
    does: fn(&Counts, &Counts) -> bool,
}

/// How many address spaces and segments the world holds, and how many of their entries are present.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    spaces: usize,
    segments: usize,
    present: usize,
}

const VERBS: [Verb; 4] = [
    Verb { name: "Map", letter: "m", does: |before, after| after.present > before.present },
    Verb { name: "Fault", letter: "f", does: |before, after| after == before },
    Verb { name: "Dup", letter: "d", does: |before, after| after.spaces == before.spaces + 1 },
    Verb { name: "Unmap", letter: "u", does: |before, after| after.segments + 1 == before.segments },
];

/// The step of the first story from which the person goes on by hand: a process has a segment, and nothing in it yet.
const START: u64 = 2;

impl Hand {
    async fn press(self, visit: &Visit, name: &str, key: &str) -> Result<()> {
        match self {
            Hand::Mouse => visit.click(name).await,
            Hand::Keys => visit.press(key).await,
        }
    }

    /// Takes over from the story that plays, and goes to [`START`].
    async fn begin(self, visit: &Visit) -> Result<()> {
        self.press(visit, "Take over", keys::ESCAPE).await?;
        self.press(visit, "First", keys::HOME).await?;
        at_step(visit, 0).await?;
        for step in 1..=START {
            self.press(visit, "Forward", keys::RIGHT).await?;
            at_step(visit, step).await?;
        }
        Ok(())
    }

    /// Opens the verb's form, reads what it foretells, and does it. Gives back the foretold word.
    async fn act(self, visit: &Visit, verb: &Verb) -> Result<String> {
        match self {
            Hand::Mouse => visit.click(verb.name).await?,
            Hand::Keys => {
                leave_the_form(visit).await?;
                visit.press("n").await?;
                visit.press(verb.letter).await?;
            }
        }
        let chosen =
            format!("return document.querySelector('button[aria-label=\"{}\"]').ariaPressed === 'true'", verb.name);
        visit.until(&format!("the form of {} is open", verb.name), &chosen).await?;
        let word =
            "return document.querySelector('form[aria-label=Arguments] [role=status] .word')?.textContent ?? null";
        let foretold = visit.run(word).await?.as_str().map(str::to_owned);
        match self {
            Hand::Mouse => visit.click_on("form[aria-label=Arguments] button[type=submit]").await?,
            Hand::Keys => {
                visit.until("the keys go to the form", IN_FORM).await?;
                visit.press(keys::ENTER).await?;
            }
        }
        foretold.with_context(|| format!("the form of {} foretells nothing", verb.name))
    }
}

/// Keys that write nothing, as WebDriver numbers them (W3C WebDriver, 17.4.2, "Keyboard actions").
mod keys {
    pub const SHIFT: char = '\u{e008}';
    pub const F6: &str = "\u{e036}";
    pub const ENTER: &str = "\u{e007}";
    pub const ESCAPE: &str = "\u{e00c}";
    pub const HOME: &str = "\u{e011}";
    pub const LEFT: &str = "\u{e012}";
    pub const RIGHT: &str = "\u{e014}";
}

/// Whether keys go to the form of a verb.
const IN_FORM: &str = "return document.activeElement?.closest('form[aria-label=Arguments]') != null";

/// In the form letters are typed and arrows move; Shift+F6 goes back to the part of the page before it.
async fn leave_the_form(visit: &Visit) -> Result<()> {
    if visit.run(IN_FORM).await? == true {
        visit.page.action_chain().key_down(keys::SHIFT).send_keys(keys::F6).key_up(keys::SHIFT).perform().await?;
    }
    Ok(())
}

async fn state(visit: &Visit) -> Result<Value> {
    visit.run("return window.mapscope.state()").await
}

/// Waits until the world is at this step, and checks that counter and story say the same.
async fn at_step(visit: &Visit, step: u64) -> Result<Value> {
    visit.until(&format!("step {step}"), &format!("return window.mapscope.state().step === {step}")).await?;
    let counter = format!("return document.querySelector('button.stepno b')?.textContent === '{step}'");
    visit.until(&format!("the counter says {step}"), &counter).await?;
    let story = format!("return document.querySelector('.steps [aria-current=step] .n')?.textContent === '{step}'");
    visit.until(&format!("the story is at {step}"), &story).await?;
    state(visit).await
}

fn counts(state: &Value) -> Result<Counts> {
    let spaces = state["machines"][0]["spaces"].as_array().context("a list of address spaces")?;
    let segments: Vec<&Value> =
        spaces.iter().flat_map(|space| space["segments"].as_array().into_iter().flatten()).collect();
    let pages = segments.iter().flat_map(|segment| segment["pages"].as_array().into_iter().flatten());
    let present = pages.filter(|page| page["pte"] != "0x0").count();
    Ok(Counts { spaces: spaces.len(), segments: segments.len(), present })
}

/// Does all four verbs, then walks back and forth over them. Gives back the world at the end.
async fn work(visit: &Visit, hand: Hand) -> Result<Value> {
    visit.open().await?;
    hand.begin(visit).await?;
    let mut states = vec![at_step(visit, START).await?];
    ensure!(counts(&states[0])? == Counts { spaces: 1, segments: 1, present: 0 }, "the story begins otherwise");
    for verb in &VERBS {
        let before = states.last().context("a state")?.clone();
        let step = before["step"].as_u64().context("a step")? + 1;
        let foretold = hand.act(visit, verb).await?;
        let after = at_step(visit, step).await?;
        ensure!(
            after["answer_word"] == foretold.as_str(),
            "{} foretold {foretold}, but answered {}",
            verb.name,
            after["answer_word"]
        );
        let (before, now) = (counts(&before)?, counts(&after)?);
        ensure!((verb.does)(&before, &now), "{} with {hand:?} turned {before:?} into {now:?}", verb.name);
        states.push(after);
    }
    ensure!(states[4]["last"] == START + 4 && states[4]["branches"] == 2, "acting in the past keeps the old future");
    if hand == Hand::Keys {
        leave_the_form(visit).await?;
    }
    for step in (START..START + 4).rev() {
        hand.press(visit, "Back", keys::LEFT).await?;
        let again = at_step(visit, step).await?;
        let then = &states[(step - START) as usize];
        ensure!(again["machines"] == then["machines"], "going back to step {step} shows another world");
    }
    for step in START + 1..=START + 4 {
        hand.press(visit, "Forward", keys::RIGHT).await?;
        let again = at_step(visit, step).await?;
        let then = &states[(step - START) as usize];
        ensure!(again["machines"] == then["machines"], "going forward to step {step} shows another world");
    }
    state(visit).await
}

#[test]
fn a_person_works_with_the_mouse_or_with_keys_and_gets_the_same() {
    let mouse = visit(&built_site().0, async |visit| work(visit, Hand::Mouse).await);
    let keys = visit(&built_site().0, async |visit| work(visit, Hand::Keys).await);
    assert_eq!(keys["machines"], mouse["machines"], "keys and mouse lead to different worlds");
}
