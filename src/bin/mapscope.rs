//! `mapscope run FILE`: prints what happens in a session, a built-in scenario or a recording, step by step.

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    native::main()
}

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use clap::{Parser, Subcommand};
    use flate2::read::MultiGzDecoder;
    use mapscope::illumos::abi::AsId;
    use mapscope::mock::{
        MAX_TEXT_BYTES, RecordedStep, Recording, Replayed, Run, SegAnswer, StepEvent, read_lines, read_recordings,
        replay_step,
    };
    use mapscope::sim::file::{self, SpaceName};
    use mapscope::sim::{Answer, Event, MachineId, Op, Outcome, StepId, World, scenarios};
    use mapscope::view::changes::Places;
    use mapscope::view::look::Look;
    use mapscope::view::names::Names;
    use mapscope::view::transcript::{Piece, act_words, block, pieces, tree};
    use mapscope::view::words::{answer_word, step as sentence};
    use std::fs::File;
    use std::io::{self, Read, Write};
    use std::path::Path;
    use std::process::ExitCode;

    /// Address maps, step by step, on models that behave like the real kernels.
    #[derive(Parser)]
    #[command(version, about)]
    struct Arguments {
        #[command(subcommand)]
        command: Command,
    }

    #[derive(Subcommand)]
    enum Command {
        /// Prints the transcript of a session, of a recording, or of a built-in scenario.
        ///
        /// A step is its number, what is done and what is answered; below it stand the calls by their names in the source, and what each
        /// changed. A recording's step also says where it differs from what was recorded.
        Run {
            /// A session file, a recording (.json or .jsonl, each also .gz), or the name of a scenario.
            file: String,
            /// Leaves out the calls and the changes.
            #[arg(long)]
            brief: bool,
        },
        /// Lists the built-in scenarios.
        Scenarios,
    }

    /// Why nothing, or not all, was printed.
    enum Stop {
        /// Nobody reads on: no reason to complain.
        Closed,
        Because(String),
    }

    impl From<io::Error> for Stop {
        fn from(error: io::Error) -> Stop {
            match error.kind() {
                io::ErrorKind::BrokenPipe => Stop::Closed,
                _ => Stop::Because(error.to_string()),
            }
        }
    }

    pub fn main() -> ExitCode {
        let mut out = io::BufWriter::new(io::stdout().lock());
        let done = match Arguments::parse().command {
            Command::Run { file, brief } => run(&mut out, &file, brief),
            Command::Scenarios => list(&mut out).map(|()| true),
        };
        match done.and_then(|as_said| out.flush().map(|()| as_said).map_err(Stop::from)) {
            Ok(true) | Err(Stop::Closed) => ExitCode::SUCCESS,
            Ok(false) => ExitCode::from(1),
            Err(Stop::Because(reason)) => {
                eprintln!("mapscope: {reason}");
                ExitCode::from(2)
            }
        }
    }

    fn list(out: &mut impl Write) -> Result<(), Stop> {
        for scenario in scenarios::all() {
            writeln!(out, "{:16} {}", scenario.id, scenario.title)?;
        }
        Ok(())
    }

    /// Whether everything answered as the file says.
    fn run(out: &mut impl Write, name: &str, brief: bool) -> Result<bool, Stop> {
        let path = Path::new(name);
        if !path.exists() {
            let found = scenarios::all().into_iter().find(|scenario| scenario.id == name);
            let scenario = found.ok_or_else(|| {
                Stop::Because(format!("{name} is neither a file nor a scenario; `mapscope scenarios` lists those"))
            })?;
            return run_scenario(out, &scenario, brief).map(|()| true);
        }
        let text = read(path).map_err(|error| Stop::Because(format!("{name}: {error}")))?;
        let complain = |reason: String| Stop::Because(format!("{name}: {reason}"));
        if name.trim_end_matches(".gz").ends_with(".jsonl") {
            let all = read_lines(&text).map_err(|error| complain(error.to_string()))?;
            return run_recordings(out, &all, brief);
        }
        if format_of(&text).is_some_and(|format| format.starts_with("mapscope-session-")) {
            let text = std::str::from_utf8(&text).map_err(|error| complain(error.to_string()))?;
            let opened = file::open(text).map_err(|error| complain(error.to_string()))?;
            return run_session(out, &opened, brief);
        }
        let all = read_recordings(&text).map_err(|error| complain(error.to_string()))?;
        run_recordings(out, &all, brief)
    }

    /// The text of a file, unpacked, up to one byte more than any reader takes.
    fn read(path: &Path) -> io::Result<Vec<u8>> {
        let past = MAX_TEXT_BYTES as u64 + 1;
        let file = File::open(path)?;
        let mut text = Vec::new();
        if path.extension().is_some_and(|extension| extension == "gz") {
            MultiGzDecoder::new(file).take(past).read_to_end(&mut text)?;
        } else {
            file.take(past).read_to_end(&mut text)?;
        }
        Ok(text)
    }

    /// What a file says it is.
    fn format_of(text: &[u8]) -> Option<String> {
        #[derive(serde::Deserialize)]
        struct Version {
            format: String,
        }
        serde_json::from_slice(text).ok().map(|version: Version| version.format)
    }

    fn run_scenario(out: &mut impl Write, scenario: &scenarios::Scenario, brief: bool) -> Result<(), Stop> {
        writeln!(out, "{}\n{}\n", scenario.title, scenario.about)?;
        let named = |(name, space): &(&str, AsId)| (*space, (*name).to_owned());
        let names = names(scenario.names.iter().map(named));
        let mut world = World::build(&scenario.machines).map_err(|error| Stop::Because(error.to_string()))?;
        for (number, (op, caption)) in (1_u32..).zip(&scenario.steps) {
            let before = world.clone();
            let outcome = world.apply(op);
            print_step(out, &names, number, [&before, &world], (op, &outcome), brief)?;
            writeln!(out, "  \"{caption}\"")?;
        }
        Ok(())
    }

    /// Names of the address spaces of the first machine.
    fn names(given: impl Iterator<Item = (AsId, String)>) -> Names {
        let given: Vec<SpaceName> =
            given.map(|(space, name)| SpaceName { machine: MachineId(0), space, name }).collect();
        Names::new(&given)
    }

    /// Prints the branch the cursor is on, from the start to its tip.
    fn run_session(out: &mut impl Write, opened: &file::Opened, brief: bool) -> Result<bool, Stop> {
        let file::Opened { file, history, differs } = opened;
        writeln!(out, "{}\n", file.title)?;
        let names = Names::new(&file.names);
        let tip = if file.tip == StepId::START { StepId(history.len()) } else { file.tip };
        let mut world = history.world_at(StepId::START);
        for step in history.path(tip) {
            let Some(op) = history.op(step) else { continue };
            let before = world.clone();
            let outcome = world.apply(op);
            print_step(out, &names, step.0, [&before, &world], (op, &outcome), brief)?;
            if Some(step) == *differs {
                writeln!(out, "  DIFFERS from the answer in the file")?;
            }
        }
        Ok(differs.is_none())
    }

    fn print_step(
        out: &mut impl Write,
        names: &Names,
        number: u32,
        [before, after]: [&World; 2],
        (op, outcome): (&Op, &Outcome),
        brief: bool,
    ) -> Result<(), Stop> {
        let machine = op.machine;
        if brief {
            writeln!(out, "#{number} {}", sentence(names, op, &outcome.answer))?;
        } else {
            let places = Places { names, machine, before: Look::of(before, machine), after: Look::of(after, machine) };
            write!(out, "#{number} {}", block(places, op, outcome))?;
        }
        Ok(())
    }

    fn run_recordings(out: &mut impl Write, all: &[Recording], brief: bool) -> Result<bool, Stop> {
        let mut as_recorded = true;
        for recording in all {
            writeln!(out, "{}\n{}\n", recording.name, recording.about)?;
            for (i, run) in recording.runs().enumerate() {
                if i > 0 {
                    writeln!(
                        out,
                        "\nvariant: {:?} kernel, {:?} stack, from step {}",
                        run.kernel, run.stack, run.from_step
                    )?;
                }
                as_recorded &= print_run(out, recording, run, brief)?;
            }
            writeln!(out)?;
        }
        Ok(as_recorded)
    }

    /// Prints a run's own steps; those it shares with the main run are gone through in silence.
    fn print_run(out: &mut impl Write, recording: &Recording, run: &Run, brief: bool) -> Result<bool, Stop> {
        let given = (0..).map(AsId).zip(recording.setup.address_spaces.iter().map(ToString::to_string));
        let names = names(given);
        let mut kernel = recording.kernel(run);
        let mut as_recorded = true;
        for (number, step) in recording.steps(run).enumerate() {
            let replayed = replay_step(&mut kernel, step);
            if number >= run.from_step {
                print_recorded(out, &names, number, (step, &replayed), brief)?;
            }
            as_recorded &= replayed.difference.is_none();
            if replayed.outcome.is_err() {
                break;
            }
        }
        Ok(as_recorded)
    }

    fn print_recorded(
        out: &mut impl Write,
        names: &Names,
        number: usize,
        (step, replayed): (&RecordedStep, &Replayed),
        brief: bool,
    ) -> Result<(), Stop> {
        let answer = match &replayed.outcome {
            Ok(answer) => recorded_answer(answer),
            Err(halt) => answer_word(&Answer::Halted(halt.clone())),
        };
        writeln!(out, "#{number} {} => {answer}", act_words(&step.op))?;
        if !brief {
            write!(out, "{}", tree(replayed.events.iter().flat_map(|event| step_pieces(names, event))))?;
        }
        if let Some(difference) = &replayed.difference {
            writeln!(out, "  DIFFERS from the recording {difference}")?;
        }
        Ok(())
    }

    fn recorded_answer(answer: &SegAnswer) -> String {
        let shown = answer.sym().or_else(|| answer.ret().map(|ret| ret.to_string()));
        shown.or_else(|| answer.not_here()).unwrap_or_else(|| "done".to_owned())
    }

    fn step_pieces(names: &Names, event: &StepEvent) -> Vec<Piece> {
        let event = match event {
            StepEvent::Kernel(event) => Event::Kernel(event.clone()),
            StepEvent::Mock(event) => Event::Mock(event.clone()),
        };
        pieces(Places { names, machine: MachineId(0), before: None, after: None }, &event)
    }
}
