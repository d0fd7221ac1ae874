//! The judge of `seg_mf`: replays every recording of the driver on the mock kernel, then makes sure that it can tell a difference.

use crate::files::{Found, folder, list};
use crate::native::Tally;
use mapscope::mock::{Difference, MAX_TEXT_BYTES, Recording, Run, read_lines, read_recordings, replay};
use serde_json::{Value, json};
use std::sync::Arc;

/// Runs all recordings of the folder.
pub fn judge() -> Tally {
    let folder = folder("segmf");
    let all = match list(&folder) {
        Ok(files) => files,
        Err(error) => {
            println!("segmf: {}: {error}", folder.display());
            return Tally::of(1, 1);
        }
    };
    if all.is_empty() {
        println!("segmf: no recording in {}", folder.display());
        return Tally::of(1, 1);
    }
    let mut counts = Counts::default();
    let mut recordings = Vec::new();
    for file in all {
        match read(&file) {
            Ok(read) => {
                recordings.extend(read.into_iter().filter(|recording| counts.compare(&file, recording)));
            }
            Err(reason) => {
                println!("{}: {reason}", file.path.display());
                counts.unreadable += 1;
            }
        }
    }
    let Counts { scenarios, variants, steps, differ, unreadable } = counts;
    let own = tell_differences(&recordings);
    println!("segmf: {scenarios} scenarios ({variants} variants), {steps} steps, {differ} differ");
    Tally::of(scenarios + variants + unreadable, differ + unreadable).and(own)
}

fn read(file: &Found) -> Result<Vec<Recording>, String> {
    let text = file.text(MAX_TEXT_BYTES).map_err(|error| error.to_string())?;
    let read =
        if file.by_lines { read_lines(&text) } else { read_recordings(&text) }.map_err(|error| error.to_string())?;
    if read.is_empty() { Err("there is no scenario in it".to_owned()) } else { Ok(read) }
}

#[derive(Default)]
struct Counts {
    scenarios: u64,
    variants: u64,
    steps: u64,
    differ: u64,
    unreadable: u64,
}

impl Counts {
    /// Whether all runs of a recording go as recorded.
    fn compare(&mut self, file: &Found, recording: &Recording) -> bool {
        let before = self.differ;
        self.scenarios += 1;
        self.variants += recording.variants.len() as u64;
        for (i, run) in recording.runs().enumerate() {
            self.steps += run.steps.len() as u64;
            if let Some((step, difference)) = replay(recording, run) {
                self.differ += 1;
                let which = if i == 0 { String::new() } else { format!(", variant {}", i - 1) };
                println!("{}: {}{which}, step {step}: {difference}", file.path.display(), recording.name);
            }
        }
        self.differ == before
    }
}

/// Changes one recorded value of every run that went as recorded, another one each time, and expects to be told exactly that.
fn tell_differences(recordings: &[Recording]) -> Tally {
    let mut turn = 0;
    let mut missed = 0;
    for recording in recordings {
        for which in 0..=recording.variants.len() {
            let mut changed = recording.clone();
            let Some(expected) = change_one(run_mut(&mut changed, which), turn) else { continue };
            turn += 1;
            let run = changed.runs().nth(which).expect("the run that was changed");
            let found = replay(&changed, run);
            if found.as_ref() != Some(&expected) {
                missed += 1;
                println!("{}: changed step {}: {}\n  was told: {found:?}", recording.name, expected.0, expected.1);
            }
        }
    }
    println!("segmf: {turn} recorded values changed one at a time, {missed} of them not told");
    if turn == 0 { Tally::of(1, 1) } else { Tally::of(turn, missed) }
}

fn run_mut(recording: &mut Recording, which: usize) -> &mut Run {
    match which.checked_sub(1) {
        None => &mut recording.main,
        Some(variant) => &mut recording.variants[variant],
    }
}

/// Changes the value whose turn it is, of the step whose turn it is; none if the run has no step of its own.
fn change_one(run: &mut Run, turn: u64) -> Option<(usize, Difference)> {
    let own = (turn * 7 + 3) as usize % run.steps.len().max(1);
    let step = run.steps.get_mut(own)?;
    let mut state = Value::clone(&step.expected.state);
    let mut leaves = Vec::new();
    collect_leaves("out".to_owned(), &mut step.expected.out, &mut leaves);
    collect_leaves("state".to_owned(), &mut state, &mut leaves);
    let chosen = (turn * 31) as usize % leaves.len();
    let (path, leaf) = leaves.swap_remove(chosen);
    let found = std::mem::replace(leaf, json!("changed"));
    step.expected.state = Arc::new(state);
    Some((run.from_step + own, Difference { path, expected: Some(json!("changed")), found: Some(found) }))
}

/// Everything that is no list and no object, with the way to it.
fn collect_leaves<'v>(path: String, value: &'v mut Value, leaves: &mut Vec<(String, &'v mut Value)>) {
    match value {
        Value::Object(members) => {
            members.iter_mut().for_each(|(name, value)| collect_leaves(format!("{path}.{name}"), value, leaves));
        }
        Value::Array(list) => {
            list.iter_mut().enumerate().for_each(|(i, value)| collect_leaves(format!("{path}[{i}]"), value, leaves));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push((path, value)),
    }
}
