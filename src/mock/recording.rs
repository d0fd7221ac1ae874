//! Reading recordings of the real driver (`segmf-vectors-1`) from bytes that nobody vouches for.
//!
//! A file holds one scenario or a list of them; a scenario has a main run and, where another kernel gives another outcome, variants.
//! What is wrong with a file is said with its line, the way to the member and the reason. Opening files and unpacking are not here.

use super::MockKernel;
use super::json::state_json;
use super::op::SegmfOp;
use super::setup::{Setup, StackFill};
use super::verdict::Expectation;
use crate::illumos::abi::KernelBuild;
use crate::word::json;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// The one format there is.
const FORMAT: &str = "segmf-vectors-1";
/// The longest text that is read.
pub const MAX_TEXT_BYTES: usize = 64 << 20;
/// The most steps a text may hold, those of variants included.
pub const MAX_STEPS: usize = 100_000;

/// A scenario and how it ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recording {
    /// What it shows, as a name.
    pub name: String,
    /// What to look at.
    pub about: String,
    /// What a random one grew from.
    pub seed: Option<u64>,
    /// The world before the first step.
    pub setup: Setup,
    /// The run on the kernel of the file.
    pub main: Run,
    /// Runs on other kernels, where they end otherwise.
    pub variants: Vec<Run>,
}

/// A run of a scenario on one kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// With ASSERTs or without.
    pub kernel: KernelBuild,
    /// What variables nobody wrote read as.
    pub stack: StackFill,
    /// Where `steps` begin; the steps before are those of the main run, whose own is 0.
    pub from_step: usize,
    /// The steps from there on.
    pub steps: Vec<RecordedStep>,
    /// How the run ends.
    pub ends: Ends,
}

/// A step: the operation, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStep {
    /// The operation.
    pub op: SegmfOp,
    /// What it answered and left.
    pub expected: Expectation,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ends {
    /// After its last operation.
    Normal,
    /// In its last operation.
    Panic,
}

impl Recording {
    /// The main run, then the variants.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        std::iter::once(&self.main).chain(&self.variants)
    }

    /// All steps of a run, those it shares with the main run first.
    pub fn steps<'r>(&'r self, run: &'r Run) -> impl Iterator<Item = &'r RecordedStep> {
        self.main.steps.iter().take(run.from_step).chain(&run.steps)
    }

    /// The kernel of a run before its first step.
    #[must_use]
    pub fn kernel(&self, run: &Run) -> MockKernel {
        MockKernel::new(&self.setup, run.kernel, run.stack)
    }
}

/// Why a text is no recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    /// The line, from 1, where it could be told.
    pub line: Option<usize>,
    /// The way to the member at fault, as in `scenarios[3].steps[0].op`; empty for the text as a whole.
    pub path: String,
    /// What is wrong with it.
    pub reason: String,
}

impl std::error::Error for ReadError {}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.reason)
    }
}

impl ReadError {
    fn of(path: impl Into<String>, reason: impl Into<String>) -> ReadError {
        ReadError { line: None, path: path.into(), reason: reason.into() }
    }
}

/// Reads a file: one scenario, or a list of them.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_recordings(text: &[u8]) -> Result<Vec<Recording>, ReadError> {
    bounded(text)?;
    read_one(text, 0, &mut 0)
}

/// Reads a file with one such object on each line; blank lines are skipped.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn read_lines(text: &[u8]) -> Result<Vec<Recording>, ReadError> {
    bounded(text)?;
    let mut steps = 0;
    let mut all = Vec::new();
    for (before, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if !line.trim_ascii().is_empty() {
            all.extend(read_one(line, before, &mut steps)?);
        }
    }
    Ok(all)
}

fn bounded(text: &[u8]) -> Result<(), ReadError> {
    match text.len() {
        0..=MAX_TEXT_BYTES => Ok(()),
        found => Err(ReadError::of("", format!("{found} bytes are more than the {MAX_TEXT_BYTES} that are read"))),
    }
}

