//! wasm-pack and what it looks for on the search path, in `target/tools/bin`: nothing is installed for the whole machine.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::needs;
use crate::shell::{cargo, find_program, root, run, say};

/// The version that was tried with this project. It is not in `Cargo.lock`, since nothing of ours is built on it.
const WASM_PACK: &str = "0.15.1";

/// Installs everything any command may need, and says how to use wasm-pack by hand.
pub fn setup() -> Result<()> {
    needs::wasm_target()?;
    needs::rustfmt_and_clippy()?;
    let browser = needs::browser()?;
    say(&format!("browser: {}, driver: {}", browser.program.display(), browser.driver.display()));
    let folder = wasm_pack()?;
    say("everything is there; to run wasm-pack by hand, put its folder on the search path:");
    println!("export PATH=\"{}:$PATH\"", folder.display());
    Ok(())
}

/// Makes sure that wasm-pack and its helpers are in the folder that is given back.
///
/// The helpers are this very program under their names. Without them wasm-pack would download or build its own.
pub fn wasm_pack() -> Result<PathBuf> {
    let folder = root().join("target/tools/bin");
    fs::create_dir_all(&folder).with_context(|| format!("could not make {}", folder.display()))?;
    let here = folder.join("wasm-pack").with_extension(env::consts::EXE_EXTENSION);
    if !here.is_file() && find_program(&["wasm-pack"]).is_none() {
        say(&format!("installing wasm-pack {WASM_PACK} into target/tools (once, about two minutes)"));
        let tools = root().join("target/tools");
        let mut install = cargo(&["install", "wasm-pack", "--version", WASM_PACK, "--locked", "--root"]);
        run(install.arg(tools)).context("could not install wasm-pack: it needs a connection and a C compiler")?;
    }
    let program = env::current_exe().context("this program has no path")?;
    for helper in ["wasm-bindgen", "wasm-bindgen-test-runner"] {
        link(&program, &folder.join(helper).with_extension(env::consts::EXE_EXTENSION))?;
    }
    Ok(folder)
}

/// `wasm-pack` with these words, its own folder first on the search path.
pub fn wasm_pack_command(words: &[&str]) -> Result<Command> {
    let folder = wasm_pack()?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(folder.clone()).chain(env::split_paths(&path)))?;
    let here = folder.join("wasm-pack").with_extension(env::consts::EXE_EXTENSION);
    let mut command = Command::new(if here.is_file() { here } else { "wasm-pack".into() });
    command.args(words).current_dir(root()).env("PATH", path);
    for (name, _) in
        env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
    {
        command.env_remove(name);
    }
    Ok(command)
}

/// Gives the program a second name. An older link is replaced: it may be of another version.
fn link(program: &Path, name: &Path) -> Result<()> {
    if name.exists() {
        fs::remove_file(name).with_context(|| format!("could not replace {}", name.display()))?;
    }
    fs::hard_link(program, name)
        .or_else(|_| fs::copy(program, name).map(drop))
        .with_context(|| format!("could not write {}", name.display()))
}
