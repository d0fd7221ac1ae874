//! The mock's rules that the driver's own habits hardly reach, and what an op answers that names nothing.

use super::event::{HatCall, MockEvent};
use super::ports::MockPorts;
use super::replay::StepEvent;
use super::{DomainSetup, GrantSetup, MockKernel, Row, SegAnswer, SegmfOp, Setup, StackFill, out_json, state_json};
use crate::illumos::abi::{AsId, Dev, Errno, KernelBuild, hat_flag, prot};
use crate::illumos::ports::{HatPort, HypercallPort};
use crate::trace::{Halt, Recorder};
use crate::word::Word;
use crate::x86::addr::{Mfn, Pfn, Va};
use crate::x86::pte::Pte;
use crate::xen::abi::{DomId, GntStatus, GrantRef, Handle, MapGrantRef, UnmapGrantRef, uvmf};
use serde_json::{Value, json};

const A: AsId = AsId(0);
const PAGE: Va = Va(0x1_0000);

fn kernel() -> MockKernel {
    let space = |name: &str| name.to_owned().try_into().expect("a short name");
    let grant = |gref, to| GrantSetup { gref: GrantRef(gref), mfn: Mfn(0x2000), readonly: false, to: DomId(to) };
    let domain = DomainSetup {
        id: DomId(5),
        owns: vec![(Mfn(0x1000), 2)],
        grants: vec![grant(8, 0), grant(9, 0), grant(60, 9)],
    };
    let setup = Setup { address_spaces: vec![space("A"), space("B")], devices: vec![Dev(1)], domains: vec![domain] };
    MockKernel::new(&setup, KernelBuild::Production, StackFill::Zero)
}

