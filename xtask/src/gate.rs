//! `cargo xtask test`: everything a change must pass, and how many tests ran where.
//!
//! A step that fails does not stop the others: one run shows all that is wrong. A section in which no test ran has failed.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::needs::{self, Browser, WASM};
use crate::shell::{cargo, line_of, root, run, say};
use crate::site;
use crate::tally::Tally;
use crate::tools;

/// A part of the gate that can be run alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Section {
    /// Formatting, lints for both targets, the size of the site
    Checks,
    /// The tests that need no browser
    Native,
    /// The tests compiled for wasm32, in a headless browser
    Browser,
    /// The built page, driven like a person would
    Page,
}

/// What went on so far.
#[derive(Default)]
struct Gate {
    failed_checks: Vec<&'static str>,
    sections: Vec<(&'static str, Tally)>,
}

/// Runs these sections, or all if none is named. The closing line on standard output is `N passed, N failed`, with a failed
/// check and a section in which nothing ran counted as a failure each.
pub fn test(only: &[Section]) -> Result<()> {
    let started = Instant::now();
    let chosen = |section: Section| only.is_empty() || only.contains(&section);
    needs::wasm_target()?;
    let browser = if chosen(Section::Browser) || chosen(Section::Page) { Some(needs::browser()?) } else { None };
    let mut gate = Gate::default();
    if chosen(Section::Checks) {
        needs::rustfmt_and_clippy()?;
        gate.checks();
    }
    if chosen(Section::Native) {
        gate.section("native", native()?);
    }
    if let Some(browser) = &browser {
        if chosen(Section::Browser) {
            gate.section("browser", vec![in_the_browser(browser)?]);
            gate.wasm_pack(browser);
        }
        if chosen(Section::Page) {
            gate.section("end to end", vec![end_to_end(browser)]);
        }
    }
    say(&format!("done after {} s", started.elapsed().as_secs()));
    gate.report()
}

impl Gate {
    fn checks(&mut self) {
        self.check("format", run(&mut cargo(&["fmt", "--all", "--check"])));
        let clippy = ["clippy", "--workspace", "--all-targets", "--", "--deny", "warnings"];
        self.check("lints", run(&mut cargo(&clippy)));
        // Lints on the native target never see the browser's half.
        let wasm =
            ["clippy", "--package", "mapscope", "--lib", "--tests", "--target", WASM, "--", "--deny", "warnings"];
        self.check("lints for wasm32", run(&mut cargo(&wasm)));
        // The size is said here and refused by `dist`, which is what publishes: a change that is right is not held back by it.
        self.check("site", site::write().map(|(_, files)| site::say_size(&files)).map(drop));
    }

    /// People use wasm-pack by hand, so it has to work; its tests are the ones that were just counted. It is installed once, for
    /// about two minutes, and then costs seconds.
    fn wasm_pack(&mut self, browser: &Browser) {
        self.check("wasm-pack build", wasm_pack(&["build", "--target", "web"], browser));
        self.check("wasm-pack test", wasm_pack(&["test", "--headless", "--chrome"], browser));
    }

    fn check(&mut self, name: &'static str, result: Result<()>) {
        match result {
            Ok(()) => say(&format!("check passed: {name}")),
            Err(error) => {
                say(&format!("check FAILED: {name}: {error:#}"));
                self.failed_checks.push(name);
            }
        }
    }

    fn section(&mut self, name: &'static str, commands: Vec<Command>) {
        let mut tally = Tally::default();
        for mut command in commands {
            say(&line_of(&command));
            match tallied(&mut command) {
                Ok(part) => tally.add(part),
                Err(error) => {
                    say(&format!("{error:#}"));
                    tally.failed += 1;
                }
            }
        }
        self.sections.push((name, tally));
    }

