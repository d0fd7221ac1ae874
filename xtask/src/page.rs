//! From Rust to what a browser loads: the wasm module without its names, and the glue that starts it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::needs::{WASM, wasm_target};
use crate::shell::{cargo, output, run, say};

/// Builds the page for the browser and writes glue and module to `folder`, which is emptied first.
///
/// The names of functions go: they are a third of the module and no browser needs them. wasm-opt is not run: it takes nothing
/// off what is sent compressed, and the versions that distributions carry refuse what today's compiler writes.
pub fn build(folder: &Path) -> Result<()> {
    wasm_target()?;
    say("building the page for the browser");
    run(&mut cargo(&["build", "--profile", "page", "--lib", "--package", "mapscope", "--target", WASM]))?;
    say("writing the module and its glue");
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("could not empty {}", folder.display()))?;
    }
    let module = target_folder()?.join(WASM).join("page/mapscope.wasm");
    let words =
        ["wasm-bindgen", "--target", "web", "--no-typescript", "--remove-name-section", "--remove-producers-section"];
    let mut args: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
    args.extend(["--out-dir".into(), folder.to_path_buf(), module]);
    wasm_bindgen_cli::wasm_bindgen::run_cli_with_args(args).context("wasm-bindgen could not write the glue")
}

/// Where cargo puts what it builds; a setting may move it away from `target`.
pub fn target_folder() -> Result<PathBuf> {
    let metadata = output(&mut cargo(&["metadata", "--no-deps", "--offline", "--format-version", "1"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let folder = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    Ok(folder.into())
}
