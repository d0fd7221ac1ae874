//! Calls by the field's own function names, with their arguments as the source passes them, and what they came back with.
//!
//! Names are those of `seg_mf.c`, `vm_as.c`, `hat_i86.c`, `privcmd.c`, `xpvtap.c` and of Xen's `mm.c` and `grant_table.c`.

use crate::illumos::abi::{AsId, FaultCode, FaultKind, SegId, hat_flag, prot};
use crate::illumos::event::{Call, FreedBy, Return};
use crate::view::text::Hex;
use crate::word::Word;
use crate::x86::addr::{Mfn, Va};
use crate::xen::abi::{DomId, GrantRef, uvmf};
use crate::xen::event::{XenCall, XenReturn};

/// A call as it is written in the story.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CallWords {
    /// The function.
    pub function: &'static str,
    /// The arguments that say something, separated by commas.
    pub arguments: String,
}

fn words<const N: usize>(function: &'static str, arguments: [String; N]) -> CallWords {
    let said: Vec<String> = arguments.into_iter().filter(|argument| !argument.is_empty()).collect();
    CallWords { function, arguments: said.join(", ") }
}

/// An address in groups of four.
pub fn address(va: Va) -> String {
    Hex::address(va.0).to_string()
}

/// A frame number, without leading zeros beyond five digits.
pub fn frame(mfn: Mfn) -> String {
    format!("{:05X}", mfn.0)
}

/// An entry of a page table: the upper half only where it says something.
pub fn entry(word: u64) -> String {
    Hex::bare(word, 0).to_string()
}

/// A domain: dom0 is called so, the reserved ids have names.
pub fn domain(dom: DomId) -> String {
    match dom {
        DomId::DOM0 => "dom0".to_owned(),
        DomId::SELF => "DOMID_SELF".to_owned(),
        DomId::IO => "DOMID_IO".to_owned(),
        DomId::XEN => "DOMID_XEN".to_owned(),
        DomId(id) => format!("dom {id}"),
    }
}

/// A grant reference: hexadecimal, as it indexes a table.
pub fn reference(gref: GrantRef) -> String {
    format!("ref {:X}", gref.0)
}

/// Protection as letters, a dash for a missing one.
pub fn rights(bits: u32) -> String {
    let letter = |bit, letter| if bits & bit == 0 { '-' } else { letter };
    [letter(prot::READ, 'r'), letter(prot::WRITE, 'w'), letter(prot::EXEC, 'x')].iter().collect()
}

fn bytes(len: u64) -> String {
    format!("0x{len:X}")
}

fn space_(space: AsId) -> String {
    format!("as {space}")
}

fn segment(seg: SegId) -> String {
    format!("seg {seg}")
}