/// Calls the ports as a driver does; what happened, in order.
fn through_ports<R>(
    kernel: &mut MockKernel,
    call: impl FnOnce(&mut MockPorts<'_, Recorder<StepEvent>>) -> Result<R, Halt>,
) -> (R, Vec<MockEvent>) {
    let mut trace = Recorder::unlimited();
    let done = call(&mut MockPorts { kernel, trace: &mut trace, current: A }).expect("the mock never halts by itself");
    let mock_events = trace.into_events().into_iter().filter_map(|event| match event {
        StepEvent::Mock(event) => Some(event),
        StepEvent::Kernel(_) => None,
    });
    (done, mock_events.collect())
}

fn apply(kernel: &mut MockKernel, op: Value) -> Result<SegAnswer, Halt> {
    let op: SegmfOp = serde_json::from_value(op).expect("a well-formed operation");
    kernel.apply(&op, &mut Recorder::<StepEvent>::unlimited())
}

/// The `out` of an operation.
fn out(kernel: &mut MockKernel, op: Value) -> Value {
    let op: SegmfOp = serde_json::from_value(op).expect("a well-formed operation");
    let mut trace: Recorder<StepEvent> = Recorder::unlimited();
    let outcome = kernel.apply(&op, &mut trace);
    let events = trace.into_events();
    let noted: Vec<_> = events.iter().map(StepEvent::noted).collect();
    out_json(kernel, &outcome, &noted)
}

fn create(kernel: &mut MockKernel) {
    let op = json!({"op": "create", "seg": "s", "as": "A", "base": "0x10000", "npages": 2, "prot": 3, "maxprot": 7, "dev": 1});
    assert_eq!(apply(kernel, op), Ok(SegAnswer::Errno(Errno::OK)));
}

fn rows(kernel: &MockKernel) -> Vec<(Va, Row)> {
    kernel.rows(A).collect()
}

#[test]
fn an_unload_without_unlock_leaves_the_locks() {
    let mut kernel = kernel();
    let attr = prot::READ | prot::WRITE | prot::USER;
    let flags = hat_flag::LOAD_LOCK;
    let load = |p: &mut MockPorts<'_, _>| p.hat_devload(A, PAGE, 0x1000, Pfn(0x30), attr, flags);
    through_ports(&mut kernel, load);
    assert_eq!(rows(&kernel), [(PAGE, Row { pte: Pte(0x8000_0000_0003_0017), locks: 1 })]);

    let unload = |p: &mut MockPorts<'_, _>| p.hat_unload(A, PAGE, 0x1000, hat_flag::UNLOAD_UNMAP);
    let ((), events) = through_ports(&mut kernel, unload);
    assert_eq!(rows(&kernel), [(PAGE, Row { pte: Pte::NONE, locks: 1 })]);
    assert!(events.contains(&MockEvent::LockRemains { space: A, va: PAGE, locks: 1 }));
    assert_eq!(through_ports(&mut kernel, unload).1, [], "a page without a valid entry is skipped");

    let unlock = |p: &mut MockPorts<'_, _>| p.hat_unlock(A, PAGE, 0x1000);
    through_ports(&mut kernel, unlock);
    assert_eq!(rows(&kernel), [], "a row with neither entry nor lock goes");
    let missing = MockEvent::LockMissing { by: HatCall::HatUnlock, space: A, va: PAGE };
    assert_eq!(through_ports(&mut kernel, unlock).1, [missing]);
}

#[test]
fn a_load_without_lock_takes_none_and_keeps_those_there_are() {
    let mut kernel = kernel();
    for (flags, locks) in [(hat_flag::LOAD, 0), (hat_flag::LOAD_LOCK, 1), (hat_flag::LOAD, 1)] {
        through_ports(&mut kernel, |p| p.hat_devload(A, PAGE, 0x2000, Pfn(0x30), prot::READ, flags));
        let found: Vec<u64> = rows(&kernel).iter().map(|(_, row)| row.locks).collect();
        assert_eq!(found, [locks, locks]);
    }
    let frames: Vec<Mfn> = rows(&kernel).iter().map(|(_, row)| row.pte.frame()).collect();
    assert_eq!(frames, [Mfn(0x30), Mfn(0x31)], "a range of pages maps frames in a row");
}

#[test]
fn an_update_needs_a_live_domain_then_its_frame_then_a_valid_entry() {
    let mut kernel = kernel();
    let update = |kernel: &mut MockKernel, pte, dom| {
        let flags = uvmf::INVLPG | uvmf::ALL;
        through_ports(kernel, |p| p.update_va_mapping_otherdomain(PAGE, Word(pte), flags, DomId(dom))).0
    };
    assert_eq!(update(&mut kernel, 0x9000_0001, 6), -3);
    assert_eq!(update(&mut kernel, 0x9000_0001, 5), -22);
    assert_eq!(update(&mut kernel, 0x100_0001, 5), -22, "the page has no valid entry");
    through_ports(&mut kernel, |p| p.hat_devload(A, PAGE, 0x1000, Pfn(0), prot::READ, hat_flag::LOAD_LOCK));
    assert_eq!(update(&mut kernel, 0x100_0001, 5), 0);
    assert_eq!(rows(&kernel), [(PAGE, Row { pte: Pte(0x100_0001), locks: 1 })], "replaced whole, locks unchanged");
    assert_eq!(update(&mut kernel, 0x100_0000, 5), 0);
    assert_eq!(update(&mut kernel, 0x100_0001, 5), -22, "the entry it wrote is not valid");
    assert_eq!(apply(&mut kernel, json!({"op": "kill_domain", "domid": 5})), Ok(SegAnswer::Done));
    assert_eq!(update(&mut kernel, 0x100_0001, 5), -3);
}

fn map_op(gref: u32, dom: u16, host_addr: u64) -> MapGrantRef {
    let (status, handle) = (GntStatus::OKAY, Handle(0));
    MapGrantRef { host_addr: Word(host_addr), flags: 26, gref: GrantRef(gref), dom: DomId(dom), status, handle }
}

fn map(kernel: &mut MockKernel, mut ops: Vec<MapGrantRef>) -> Vec<(i16, u32)> {
    assert_eq!(through_ports(kernel, |p| p.map_grant_refs(&mut ops, true)).0, 0);
    ops.iter().map(|op| (op.status.0, op.handle.0)).collect()
}

fn unmap(kernel: &mut MockKernel, handle: u32, host_addr: u64) -> i16 {
    let (host_addr, handle) = (Word(host_addr), Handle(handle));
    let mut ops = [UnmapGrantRef { host_addr, dev_bus_addr: Word(0), handle, status: GntStatus::OKAY }];
    assert_eq!(through_ports(kernel, |p| p.unmap_grant_refs(&mut ops)).0, 0);
    ops[0].status.0
}

#[test]
fn a_batch_goes_on_after_a_failed_operation() {
    let mut kernel = kernel();
    let ops = vec![map_op(8, 6, 0), map_op(7, 5, 0), map_op(60, 5, 0), map_op(8, 5, 0x70), map_op(9, 5, 0x78)];
    assert_eq!(map(&mut kernel, ops), [(-2, 0), (-3, 0), (-1, 0), (0, 1), (0, 2)]);
}

#[test]
fn an_entry_belongs_to_the_mapping_last_written_to_it() {
    let mut kernel = kernel();
    assert_eq!(map(&mut kernel, vec![map_op(8, 5, 0x70), map_op(9, 5, 0x70)]), [(0, 1), (0, 2)]);
    assert_eq!(unmap(&mut kernel, 1, 0x78), -4, "mapped elsewhere");
    assert_eq!(unmap(&mut kernel, 1, 0), -4, "zero is nothing special");
    assert_eq!(unmap(&mut kernel, 1, 0x70), 0);
    assert_eq!(kernel.pte_ma().collect::<Vec<_>>(), [(Word(0x70), Handle(2))], "the younger mapping keeps it");
    assert_eq!(unmap(&mut kernel, 1, 0x70), -4, "dead");
    assert_eq!(unmap(&mut kernel, 2, 0x70), 0);
    assert_eq!(kernel.pte_ma().count(), 0);
    assert_eq!(map(&mut kernel, vec![map_op(8, 5, 0x70)]), [(0, 3)], "handles are never used again");
}

#[test]
fn what_is_mapped_outlives_grant_and_domain() {
    let mut kernel = kernel();
    assert_eq!(map(&mut kernel, vec![map_op(8, 5, 0x70), map_op(9, 5, 0x78)]), [(0, 1), (0, 2)]);
    assert_eq!(apply(&mut kernel, json!({"op": "revoke_grant", "domid": 5, "gref": 8})), Ok(SegAnswer::Done));
    assert_eq!(map(&mut kernel, vec![map_op(8, 5, 0x80)]), [(-1, 0)]);
    assert_eq!(apply(&mut kernel, json!({"op": "kill_domain", "domid": 5})), Ok(SegAnswer::Done));
    assert_eq!(map(&mut kernel, vec![map_op(9, 5, 0x80)]), [(-2, 0)]);
    assert_eq!([unmap(&mut kernel, 1, 0x70), unmap(&mut kernel, 2, 0x78)], [0, 0]);
}

#[test]
fn two_failures_due_on_one_call_are_both_used_up() {
    let mut kernel = kernel();
    create(&mut kernel);
    for (what, ret) in [("hypercall", -1), ("grant_table_op", -38)] {
        let op = json!({"op": "inject", "what": what, "nth": 1, "ret": ret});
        assert_eq!(apply(&mut kernel, op), Ok(SegAnswer::Done));
    }
    let add = json!({"op": "add_grefs", "seg": "s", "addr": "0x10000", "flags": 1, "domid": 5, "grefs": [8]});
    let first = out(&mut kernel, add.clone());
    assert_eq!(first["ret"], "14");
    let call = &first["log"][0];
    assert_eq!((&call["ret"], &call["injected"]), (&json!(-1), &json!(true)), "the earlier one gives the result");
    assert_eq!((&call["ops"][0]["status"], &call["ops"][0]["handle"]), (&json!(0), &json!(0)), "as they came");
    assert!(kernel.injections().is_empty());
    let second = out(&mut kernel, add);
    assert_eq!((&second["ret"], &second["log"][0]["ops"][0]["handle"]), (&json!("0"), &json!(1)), "no handle was lost");
    assert_eq!(second["log"][0].get("injected"), None);
}

#[test]
fn a_status_is_arranged_for_the_nth_operation_over_all_batches() {
    let mut kernel = kernel();
    let op = json!({"op": "inject", "what": "map_status", "nth": 3, "ret": -9});
    assert_eq!(apply(&mut kernel, op), Ok(SegAnswer::Done));
    assert_eq!(map(&mut kernel, vec![map_op(8, 5, 0x70), map_op(9, 6, 0x78)]), [(0, 1), (-2, 0)]);
    assert_eq!(map(&mut kernel, vec![map_op(9, 5, 0x78), map_op(9, 5, 0x78)]), [(-9, 0), (0, 2)]);
}

#[test]
fn a_name_is_free_again_when_its_segment_is() {
    let mut kernel = kernel();
    let taken = json!({"op": "create_other", "seg": "s", "as": "B", "base": "0x0", "npages": 1});
    create(&mut kernel);
    assert!(matches!(apply(&mut kernel, taken.clone()), Ok(SegAnswer::NameTaken(_))));
    let gone = out(&mut kernel, json!({"op": "unmap", "seg": "s", "addr": "0x10000", "len": "0x2000"}));
    assert_eq!(gone["log"][2], json!({"call": "seg_free", "seg": "s", "by": "driver"}), "named though it is gone");
    assert_eq!(apply(&mut kernel, taken), Ok(SegAnswer::Done));
}

#[test]
fn an_operation_that_names_nothing_changes_nothing() {
    let mut kernel = kernel();
    create(&mut kernel);
    let before = kernel.clone();
    let naming_nothing = [
        json!({"op": "getvp", "seg": "x", "addr": "0x0"}),
        json!({"op": "dup", "seg": "s", "newseg": "c", "as": "C"}),
        json!({"op": "create", "seg": "t", "as": "A", "base": "0x0", "npages": 1, "prot": 3, "maxprot": 7, "dev": 2}),
        json!({"op": "set_unmapwait", "as": "C"}),
    ];
    for op in naming_nothing {
        let said = out(&mut kernel, op.clone());
        assert!(said["not_here"].is_string(), "{op} was answered with {said}");
    }
    for op in [json!({"op": "kill_domain", "domid": 6}), json!({"op": "revoke_grant", "domid": 5, "gref": 7})] {
        assert_eq!(apply(&mut kernel, op), Ok(SegAnswer::Done));
    }
    assert_eq!(kernel, before);
}

#[test]
fn another_drivers_data_is_not_guessed_at() {
    let mut kernel = kernel();
    let other = json!({"op": "create_other", "seg": "o", "as": "A", "base": "0x10000", "npages": 1});
    assert_eq!(apply(&mut kernel, other), Ok(SegAnswer::Done));
    assert!(matches!(
        apply(&mut kernel, json!({"op": "getvp", "seg": "o", "addr": "0x10000"})),
        Ok(SegAnswer::OtherDriver(_))
    ));
    let wild = apply(&mut kernel, json!({"op": "add_gref_pte", "seg": "o", "addr": "0x10000", "pte_ma": "0x1"}));
    assert!(matches!(wild, Err(Halt::Wild { .. })), "{wild:?}");
    assert_eq!(state_json(&kernel)["segs"][0]["driver"], "other");
}

/// The grant entries of the driver keep a page index in 32 bits: 2^44 bytes up is the first page again (D13). The frame entries
/// do not, and go astray.
#[test]
fn an_index_of_32_bits_comes_round() {
    let mut kernel = kernel();
    create(&mut kernel);
    let far = "0x100000010000";
    let pte = json!({"op": "add_gref_pte", "seg": "s", "addr": far, "pte_ma": "0x7f0000"});
    assert_eq!(apply(&mut kernel, pte), Ok(SegAnswer::Void));
    assert_eq!(state_json(&kernel)["segs"][0]["map"], json!([{"i": 0, "type": "EMPTY", "ptep": "0x7f0000"}]));
    let mfns = json!({"op": "add_mfns", "seg": "s", "addr": far, "mfn": "0x1000", "count": 1, "domid": 5});
    let wild = apply(&mut kernel, mfns);
    assert_eq!(wild, Err(Halt::Wild { function: "segmf_add_mfns".into(), index: 1 << 32 }));
}

#[test]
fn an_entry_that_is_put_back_was_not_changed() {
    let mut kernel = kernel();
    create(&mut kernel);
    let past_the_end =
        json!({"op": "add_mfns", "seg": "s", "addr": "0x12000", "mfn": "0x9000", "count": 1, "domid": 5});
    assert_eq!(
        out(&mut kernel, past_the_end.clone())["oob"],
        json!({"s": [2]}),
        "EMPTY now, and the frame stays visible"
    );
    assert_eq!(out(&mut kernel, past_the_end).get("oob"), None, "EMPTY with that frame before and after");
}