    fn report(mut self) -> Result<()> {
        println!("\n{:<12}{:>8}{:>8}", "tests", "passed", "failed");
        let mut all = Tally::default();
        for (name, tally) in &mut self.sections {
            println!(
                "{name:<12}{:>8}{:>8}{}",
                tally.passed,
                tally.failed,
                if tally.is_empty() { "  none ran" } else { "" }
            );
            tally.failed += u64::from(tally.is_empty());
            all.add(*tally);
        }
        if !self.failed_checks.is_empty() {
            println!("failed checks: {}", self.failed_checks.join(", "));
            all.failed += self.failed_checks.len() as u64;
        }
        println!("{} passed, {} failed", all.passed, all.failed);
        if all.failed > 0 {
            bail!("the change is not ready");
        }
        Ok(())
    }
}

/// The native tests. The recordings are long, so their test runs optimised, and only once.
fn native() -> Result<Vec<Command>> {
    let mut names = integration_tests()?;
    names.retain(|name| name != "conformance" && name != "web");
    let mut quick = cargo(&["test", "--package", "mapscope", "--no-fail-fast", "--lib", "--bins"]);
    quick.args(names.iter().flat_map(|name| ["--test", name]));
    let mut commands = vec![quick, cargo(&["test", "--package", "mapscope", "--doc"])];
    if root().join("tests/conformance.rs").exists() {
        commands.push(cargo(&[
            "test",
            "--package",
            "mapscope",
            "--release",
            "--no-fail-fast",
            "--test",
            "conformance",
        ]));
    }
    commands.push(cargo(&["test", "--package", "xtask", "--lib"]));
    Ok(commands)
}

/// The names of the test programs in `tests/`, in order: files, and folders with a `main.rs`.
pub fn integration_tests() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root().join("tests")).context("could not read the folder tests")? {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "rs") {
            names.push(file.file_stem().unwrap_or_default().to_string_lossy().into_owned());
        } else if file.join("main.rs").exists() {
            names.push(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// The same tests as `wasm-pack test --headless --chrome` runs, with the runner that is linked into this program.
fn in_the_browser(browser: &Browser) -> Result<Command> {
    let program = std::env::current_exe().context("this program has no path")?;
    let runner = serde_json::to_string(&[program.to_string_lossy().as_ref(), "wasm-runner"])?;
    let runner = format!("target.{WASM}.runner={runner}");
    let test = ["test", "--package", "mapscope", "--lib", "--tests", "--no-fail-fast", "--target", WASM];
    let mut command = cargo(&["--config", &runner]);
    command.args(test).env("CHROMEDRIVER", &browser.driver);
    command.env("WASM_BINDGEN_TEST_TIMEOUT", "300").env("WASM_BINDGEN_TEST_DRIVER_TIMEOUT", "60");
    command.env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities(browser)?);
    Ok(command)
}

fn wasm_pack(words: &[&str], browser: &Browser) -> Result<()> {
    let mut command = tools::wasm_pack_command(words)?;
    say(&line_of(&command));
    run(command.env("CHROMEDRIVER", &browser.driver).env("WASM_BINDGEN_TEST_WEBDRIVER_JSON", capabilities(browser)?))
}

/// `webdriver.json` with the browser's own path in it, for machines that name another one than the driver would find.
fn capabilities(browser: &Browser) -> Result<PathBuf> {
    let text = fs::read_to_string(root().join("webdriver.json")).context("could not read webdriver.json")?;
    let mut json: serde_json::Value = serde_json::from_str(&text).context("webdriver.json is not JSON")?;
    json["goog:chromeOptions"]["binary"] = browser.program.to_string_lossy().into();
    let file = root().join("target/webdriver.json");
    fs::write(&file, json.to_string()).with_context(|| format!("could not write {}", file.display()))?;
    Ok(file)
}

fn end_to_end(browser: &Browser) -> Command {
    let mut command = cargo(&["test", "--package", "xtask", "--test", "page"]);
    command.env("CHROME", &browser.program).env("CHROMEDRIVER", &browser.driver);
    command
}

/// Runs a test command with its output passed on, and counts. A command that failed without a failed test has broken off, and
/// counts as one.
fn tallied(command: &mut Command) -> Result<Tally> {
    let line = line_of(command);
    let mut child = command.stdout(Stdio::piped()).spawn().with_context(|| format!("could not start `{line}`"))?;
    let mut tally = Tally::default();
    for line in BufReader::new(child.stdout.take().expect("standard output is piped")).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        println!("{line}");
        if let Some(part) = Tally::of_line(&line) {
            tally.add(part);
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        say(&format!("`{line}` broke off ({status})"));
        tally.failed = 1;
    }
    Ok(tally)
}
