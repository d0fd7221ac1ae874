//! Judges the model by recordings of the real code: `cargo test --release --test conformance NAME`.
//!
//! NAME is a family: a folder of `tests/vectors`, or of the folder that the variable `MAPSCOPE_VECTORS` names. Without one every
//! family runs that has a judge. There is no list of exceptions: a recording is met or the run fails.

#[cfg(target_arch = "wasm32")]
fn main() {}

#[cfg(not(target_arch = "wasm32"))]
fn main() -> std::process::ExitCode {
    native::main()
}

#[cfg(not(target_arch = "wasm32"))]
#[path = "conformance/files.rs"]
mod files;
#[cfg(not(target_arch = "wasm32"))]
#[path = "conformance/segmf.rs"]
mod segmf;
#[cfg(not(target_arch = "wasm32"))]
#[path = "conformance/x86.rs"]
mod x86;

#[cfg(not(target_arch = "wasm32"))]
mod native {
    use super::{segmf, x86};
    use std::process::ExitCode;

    /// Runs all recordings of its family.
    type Judge = fn() -> Tally;

    /// Families of recordings, and who judges them.
    const FAMILIES: [(&str, Option<Judge>); 4] =
        [("segmf", Some(segmf::judge)), ("x86", Some(x86::judge)), ("mach", None), ("xen", None)];

    /// Flags of the standard test harness that take a value of their own.
    const WITH_VALUE: [&str; 6] = ["--test-threads", "--skip", "--format", "--color", "--logfile", "-Z"];

    /// How many checks went well, and how many did not.
    #[derive(Clone, Copy, Default)]
    pub struct Tally {
        pub passed: u64,
        pub failed: u64,
    }

    impl Tally {
        pub fn of(checks: u64, failed: u64) -> Tally {
            Tally { passed: checks - failed, failed }
        }

        pub fn and(self, other: Tally) -> Tally {
            Tally { passed: self.passed + other.passed, failed: self.failed + other.failed }
        }
    }

    pub fn main() -> ExitCode {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        if arguments.iter().any(|argument| argument == "--list") {
            println!("segmf: test\nx86: test\n\n2 tests, 0 benchmarks");
            return ExitCode::SUCCESS;
        }
        let wanted = names(arguments);
        let mut all = Tally::default();
        for (name, judge) in FAMILIES {
            let asked = wanted.iter().any(|wanted| wanted == name);
            match judge {
                Some(judge) if asked || wanted.is_empty() => all = all.and(judge()),
                None if asked => {
                    println!("{name}: no such judge yet");
                    all = all.and(Tally::of(1, 1));
                }
                Some(_) | None => {}
            }
        }
        println!("{} passed, {} failed", all.passed, all.failed);
        if all.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }

    /// What is no flag. A name of no family is what a filter is that matches no test: nothing runs, and that is said.
    fn names(arguments: Vec<String>) -> Vec<String> {
        let mut names = Vec::new();
        let mut rest = arguments.into_iter();
        while let Some(argument) = rest.next() {
            if WITH_VALUE.contains(&argument.as_str()) {
                rest.next();
            } else if !argument.starts_with('-') {
                if FAMILIES.iter().all(|(name, _)| *name != argument) {
                    println!("no family of recordings is named {argument}");
                }
                names.push(argument);
            }
        }
        names
    }
}