/// Reads one object. `before` is the number of lines before it, `steps` the steps read so far.
fn read_one(text: &[u8], before: usize, steps: &mut usize) -> Result<Vec<Recording>, ReadError> {
    let text = std::str::from_utf8(text)
        .map_err(|error| ReadError::of("", format!("byte {} is not part of a text", error.valid_up_to())))?;
    let file: FileText = json::read(text).map_err(|error| ReadError {
        line: (error.line > 0).then_some(before + error.line),
        path: if error.path == "." { String::new() } else { error.path },
        reason: error.why,
    })?;
    let (kernel, stack) = (file.kernel.into(), file.stack);
    file.scenarios()?.into_iter().map(|(path, text)| text.read(&path, kernel, stack, steps)).collect()
}

/// A file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    #[serde(rename = "format", deserialize_with = "known_format")]
    _format: (),
    kernel: KernelText,
    stack: StackFill,
    scenarios: Option<Vec<ScenarioText>>,
    name: Option<String>,
    about: Option<String>,
    seed: Option<u64>,
    setup: Option<Setup>,
    steps: Option<Vec<StepText>>,
    ends: Option<Ends>,
    variants: Option<Vec<VariantText>>,
}

fn known_format<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    let found = String::deserialize(from)?;
    if found == FORMAT {
        return Ok(());
    }
    let shown: String = found.chars().take(40).collect();
    Err(D::Error::custom(format_args!("`{shown}` is not a format known here; `{FORMAT}` is")))
}

/// The recordings' words for a build.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KernelText {
    Debug,
    Nondebug,
}

