//! A recording is a stranger's text: whatever is in it, it is read or refused with a reason, and what is read can be replayed.

#![cfg(not(target_arch = "wasm32"))]

use mapscope::mock::{read_recordings, replay_step};
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use proptest::test_runner::Config as ProptestConfig;
use proptest::{collection, prop_assert, proptest};
use serde_json::{Value, json};

const TEXTS: [&str; 3] = [
    include_str!("vectors/segmf/two-address-spaces.json"),
    include_str!("vectors/segmf/add-grefs-zero-count-indeterminate.json"),
    include_str!("vectors/segmf/add-mfns-rollback-wakes-unmap-waiter.json"),
];

/// Puts `value` in the place of the n-th number, text or truth of the recording, coming round.
fn spoil(recording: &mut Value, n: u32, value: Value) {
    let mut leaves = Vec::new();
    collect(recording, &mut leaves);
    let chosen = n as usize % leaves.len();
    *leaves.swap_remove(chosen) = value;
}

fn collect<'v>(value: &'v mut Value, leaves: &mut Vec<&'v mut Value>) {
    match value {
        // What was answered and left is only compared with; ops and set-up are what the kernel gets to see.
        Value::Object(members) => {
            members
                .iter_mut()
                .filter(|(name, _)| *name != "out" && *name != "state")
                .for_each(|(_, v)| collect(v, leaves));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| collect(value, leaves)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => leaves.push(value),
    }
}

fn odd_value() -> impl Strategy<Value = Value> {
    let words = [0, 1, 0xfff, 0x1000, 0x1000_0000, 0x1000_1000, 1 << 44, 1 << 52, u64::MAX - 0xfff, u64::MAX];
    prop_oneof![
        4 => select(words.to_vec()).prop_map(|word| json!(format!("{word:#x}"))),
        4 => select(vec![0, 1, 2, 5, 15, 16, 17, 255, 256, 0xffff, 0xffff_ffff, 1 << 52, u64::MAX]).prop_map(|n| json!(n)),
        1 => any::<i64>().prop_map(|n| json!(n)),
        2 => select(vec!["s0", "s1", "A", "B", "debug", "same", "", "hypercall"]).prop_map(|text| json!(text)),
        1 => Just(Value::Null),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn is_read_or_refused_and_replayed(
        which in 0..TEXTS.len(),
        spoils in collection::vec((any::<u32>(), odd_value()), 1..4),
    ) {
        let mut recording: Value = serde_json::from_str(TEXTS[which]).expect("the project's own recording");
        for (n, value) in spoils {
            spoil(&mut recording, n, value);
        }
        match read_recordings(recording.to_string().as_bytes()) {
            Err(refusal) => prop_assert!(!refusal.reason.is_empty()),
            Ok(read) => for recording in &read {
                for run in recording.runs() {
                    let mut kernel = recording.kernel(run);
                    for step in recording.steps(run) {
                        if replay_step(&mut kernel, step).outcome.is_err() {
                            break;
                        }
                    }
                }
            },
        }
    }

    #[test]
    fn cut_or_changed_anywhere_is_no_panic(
        which in 0..TEXTS.len(),
        cut in any::<u32>(),
        changes in collection::vec((any::<u32>(), any::<u8>()), 0..3),
    ) {
        let mut text = TEXTS[which].as_bytes().to_vec();
        for (at, byte) in changes {
            let at = at as usize % text.len();
            text[at] = byte;
        }
        if cut % 2 == 0 {
            text.truncate(cut as usize % text.len());
        }
        if let Err(refusal) = read_recordings(&text) {
            prop_assert!(!refusal.reason.is_empty());
        }
    }
}
