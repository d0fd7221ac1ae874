//! The command line as a person meets it: `mapscope run` on a scenario, a recording, a spoilt one and nothing at all.

#![cfg(not(target_arch = "wasm32"))]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn mapscope(arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_mapscope");
    Command::new(program).args(arguments).output().expect("the program was built before its test")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn recording(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/segmf").join(name)
}

fn text_of(path: &Path) -> &str {
    path.to_str().expect("paths of the project are plain text")
}

#[test]
fn a_scenario_is_told_with_the_calls_of_each_step() {
    let output = mapscope(&["run", "save-domain-5"]);
    assert!(output.status.success());
    let said = printed(&output);
    for line in [
        "  privcmd_ioctl(IOCTL_PRIVCMD_MMAPBATCH, 8000 0000, num 4, dom 5) = 0\n",
        "      segmf_faultpage(8000 2000, F_SOFTLOCK, r--) = FC_OBJERR EFAULT\n",
        "      tag of page 2: MFN -> EMPTY\n",
    ] {
        assert!(said.contains(line), "no line {line:?} in\n{said}");
    }
}

#[test]
fn a_recording_is_told_and_agreed_with() {
    let output = mapscope(&["run", text_of(&recording("add-mfns-rollback-midway.json"))]);
    assert!(output.status.success());
    let said = printed(&output);
    assert!(said.contains("#1 add_mfns seg=s0 addr=0x10001000 mfn=0x101d count=5 domid=5 => EFAULT\n"), "{said}");
    assert!(said.contains("HAT row 1000 1000: hat_unload: no lock to let go"), "{said}");
    assert!(!said.contains("DIFFERS"), "{said}");
}

#[test]
fn a_spoilt_recording_is_told_apart() {
    let text = std::fs::read_to_string(recording("create-basic.json")).expect("a recording of the project");
    let spoilt = text.replacen("\"count\": 2", "\"count\": 3", 1);
    assert_ne!(text, spoilt, "the recording counts two holds somewhere");
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("spoilt.json");
    std::fs::write(&path, spoilt).expect("the folder for such files is there");
    let output = mapscope(&["run", "--brief", text_of(&path)]);
    assert_eq!(output.status.code(), Some(1));
    let said = printed(&output);
    assert!(
        said.contains("DIFFERS from the recording at state.vnodes[0].count\n  expected: 3\n  found:    2"),
        "{said}"
    );
}

#[test]
fn what_cannot_be_run_is_said_in_one_line() {
    let output = mapscope(&["run", "no-such-thing"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said, "mapscope: no-such-thing is neither a file nor a scenario; `mapscope scenarios` lists those\n");
}
