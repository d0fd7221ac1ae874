//! The property again, on every recording of the driver: a mock kernel breaks rules, too.

use crate::agree::compare_all_the_way;
use mapscope::mock::{Recording, read_recordings};
use mapscope::sim::setup::RecordedSetup;
use mapscope::sim::{Act, MachineId, MachineSetup, Op, World};
use std::fs;

#[test]
fn on_every_recording() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/segmf");
    let mut seen = 0;
    for file in fs::read_dir(folder).expect("the recordings are there") {
        let path = file.expect("a folder can be read").path();
        if path.extension().is_some_and(|ext| ext == "json") {
            let text = fs::read(&path).expect("a recording can be read");
            for recording in read_recordings(&text).expect("it is one") {
                check(&recording);
                seen += 1;
            }
        }
    }
    assert!(seen > 50, "only {seen} recordings were found");
}

fn check(recording: &Recording) {
    let run = &recording.main;
    let setup = RecordedSetup { setup: recording.setup.clone(), kernel: run.kernel, stack: run.stack };
    let world = World::build(&[MachineSetup::Recorded(setup)]).expect("its set-up can be built");
    let act = |op: &mapscope::mock::SegmfOp| Op { machine: MachineId(0), act: Act::Recorded(op.clone()) };
    let ops: Vec<Op> = recording.steps(run).map(|step| act(&step.op)).collect();
    compare_all_the_way(world, &ops);
}