fn named<const N: usize>(value: u64, names: [(u64, &'static str); N]) -> String {
    let mut left = value;
    let mut said = Vec::new();
    for (bit, name) in names {
        if bit != 0 && value & bit == bit {
            said.push(name.to_owned());
            left &= !bit;
        }
    }
    if left != 0 || said.is_empty() {
        said.push(format!("0x{left:X}"));
    }
    said.join("|")
}

fn load_flags(flags: u32) -> String {
    let names = [
        (u64::from(hat_flag::LOAD_LOCK), "LOCK"),
        (u64::from(hat_flag::LOAD_NOCONSIST), "NOCONSIST"),
        (u64::from(hat_flag::LOAD_REMAP), "REMAP"),
    ];
    named(u64::from(flags), names)
}

fn unload_flags(flags: u32) -> String {
    let names = [(u64::from(hat_flag::UNLOAD_UNMAP), "UNMAP"), (u64::from(hat_flag::UNLOAD_UNLOCK), "UNLOCK")];
    named(u64::from(flags), names)
}

fn flush(flags: u64) -> String {
    named(flags, [(uvmf::INVLPG, "INVLPG"), (uvmf::TLB_FLUSH, "TLB_FLUSH"), (uvmf::ALL, "ALL")])
}

fn references(grefs: &[GrantRef]) -> String {
    let all: Vec<String> = grefs.iter().map(|gref| format!("{:X}", gref.0)).collect();
    format!("[{}]", all.join(", "))
}

fn freed_by(by: FreedBy) -> &'static str {
    match by {
        FreedBy::Driver => "its own driver",
        FreedBy::AsMap => "as_map",
        FreedBy::AsDup => "as_dup",
    }
}

/// A call of the illumos kernel.
pub fn kernel_call(call: &Call) -> CallWords {
    match call {
        Call::AsMap { .. }
        | Call::AsUnmap { .. }
        | Call::AsFault { .. }
        | Call::AsDup { .. }
        | Call::AsFree { .. }
        | Call::AsSetprot { .. }
        | Call::AsIncore { .. }
        | Call::SegFree { .. } => space_call(call),
        Call::IoctlMmap { .. } | Call::IoctlMmapBatch { .. } | Call::TapRegister { .. } => client_call(call),
        Call::SegmfCreate { .. }
        | Call::SegmfDup { .. }
        | Call::SegmfUnmap { .. }
        | Call::SegmfFree { .. }
        | Call::SegmfFault { .. }
        | Call::SegmfFaultpage { .. }
        | Call::SegmfSoftunlock { .. }
        | Call::SegmfSetprot { .. }
        | Call::SegmfIncore { .. }
        | Call::SegmfAddMfns { .. }
        | Call::SegmfAddGrefs { .. }
        | Call::SegmfReleaseGrefs { .. }
        | Call::SegmfAddGrefPte { .. }
        | Call::Uprintf { .. } => driver_call(call),
        Call::HatMap { .. }
        | Call::HatDevload { .. }
        | Call::HatUnload { .. }
        | Call::HatUnlock { .. }
        | Call::HatPrepareMapping { .. }
        | Call::HatReleaseMapping { .. }
        | Call::HatFreeStart { .. }
        | Call::HatFreeEnd { .. } => hat_call(call),
        Call::MmuUpdate { .. }
        | Call::PtwrEmulate { .. }
        | Call::UpdateVaMapping { .. }
        | Call::UpdateVaMappingOtherdomain { .. }
        | Call::MapGrantRefs { .. }
        | Call::UnmapGrantRefs { .. }
        | Call::PinTable { .. }
        | Call::UnpinTable { .. } => hypercall(call),
        Call::Specfind { .. }
        | Call::VopAddmap { .. }
        | Call::VopDelmap { .. }
        | Call::VnHold { .. }
        | Call::VnRele { .. }
        | Call::CvBroadcast { .. } => vnode_call(call),
    }
}

fn space_call(call: &Call) -> CallWords {
    match call {
        Call::AsMap { space, addr, len } => words("as_map", [space_(*space), address(*addr), bytes(*len)]),
        Call::AsUnmap { space, addr, len } => words("as_unmap", [space_(*space), address(*addr), bytes(*len)]),
        Call::AsFault { space, addr, len, fault, rw } => {
            words("as_fault", [space_(*space), address(*addr), bytes(*len), format!("{fault:?}"), format!("{rw:?}")])
        }
        Call::AsDup { space, child } => words("as_dup", [space_(*space), format!("child as {child}")]),
        Call::AsFree { space } => words("as_free", [space_(*space)]),
        Call::AsSetprot { space, addr, len, prot } => {
            words("as_setprot", [space_(*space), address(*addr), bytes(*len), rights(*prot)])
        }
        Call::AsIncore { space, addr, len } => words("as_incore", [space_(*space), address(*addr), bytes(*len)]),
        Call::SegFree { seg, by } => words("seg_free", [segment(*seg), format!("by {}", freed_by(*by))]),
        other => unreachable!("{other:?} is no call of the address-space layer"),
    }
}

fn client_call(call: &Call) -> CallWords {
    match call {
        Call::IoctlMmap { space: _, dom, entries } => {
            words("privcmd_ioctl", ["IOCTL_PRIVCMD_MMAP".to_owned(), format!("num {entries}"), domain(*dom)])
        }
        Call::IoctlMmapBatch { space: _, dom, addr, num } => words(
            "privcmd_ioctl",
            ["IOCTL_PRIVCMD_MMAPBATCH".to_owned(), address(*addr), format!("num {num}"), domain(*dom)],
        ),
        Call::TapRegister { seg: _, addr, npages } => {
            words("xpvtap_user_map_register", [address(*addr), format!("{npages} pages")])
        }
        other => unreachable!("{other:?} is no call of a client"),
    }
}

fn driver_call(call: &Call) -> CallWords {
    match call {
        Call::SegmfCreate { seg, dev, prot, maxprot } => words(
            "segmf_create",
            [segment(*seg), format!("dev {dev}"), rights(*prot), format!("max {}", rights(*maxprot))],
        ),
        Call::SegmfDup { seg, newseg } => words("segmf_dup", [segment(*seg), format!("new seg {newseg}")]),
        Call::SegmfUnmap { seg: _, addr, len } => words("segmf_unmap", [address(*addr), bytes(*len)]),
        Call::SegmfFree { seg } => words("segmf_free", [segment(*seg)]),
        Call::SegmfFault { seg: _, addr, len, fault, rw } => {
            words("segmf_fault", [address(*addr), bytes(*len), format!("{fault:?}"), format!("{rw:?}")])
        }
        Call::SegmfFaultpage { seg: _, addr, fault, prot } => {
            words("segmf_faultpage", [address(*addr), format!("{fault:?}"), rights(*prot)])
        }
        Call::SegmfSoftunlock { seg: _, addr, len } => words("segmf_softunlock", [address(*addr), bytes(*len)]),
        Call::SegmfSetprot { seg: _, addr, len, prot } => {
            words("segmf_setprot", [address(*addr), bytes(*len), rights(*prot)])
        }
        Call::SegmfIncore { seg: _, addr, len } => words("segmf_incore", [address(*addr), bytes(*len)]),
        Call::SegmfAddMfns { seg: _, addr, mfn, count, domid } => {
            words("segmf_add_mfns", [address(*addr), frame(Mfn(mfn.0)), count.to_string(), domain(*domid)])
        }
        Call::SegmfAddGrefs { seg: _, addr, flags, grefs, domid } => {
            let flags = named(u64::from(*flags), [(1, "WR")]);
            words("segmf_add_grefs", [address(*addr), flags, references(grefs), domain(*domid)])
        }
        Call::SegmfReleaseGrefs { seg: _, addr, count } => {
            words("segmf_release_grefs", [address(*addr), count.to_string()])
        }
        Call::SegmfAddGrefPte { seg: _, addr, pte_ma } => {
            words("segmf_add_gref_pte", [address(*addr), entry(pte_ma.0)])
        }
        Call::Uprintf { addr, domid, mfn, prot: _ } => {
            words("uprintf", [address(*addr), domain(*domid), frame(Mfn(mfn.0))])
        }
        other => unreachable!("{other:?} is no call of seg_mf"),
    }
}

fn hat_call(call: &Call) -> CallWords {
    match call {
        Call::HatMap { space: _, addr, len, flags: _ } => words("hat_map", [address(*addr), bytes(*len)]),
        Call::HatDevload { space: _, addr, len: _, pfn, attr, flags } => words(
            "hat_devload",
            [address(*addr), format!("pfn {:X}", pfn.0), format!("0x{attr:X}"), load_flags(*flags)],
        ),
        Call::HatUnload { space: _, addr, len, flags } => {
            words("hat_unload", [address(*addr), bytes(*len), unload_flags(*flags)])
        }
        Call::HatUnlock { space: _, addr, len } => words("hat_unlock", [address(*addr), bytes(*len)]),
        Call::HatPrepareMapping { space: _, addr } => words("hat_prepare_mapping", [address(*addr)]),
        Call::HatReleaseMapping { space: _, addr } => words("hat_release_mapping", [address(*addr)]),
        Call::HatFreeStart { space } => words("hat_free_start", [space_(*space)]),
        Call::HatFreeEnd { space } => words("hat_free_end", [space_(*space)]),
        other => unreachable!("{other:?} is no call of the HAT"),
    }
}

fn hypercall(call: &Call) -> CallWords {
    let pair = |ptr: &Word, val: &Word| [entry(ptr.0), entry(val.0)];
    match call {
        Call::MmuUpdate { ptr, val } => words("HYPERVISOR_mmu_update", pair(ptr, val)),
        Call::PtwrEmulate { ptr, val } => words("ptwr_emulated_update", pair(ptr, val)),
        Call::UpdateVaMapping { va, pte, flags } => {
            words("HYPERVISOR_update_va_mapping", [address(*va), entry(pte.0), flush(*flags)])
        }
        Call::UpdateVaMappingOtherdomain { va, pte, flags, domid } => words(
            "HYPERVISOR_update_va_mapping_otherdomain",
            [address(*va), entry(pte.0), flush(*flags), domain(*domid)],
        ),
        Call::MapGrantRefs { count } => {
            words("xen_map_gref", ["GNTTABOP_map_grant_ref".to_owned(), format!("{count} ops")])
        }
        Call::UnmapGrantRefs { count } => {
            words("HYPERVISOR_grant_table_op", ["GNTTABOP_unmap_grant_ref".to_owned(), format!("{count} ops")])
        }
        Call::PinTable { table, level } => words("xen_pin", [frame(*table), format!("level {}", level.0 + 1)]),
        Call::UnpinTable { table } => words("xen_unpin", [frame(*table)]),
        other => unreachable!("{other:?} is no hypercall"),
    }
}

fn vnode_call(call: &Call) -> CallWords {
    match call {
        Call::Specfind { dev } => words("specfind", [format!("dev {dev}"), "VCHR".to_owned()]),
        Call::VopAddmap { dev, addr, len, .. } => {
            words("VOP_ADDMAP", [format!("dev {dev}"), address(*addr), bytes(*len)])
        }
        Call::VopDelmap { dev, addr, len, .. } => {
            words("VOP_DELMAP", [format!("dev {dev}"), address(*addr), bytes(*len)])
        }
        Call::VnHold { dev } => words("VN_HOLD", [format!("dev {dev}")]),
        Call::VnRele { dev } => words("VN_RELE", [format!("dev {dev}")]),
        Call::CvBroadcast { space } => words("cv_broadcast", [format!("a_cv of as {space}")]),
        other => unreachable!("{other:?} is no call of the vnode layer"),
    }
}

/// A function inside the hypervisor.
pub fn xen_call(call: &XenCall) -> CallWords {
    match call {
        XenCall::ModL1Entry { at, new, owner } => words("mod_l1_entry", [entry(at.0), entry(new.0), domain(*owner)]),
        XenCall::ModUpperEntry { at, new, level } => {
            let function = match level.0 {
                1 => "mod_l2_entry",
                2 => "mod_l3_entry",
                _ => "mod_l4_entry",
            };
            words(function, [entry(at.0), entry(new.0)])
        }
        XenCall::MapGrantRef { host_addr, gref, dom, flags } => {
            words("map_grant_ref", [entry(host_addr.0), reference(*gref), domain(*dom), format!("0x{flags:X}")])
        }
        XenCall::UnmapGrantRef { host_addr, handle } => {
            words("unmap_grant_ref", [entry(host_addr.0), format!("handle {handle}")])
        }
        XenCall::DecreaseReservation { dom, mfn } => words("XENMEM_decrease_reservation", [domain(*dom), frame(*mfn)]),
        XenCall::GuestUpdate { dom, va } => words("guest updates its own entry", [domain(*dom), address(*va)]),
        XenCall::DomainKill { dom } => words("domain_kill", [domain(*dom)]),
        XenCall::GrantAccess { dom, gref } => words("gnttab_grant_foreign_access", [domain(*dom), reference(*gref)]),
        XenCall::EndAccess { dom, gref } => words("gnttab_end_foreign_access", [domain(*dom), reference(*gref)]),
    }
}

/// A fault code as `faultcode.h` writes it.
pub fn fault_code(code: FaultCode) -> String {
    match code.kind() {
        FaultKind::None => "0".to_owned(),
        FaultKind::Hardware => "FC_HWERR".to_owned(),
        FaultKind::Alignment => "FC_ALIGN".to_owned(),
        FaultKind::Object(errno) => format!("FC_OBJERR {errno:?}"),
        FaultKind::Protection => "FC_PROT".to_owned(),
        FaultKind::NoMapping => "FC_NOMAP".to_owned(),
        FaultKind::NoSupport => "FC_NOSUPPORT".to_owned(),
        FaultKind::Unknown => format!("{}", code.0),
    }
}

/// What a call of the illumos kernel came back with; nothing for a void function.
pub fn kernel_return(with: &Return) -> Option<String> {
    match with {
        Return::Void => None,
        Return::Errno(errno) if errno.is_error() => Some(format!("{errno:?}")),
        Return::Errno(_) => Some("0".to_owned()),
        Return::Fault(code) => Some(fault_code(*code)),
        Return::Hypercall(0) => Some("0".to_owned()),
        Return::Hypercall(value) => Some(format!("{value}, refused")),
        Return::Value(value) => Some(format!("0x{value:X}")),
        Return::MapGrantRefs(value, ops) => {
            Some(statuses(*value, ops.iter().map(|op| (op.status.name(), op.status.0 == 0, Some(op.handle.0)))))
        }
        Return::UnmapGrantRefs(value, ops) => {
            Some(statuses(*value, ops.iter().map(|op| (op.status.name(), op.status.0 == 0, None))))
        }
    }
}

fn statuses(value: i64, ops: impl Iterator<Item = (&'static str, bool, Option<u32>)>) -> String {
    let each: Vec<String> = ops
        .map(|(name, is_okay, handle)| match (is_okay, handle) {
            (true, Some(handle)) => format!("handle {handle}"),
            (true, None) => "0".to_owned(),
            (false, _) => format!("GNTST_{name}"),
        })
        .collect();
    if each.is_empty() { value.to_string() } else { format!("{value}: {}", each.join(", ")) }
}

/// What a function inside the hypervisor came back with.
pub fn xen_return(with: XenReturn) -> Option<String> {
    match with {
        XenReturn::Void => None,
        XenReturn::Errno(errno) if errno.0 == 0 => Some("0".to_owned()),
        XenReturn::Errno(errno) => Some(format!("{errno:?}")),
        XenReturn::Status(status, handle) if status.0 == 0 => Some(format!("0, handle {handle}")),
        XenReturn::Status(status, _) => Some(format!("{status:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{CallWords, kernel_call, kernel_return};
    use crate::illumos::abi::{AsId, Errno, FaultCode, SegId};
    use crate::illumos::event::{Call, Return};
    use crate::word::Word;
    use crate::x86::addr::{Pfn, Va};
    use crate::xen::abi::DomId;

    fn said(call: &Call) -> String {
        let CallWords { function, arguments } = kernel_call(call);
        format!("{function}({arguments})")
    }

    #[test]
    fn the_calls_of_a_bad_frame_read_like_the_source() {
        let (space, seg, addr) = (AsId(1), SegId(1), Va(0x8000_2000));
        let add = Call::SegmfAddMfns { seg, addr, mfn: Word(0x7F_FFFF), count: 1, domid: DomId(5) };
        assert_eq!(said(&add), "segmf_add_mfns(8000 2000, 7FFFFF, 1, dom 5)");
        let load = Call::HatDevload { space, addr, len: 0x1000, pfn: Pfn(0), attr: 0x101, flags: 0x21 };
        assert_eq!(said(&load), "hat_devload(8000 2000, pfn 0, 0x101, LOCK|NOCONSIST)");
        let unload = Call::HatUnload { space, addr, len: 0x1000, flags: 0x14 };
        assert_eq!(said(&unload), "hat_unload(8000 2000, 0x1000, UNMAP|UNLOCK)");
        let update = Call::UpdateVaMappingOtherdomain { va: addr, pte: Word(0x7_FFFF_F605), flags: 6, domid: DomId(5) };
        assert_eq!(
            said(&update),
            "HYPERVISOR_update_va_mapping_otherdomain(8000 2000, 7 FFFF F605, INVLPG|ALL, dom 5)"
        );
    }

    #[test]
    fn answers_are_the_kernels_words() {
        assert_eq!(kernel_return(&Return::Void), None);
        assert_eq!(kernel_return(&Return::Errno(Errno::OK)).as_deref(), Some("0"));
        assert_eq!(kernel_return(&Return::Errno(Errno::ENOTSUP)).as_deref(), Some("ENOTSUP"));
        assert_eq!(kernel_return(&Return::Fault(FaultCode(0xE03))).as_deref(), Some("FC_OBJERR EFAULT"));
        assert_eq!(kernel_return(&Return::Hypercall(-22)).as_deref(), Some("-22, refused"));
    }
}