impl From<KernelText> for KernelBuild {
    fn from(text: KernelText) -> KernelBuild {
        match text {
            KernelText::Debug => KernelBuild::Debug,
            KernelText::Nondebug => KernelBuild::Production,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioText {
    name: String,
    #[serde(default)]
    about: String,
    seed: Option<u64>,
    setup: Setup,
    steps: Vec<StepText>,
    ends: Ends,
    #[serde(default)]
    variants: Vec<VariantText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VariantText {
    kernel: KernelText,
    stack: StackFill,
    from_step: usize,
    steps: Vec<StepText>,
    ends: Ends,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepText {
    op: SegmfOp,
    out: Value,
    state: Value,
}

impl FileText {
    /// The scenarios with the way to each.
    fn scenarios(self) -> Result<Vec<(String, ScenarioText)>, ReadError> {
        let one = [self.name.is_some(), self.setup.is_some(), self.steps.is_some(), self.ends.is_some()];
        match self.scenarios {
            Some(_) if one.contains(&true) || self.variants.is_some() => {
                Err(ReadError::of("scenarios", "a file holds a list of scenarios or is one, not both"))
            }
            Some(all) => Ok((0..).map(|i: usize| format!("scenarios[{i}]")).zip(all).collect()),
            None => {
                let missing =
                    |member: &str| ReadError::of("", format!("member `{member}` is missing, and so are `scenarios`"));
                let one = ScenarioText {
                    name: self.name.ok_or_else(|| missing("name"))?,
                    about: self.about.unwrap_or_default(),
                    seed: self.seed,
                    setup: self.setup.ok_or_else(|| missing("setup"))?,
                    steps: self.steps.ok_or_else(|| missing("steps"))?,
                    ends: self.ends.ok_or_else(|| missing("ends"))?,
                    variants: self.variants.unwrap_or_default(),
                };
                Ok(vec![(String::new(), one)])
            }
        }
    }
}

impl ScenarioText {
    fn read(
        self,
        path: &str,
        kernel: KernelBuild,
        stack: StackFill,
        steps: &mut usize,
    ) -> Result<Recording, ReadError> {
        *steps += self.steps.len() + self.variants.iter().map(|variant| variant.steps.len()).sum::<usize>();
        if *steps > MAX_STEPS {
            return Err(ReadError::of(path, format!("there are more than the {MAX_STEPS} steps that are read")));
        }
        let dot = if path.is_empty() { "" } else { "." };
        if let Some(ambiguity) = self.setup.ambiguity() {
            return Err(ReadError::of(format!("{path}{dot}setup"), ambiguity));
        }
        let first = Arc::new(state_json(&MockKernel::new(&self.setup, kernel, stack)));
        let main = Run { kernel, stack, from_step: 0, steps: read_steps(self.steps, &first), ends: self.ends };
        let mut variants = Vec::new();
        for (i, text) in self.variants.into_iter().enumerate() {
            let VariantText { kernel, stack, from_step, steps, ends } = text;
            let before = match from_step.checked_sub(1) {
                None => Some(&first),
                Some(last) => main.steps.get(last).map(|step| &step.expected.state),
            };
            let Some(before) = before else {
                let found = format!("{from_step} is past the {} steps of the main run", main.steps.len());
                return Err(ReadError::of(format!("{path}{dot}variants[{i}].from_step"), found));
            };
            variants.push(Run { kernel: kernel.into(), stack, from_step, steps: read_steps(steps, before), ends });
        }
        let ScenarioText { name, about, seed, setup, .. } = self;
        Ok(Recording { name, about, seed, setup, main, variants })
    }
}

/// Puts the state before in the place of every `same`.
fn read_steps(texts: Vec<StepText>, before: &Arc<Value>) -> Vec<RecordedStep> {
    let mut last = Arc::clone(before);
    let read = texts.into_iter().map(|StepText { op, out, state }| {
        if state != "same" {
            last = Arc::new(state);
        }
        RecordedStep { op, expected: Expectation { out, state: Arc::clone(&last) } }
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::{MAX_TEXT_BYTES, read_lines, read_recordings};

    const SETUP: &str = r#""setup": {"address_spaces": ["A"], "devices": [1], "domains": []}"#;

    fn file(members: &str) -> String {
        format!("{{\"format\": \"segmf-vectors-1\", \"kernel\": \"debug\", \"stack\": \"zero\",\n{members}}}")
    }

    fn refusal(text: &str) -> String {
        read_recordings(text.as_bytes()).expect_err("a mistake in the text").to_string()
    }

    #[test]
    fn a_mistake_is_named_by_line_way_and_reason() {
        let op = |op: &str| {
            file(&format!(
                "\"name\": \"n\", {SETUP},\n\"steps\": [\n{{\"op\": {op}, \"out\": {{}}, \"state\": \"same\"}}\n], \"ends\": \"normal\""
            ))
        };
        let said = refusal(&op(r#"{"op": "getvp", "seg": "s0", "addr": 5}"#));
        assert!(said.starts_with("line 4: steps[0].op: operation `getvp`, member `addr`: invalid type"), "{said}");
        let said = refusal(&op(r#"{"op": "fly", "seg": "s0"}"#));
        assert!(said.starts_with("line 4: steps[0].op: operation `fly`: unknown variant"), "{said}");
        let said = refusal(&file("\"nome\": 1"));
        assert!(said.starts_with("line 2: nome: unknown field `nome`"), "{said}");
        let said = refusal("{\"format\": \"segmf-vectors-2\"}");
        assert!(said.starts_with("line 1: `segmf-vectors-2` is not a format known here"), "{said}");
        assert!(refusal(&file(SETUP)).contains("`name` is missing"));
        assert!(refusal("{").starts_with("line 1: "));
        assert!(refusal(&(file("\"scenarios\": []") + "x")).contains("trailing characters"));
    }

    #[test]
    fn a_set_up_means_one_thing() {
        let setup = r#""setup": {"address_spaces": ["A", "A"], "devices": [], "domains": []}"#;
        let said = refusal(&file(&format!("\"name\": \"n\", {setup}, \"steps\": [], \"ends\": \"normal\"")));
        assert_eq!(said, "setup: address space `A` is there twice");
    }

    #[test]
    fn a_variant_begins_inside_the_main_run() {
        let variant = r#"{"kernel": "nondebug", "stack": "zero", "from_step": 1, "steps": [], "ends": "normal"}"#;
        let members =
            format!("\"name\": \"n\", {SETUP}, \"steps\": [], \"ends\": \"normal\", \"variants\": [{variant}]");
        assert_eq!(refusal(&file(&members)), "variants[0].from_step: 1 is past the 0 steps of the main run");
    }

    #[test]
    fn a_text_is_bounded() {
        let long = vec![b' '; MAX_TEXT_BYTES + 1];
        assert!(read_recordings(&long).expect_err("too long").to_string().contains("bytes are more than"));
    }

    #[test]
    fn lines_count_on() {
        let good = file("\"scenarios\": []").replace('\n', " ");
        assert_eq!(read_lines(format!("{good}\n\n{good}\n").as_bytes()), Ok(Vec::new()));
        let error = read_lines(format!("{good}\n\n{{}}\n").as_bytes()).expect_err("the third line is no recording");
        assert_eq!(error.line, Some(3), "{error}");
    }
}
