//! The recordings of seg_mf on the machine at hand, a browser's included: every step as recorded, and the same digest of all states.
//!
//! `tests/vectors/segmf.digests` holds, for every run, the digest of its states and answers as a native run left them;
//! `UPDATE_DIGESTS=1 cargo test --test recordings_anywhere` writes it again.

use flate2::read::GzDecoder;
use include_dir::{Dir, include_dir};
use mapscope::mock::{MAX_TEXT_BYTES, Noted, Recording, StepEvent, out_json, read_recordings, replay_step, state_json};
use siphasher::sip::SipHasher13;
use std::fmt::Write as _;
use std::hash::Hasher as _;
use std::io::Read as _;

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);

static RECORDINGS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tests/vectors/segmf");
const DIGESTS: &str = include_str!("vectors/segmf.digests");

fn recordings() -> Vec<Recording> {
    let unpacked = |packed: &[u8]| {
        let mut text = Vec::new();
        GzDecoder::new(packed)
            .take(MAX_TEXT_BYTES as u64)
            .read_to_end(&mut text)
            .expect("the project's own file unpacks");
        text
    };
    RECORDINGS
        .files()
        .filter_map(|file| match file.path().extension()?.to_str()? {
            "gz" => Some(unpacked(file.contents())),
            "json" => Some(file.contents().to_vec()),
            _ => None,
        })
        .flat_map(|text| read_recordings(&text).expect("the project's own recordings are well formed"))
        .collect()
}

/// One line a run: scenario, number of the run, steps, digest.
fn digests() -> String {
    let mut lines = String::new();
    for recording in recordings() {
        for (number, run) in recording.runs().enumerate() {
            let mut kernel = recording.kernel(run);
            let mut hasher = SipHasher13::new();
            let mut steps = 0;
            for step in recording.steps(run) {
                let replayed = replay_step(&mut kernel, step);
                assert_eq!(replayed.difference, None, "{}, run {number}, step {steps}", recording.name);
                let noted: Vec<Noted<'_>> = replayed.events.iter().map(StepEvent::noted).collect();
                hasher.write(out_json(&kernel, &replayed.outcome, &noted).to_string().as_bytes());
                hasher.write(state_json(&kernel).to_string().as_bytes());
                steps += 1;
            }
            writeln!(lines, "{} {number} {steps} {:016x}", recording.name, hasher.finish()).expect("a string takes it");
        }
    }
    lines
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
fn every_run_leaves_the_states_that_a_native_run_left() {
    let found = digests();
    #[cfg(not(target_arch = "wasm32"))]
    if std::env::var_os("UPDATE_DIGESTS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/segmf.digests"), &found)
            .expect("the tree can be written");
        return;
    }
    assert!(found.lines().count() >= 195, "only {} runs were found", found.lines().count());
    for (expected, found) in DIGESTS.lines().zip(found.lines()) {
        assert_eq!(expected, found);
    }
    assert_eq!(DIGESTS.lines().count(), found.lines().count());
}
