//! The static site in `target/site`: what any web server can hand out, under any path.
//!
//! `index.html`, `www/` and `pkg/` lie beside each other as they do in the workspace after `wasm-pack build --target web`, so
//! one set of relative addresses fits both. Only the service worker moves: it governs what lies in or below its own folder,
//! so the site carries it at the top, filled in with the list of all files.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::page;
use crate::shell::{root, say};

/// The most a first visit may transfer, in bytes, everything it loads compressed with `gzip -9`.
pub const FIRST_VISIT_BUDGET: usize = 350_000;

/// The service worker, as its source lies in the workspace.
const SERVICE_WORKER: &str = "www/sw.js";

/// The files of a site: their path below its top, with `/` between folders, and what is in them.
pub type Files = BTreeMap<String, Vec<u8>>;

/// What the service worker prefers while the server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    /// The files of the version that was fetched as a whole: for a published site.
    Cache,
    /// The server, and the cache only without it: for a site that is rebuilt all the time.
    Network,
}

/// Builds the page and writes the site; fails over [`FIRST_VISIT_BUDGET`]. Gives back the folder.
pub fn dist() -> Result<PathBuf> {
    let (folder, files) = write()?;
    let total = say_size(&files);
    if total > FIRST_VISIT_BUDGET {
        bail!("a first visit loads {} bytes more than the budget allows", total - FIRST_VISIT_BUDGET);
    }
    Ok(folder)
}

/// Prints what a first visit loads, compressed, file by file and in all; gives back the sum.
pub fn say_size(files: &Files) -> usize {
    let total = report(files);
    println!("first visit: {total} bytes compressed, budget {FIRST_VISIT_BUDGET}");
    total
}

/// Builds the page and writes the site. Gives back the folder and what is in it.
pub fn write() -> Result<(PathBuf, Files)> {
    let folder = root().join("target/site");
    page::build(&folder.join("pkg"))?;
    say(&format!("writing the site to {}", folder.display()));
    let mut files = Files::new();
    collect(&folder, "pkg", &mut files)?;
    collect(&root(), "www", &mut files)?;
    files.remove(SERVICE_WORKER);
    files.insert("index.html".to_owned(), with_worker(&read(&root().join("index.html"))?)?);
    files.insert("sw.js".to_owned(), service_worker(&files, Prefer::Cache)?);
    fs::remove_dir_all(&folder).with_context(|| format!("could not empty {}", folder.display()))?;
    for (path, content) in &files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().expect("a file lies in a folder"))?;
        fs::write(&file, content).with_context(|| format!("could not write {}", file.display()))?;
    }
    Ok((folder, files))
}

/// The page with the service worker named on its root element, where `www/main.js` looks for it. A tree served as it is names
/// none, so its reloads are always fresh.
fn with_worker(page: &[u8]) -> Result<Vec<u8>> {
    let page = std::str::from_utf8(page).context("index.html is not UTF-8")?;
    let (before, after) = page.split_once("<html").context("index.html has no html element")?;
    Ok(format!("{before}<html data-worker=\"./sw.js\"{after}").into_bytes())
}

/// The service worker for these files: every one with its digest, and a name that differs whenever one of them does.
pub fn service_worker(files: &Files, prefer: Prefer) -> Result<Vec<u8>> {
    let source = String::from_utf8(read(&root().join(SERVICE_WORKER))?).context("the service worker is not UTF-8")?;
    let digests: BTreeMap<&str, String> = files
        .iter()
        .filter(|(path, _)| *path != "sw.js")
        .map(|(path, content)| (path.as_str(), format!("sha256-{}", STANDARD.encode(Sha256::digest(content)))))
        .collect();
    let list = serde_json::to_string_pretty(&digests)?;
    let version: String = Sha256::digest(&list).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let network_first = prefer == Prefer::Network;
    let settings =
        format!("const VERSION = \"{version}\";\nconst NETWORK_FIRST = {network_first};\nconst FILES = {list};\n");
    Ok((settings + &source).into_bytes())
}

/// Prints what each file weighs compressed, heaviest first, and gives back the sum.
fn report(files: &Files) -> usize {
    let mut sizes: Vec<(usize, &str)> =
        files.iter().map(|(path, content)| (compressed(content), path.as_str())).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    for (size, path) in &sizes {
        println!("{size:>9}  {path}");
    }
    sizes.iter().map(|(size, _)| size).sum()
}

fn compressed(content: &[u8]) -> usize {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(content).expect("memory can be written to");
    gzip.finish().expect("memory can be written to").len()
}

/// Reads every file in and below `folder/below`, except those whose name begins with a dot.
pub fn collect(folder: &Path, below: &str, files: &mut Files) -> Result<()> {
    let place = folder.join(below);
    for entry in fs::read_dir(&place).with_context(|| format!("could not read the folder {}", place.display()))? {
        let entry = entry?;
        let name = entry.file_name().into_string().ok().with_context(|| format!("{:?} is not UTF-8", entry.path()))?;
        let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        if name.starts_with('.') {
            continue;
        } else if entry.file_type()?.is_dir() {
            collect(folder, &path, files)?;
        } else {
            files.insert(path, read(&entry.path())?);
        }
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("could not read {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(list: &[(&str, &str)]) -> Files {
        list.iter().map(|(path, content)| ((*path).to_owned(), content.as_bytes().to_vec())).collect()
    }

    fn head(files: &Files, prefer: Prefer) -> String {
        let worker = String::from_utf8(service_worker(files, prefer).unwrap()).unwrap();
        worker.lines().take(2).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn a_changed_file_changes_the_version() {
        let old = files(&[("index.html", "a"), ("pkg/mapscope.js", "b")]);
        let new = files(&[("index.html", "a"), ("pkg/mapscope.js", "c")]);
        assert_eq!(head(&old, Prefer::Cache), head(&old.clone(), Prefer::Cache));
        assert_ne!(head(&old, Prefer::Cache), head(&new, Prefer::Cache));
    }

    #[test]
    fn the_service_worker_does_not_list_itself() {
        let mut all = files(&[("index.html", "a")]);
        let without = service_worker(&all, Prefer::Cache).unwrap();
        all.insert("sw.js".to_owned(), without.clone());
        assert_eq!(service_worker(&all, Prefer::Cache).unwrap(), without);
    }

    #[test]
    fn the_digest_is_the_one_browsers_check() {
        let worker = service_worker(&files(&[("empty", "")]), Prefer::Network).unwrap();
        let worker = String::from_utf8(worker).unwrap();
        // SHA-256 of nothing, as published with the algorithm, in base 64.
        assert!(worker.contains("\"empty\": \"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\""), "{worker}");
        assert!(worker.contains("const NETWORK_FIRST = true;"), "{worker}");
    }
}
