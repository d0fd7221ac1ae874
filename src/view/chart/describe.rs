//! The picture in words: the card beside the pointer, and the rows as a reader hears them.

use super::run::words_of;
use super::strips::row_name;
use super::{Lane, Moment, Picture, Row, RowId, Run, Stage, State, What};

/// What the card beside the pointer says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Card {
    /// `Step 11`.
    pub title: String,
    /// Whether the moment is not the one at the playhead.
    pub preview: bool,
    /// The step's sentence.
    pub sentence: String,
    /// What the row under the pointer would be in: a name and a value.
    pub facts: Vec<(String, String)>,
    /// Rules that break at this moment.
    pub breaks: Vec<String>,
}

/// The card for a moment, and for the row under the pointer if there is one.
pub fn card(stage: &Stage, at: Moment, row: Option<RowId>) -> Card {
    let picture = stage.picture;
    let mut facts = Vec::new();
    if let Some(id) = row
        && let Some((lane, label)) = row_name(stage, id)
    {
        let name = if label.is_empty() { lane } else { label };
        match picture.run_at(id, at) {
            None => facts.push((name, "nothing".to_owned())),
            Some(run) => {
                let said = value(&run);
                facts.push((name, if said.is_empty() { run.state.words().to_owned() } else { said.clone() }));
                if !said.is_empty() {
                    facts.push(("state".to_owned(), run.state.words().to_owned()));
                }
                facts.push(("steps".to_owned(), span(&run)));
            }
        }
    }
    let breaks = picture.breaks.iter().filter(|mark| mark.at == at || (at.micro == 0 && mark.at.step == at.step));
    Card {
        // At the end of its last micro-step a step is whole.
        title: if picture.last_of(Moment::step(at.step)) == at {
            format!("Step {}", at.step)
        } else {
            format!("Step {at}")
        },
        preview: picture.last_of(picture.cursor) != picture.last_of(at),
        sentence: picture.steps.get(at.step as usize).map_or_else(String::new, |mark| mark.sentence.to_string()),
        facts,
        breaks: breaks.map(|mark| mark.rules.to_string()).collect(),
    }
}

fn value(run: &Run) -> String {
    let letter = run.state.letter().unwrap_or_default();
    let words = match run.state {
        State::Count(count) => count.to_string(),
        State::Empty
        | State::Placeholder
        | State::Live(..)
        | State::ZeroCounted
        | State::Refused
        | State::TagOnly(_)
        | State::Leaked
        | State::Region(_)
        | State::Copied(_)
        | State::Absent
        | State::Offered
        | State::Mapped(_)
        | State::Waiting => words_of(run).map_or_else(String::new, ToString::to_string),
    };
    [letter, &words].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}

fn span(run: &Run) -> String {
    if run.to == Moment::OPEN { format!("from {} on", run.from) } else { format!("{} to {}", run.from, run.to) }
}

/// A row as a reader hears it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpokenRow {
    /// Which row.
    pub id: RowId,
    /// Which lane it is in, by name, at the first row of each lane.
    pub lane: Option<String>,
    /// Its sentence: `8000 1000, M, 4C0F1 …705, foreign frame, read only, since step 2.3, breaks I13`.
    pub sentence: String,
    /// Whether it is the selected one.
    pub selected: bool,
}

/// The rows that can be seen, in words, as they are at the playhead; never more than `most`.
pub fn spoken_rows(stage: &Stage, most: usize) -> Vec<SpokenRow> {
    let picture = stage.picture;
    let selected = picture.selection.map(|selection| selection.row);
    let mut spoken = Vec::new();
    for (y, lane) in stage.lanes() {
        let mut name = Some(lane.name.to_string());
        for i in stage.rows(lane, y) {
            let row = &lane.rows()[i];
            if row.key.what == What::Tear {
                continue;
            }
            if spoken.len() == most {
                return spoken;
            }
            let id = RowId { lane: lane.id, key: row.key };
            spoken.push(SpokenRow {
                id,
                lane: name.take(),
                sentence: sentence(picture, lane, row, id),
                selected: selected == Some(id),
            });
        }
    }
    spoken
}

fn sentence(picture: &Picture, lane: &Lane, row: &Row, id: RowId) -> String {
    let at = picture.last_of(picture.cursor);
    let mut parts = Vec::new();
    if !row.label.is_empty() {
        parts.push(row.label.to_string());
    }
    match picture.run_at(id, at) {
        None => parts.push("nothing here now".to_owned()),
        Some(run) => {
            let said = value(&run);
            if !said.is_empty() {
                parts.push(said);
            }
            parts.push(run.state.words().to_owned());
            if run.locked {
                parts.push("locked by the HAT".to_owned());
            }
            parts.push(format!("since step {}", run.from));
        }
    }
    let breaks = lane
        .edges
        .iter()
        .filter(|edge| !edge.passing && edge.at <= at && edge.first <= row.key && row.key <= edge.last);
    let rules: Vec<&str> = breaks.map(|edge| &*edge.rules).collect();
    if !rules.is_empty() {
        parts.push(format!("breaks {}", rules.join(" ")));
    }
    parts.join(", ")
}
