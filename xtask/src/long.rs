//! The runs that are too long for every change: benchmarks, and properties with many more cases.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::gate::integration_tests;
use crate::shell::{cargo, line_of, root, run, say};

/// `cargo xtask bench`: runs every benchmark, then prints its number again, one a line.
pub fn bench() -> Result<()> {
    let mut names = Vec::new();
    if root().join("benches").is_dir() {
        for entry in fs::read_dir(root().join("benches")).context("could not read the folder benches")? {
            let file = entry?.path();
            if file.extension().is_some_and(|extension| extension == "rs") {
                names.push(file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
            }
        }
    }
    if names.is_empty() {
        println!("there are no benchmarks yet");
        return Ok(());
    }
    names.sort();
    let mut command = cargo(&["bench", "--package", "mapscope"]);
    command.args(names.iter().flat_map(|name| ["--bench", name]));
    let times = times(&mut command)?;
    println!();
    for (name, time) in &times {
        println!("{time:>14}  {name}");
    }
    if times.is_empty() {
        bail!("no benchmark printed a time");
    }
    Ok(())
}

/// Runs the benchmarks with their output passed on, and picks each one's name and middle time.
fn times(command: &mut Command) -> Result<Vec<(String, String)>> {
    let line = line_of(command);
    say(&line);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("could not start `{line}`"))?;
    let mut found = Vec::new();
    let mut last = String::new();
    for line in BufReader::new(child.stdout.take().expect("standard output is piped")).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        if let Some((name, time)) = time_of_line(&line) {
            found.push((if name.is_empty() { last.clone() } else { name }, time));
        }
        line.trim().clone_into(&mut last);
    }
    if !child.wait()?.success() {
        bail!("`{line}` failed");
    }
    Ok(found)
}

/// criterion's `name   time:   [low middle high]`, each with its unit. A long name stands alone on the line before.
fn time_of_line(line: &str) -> Option<(String, String)> {
    let (name, numbers) = line.split_once("time:")?;
    let numbers: Vec<&str> = numbers.trim().strip_prefix('[')?.strip_suffix(']')?.split(' ').collect();
    let [_, _, middle, unit, _, _] = numbers[..] else { return None };
    Some((name.trim().to_owned(), format!("{middle} {unit}")))
}

/// `cargo xtask soak`: the tests again, optimised, with this many cases for every property.
pub fn soak(cases: u32) -> Result<()> {
    let mut names = integration_tests()?;
    names.retain(|name| !matches!(name.as_str(), "conformance" | "layers" | "web"));
    let mut command = cargo(&["test", "--package", "mapscope", "--release", "--no-fail-fast", "--lib"]);
    command.args(names.iter().flat_map(|name| ["--test", name]));
    say(&format!("{} with {cases} cases for each property", line_of(&command)));
    run(command.env("PROPTEST_CASES", cases.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_time_is_picked() {
        let found = |name: &str, time: &str| Some((name.to_owned(), time.to_owned()));
        assert_eq!(time_of_line("seek   time:   [1.10 ms 1.20 ms 1.30 ms]"), found("seek", "1.20 ms"));
        assert_eq!(time_of_line("      time:   [9.8 ns 10.1 ns 10.4 ns]"), found("", "10.1 ns"));
        assert_eq!(time_of_line("   change: [-1.2% +0.1% +1.4%] (p = 0.9 > 0.05)"), None);
    }
}
