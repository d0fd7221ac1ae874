//! Finds and opens recordings: `.json` and `.jsonl`, each also `.gz`.

use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The folder of a family: below the one that `MAPSCOPE_VECTORS` names, or the project's own.
pub fn folder(family: &str) -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    std::env::var_os("MAPSCOPE_VECTORS").map_or_else(own, PathBuf::from).join(family)
}

/// A file of recordings.
pub struct Found {
    pub path: PathBuf,
    /// One object a line.
    pub by_lines: bool,
    packed: bool,
}

/// The files of a folder, by name.
pub fn list(folder: &Path) -> io::Result<Vec<Found>> {
    let mut paths: Vec<PathBuf> =
        folder.read_dir()?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths.into_iter().filter_map(found).collect())
}

fn found(path: PathBuf) -> Option<Found> {
    let name = path.file_name()?.to_str()?;
    let packed = name.ends_with(".gz");
    let name = name.strip_suffix(".gz").unwrap_or(name);
    let by_lines = name.ends_with(".jsonl");
    (by_lines || name.ends_with(".json")).then_some(Found { by_lines, packed, path })
}

impl Found {
    /// The text, unpacked, up to one byte past `limit`.
    pub fn text(&self, limit: usize) -> io::Result<Vec<u8>> {
        let file = File::open(&self.path)?;
        let past = limit as u64 + 1;
        let mut text = Vec::new();
        if self.packed {
            MultiGzDecoder::new(file).take(past).read_to_end(&mut text)?;
        } else {
            file.take(past).read_to_end(&mut text)?;
        }
        Ok(text)
    }
}
