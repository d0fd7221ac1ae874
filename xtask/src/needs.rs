//! What a machine needs for each command, and how it gets it. Whatever is already there is used as it is; what cannot be
//! installed is said in plain words, with what to do about it.
//!
//! Sources of the names: the rustup book (targets, components), Debian's packages `chromium` and `chromium-driver`, which come
//! from one source package and so always fit each other.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::{find_program, output, run, say};

/// What rustc calls the machine the page runs on.
pub const WASM: &str = "wasm32-unknown-unknown";

/// Makes sure that the standard library for [`WASM`] is there.
pub fn wasm_target() -> Result<()> {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"]))
        .context("Rust itself is missing: see https://rustup.rs")?;
    if PathBuf::from(sysroot.trim()).join("lib/rustlib").join(WASM).join("lib").is_dir() {
        return Ok(());
    }
    say(&format!("adding the Rust target {WASM}"));
    rustup(&["target", "add", WASM])
}

/// Makes sure that `cargo fmt` and `cargo clippy` are there.
pub fn rustfmt_and_clippy() -> Result<()> {
    for (component, program) in [("rustfmt", "cargo-fmt"), ("clippy", "cargo-clippy")] {
        if output(Command::new(program).arg("--version")).is_err() {
            say(&format!("adding the Rust component {component}"));
            rustup(&["component", "add", component])?;
        }
    }
    Ok(())
}

fn rustup(words: &[&str]) -> Result<()> {
    let what = words.join(" ");
    if find_program(&["rustup"]).is_none() {
        bail!(
            "`rustup {what}` is needed, but there is no rustup here: install Rust from https://rustup.rs, or add it your own way"
        );
    }
    run(Command::new("rustup").args(words)).with_context(|| {
        format!("could not run `rustup {what}`: is this machine connected? Once that command works, run this one again")
    })
}

/// A browser and the driver that steers it.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The Chromium, or a browser built from it.
    pub program: PathBuf,
    /// The ChromeDriver of the same version.
    pub driver: PathBuf,
}

/// Finds Chromium and its driver, or installs both. The variables `CHROME` and `CHROMEDRIVER` name other ones.
pub fn browser() -> Result<Browser> {
    if let Some(found) = find_browser() {
        return Ok(found);
    }
    say("installing a headless browser and its driver: chromium, chromium-driver, fonts-dejavu-core");
    install_browser().context(
        "No Chromium with a ChromeDriver was found, and neither could be installed. \
         On Debian: apt-get install --no-install-recommends chromium chromium-driver fonts-dejavu-core. \
         Elsewhere: install Chrome or Chromium and the ChromeDriver of the same version, \
         and put both on PATH or name them in the variables CHROME and CHROMEDRIVER",
    )?;
    find_browser().context("chromium and chromium-driver were installed, but are not on PATH")
}

fn find_browser() -> Option<Browser> {
    let named = |variable: &str| std::env::var_os(variable).map(PathBuf::from).filter(|file| file.is_file());
    let program = named("CHROME").or_else(|| {
        find_program(&["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"])
    })?;
    let driver = named("CHROMEDRIVER").or_else(|| find_program(&["chromedriver"]))?;
    Some(Browser { program, driver })
}

fn install_browser() -> Result<()> {
    if find_program(&["apt-get"]).is_none() {
        bail!("this machine has no apt-get, the one package manager this command knows");
    }
    let packages = ["install", "--yes", "--no-install-recommends", "chromium", "chromium-driver", "fonts-dejavu-core"];
    // The list of packages may be older than the packages themselves; a failed update may still leave a usable one.
    if let Err(error) = run(apt_get()?.arg("update")) {
        say(&format!("{error}; trying with the list of packages that is there"));
    }
    run(apt_get()?.args(packages))
}

/// `apt-get` with the rights it needs: as root, or through sudo where that asks for no password.
fn apt_get() -> Result<Command> {
    let mut command = if output(Command::new("id").arg("-u"))?.trim() == "0" {
        Command::new("apt-get")
    } else if output(Command::new("sudo").args(["-n", "true"])).is_ok() {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "apt-get"]);
        sudo
    } else {
        bail!("apt-get needs root, and sudo asks for a password here");
    };
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}
