//! Every operation of a recording, with its arguments as raw words, in the order of the driver's own parameters.
//!
//! In JSON an operation is one flat object whose member `op` names it. A mistake in one is reported by the member it is in.

use super::name::{SegName, SpaceName};
use crate::illumos::abi::{Dev, FaultType, SegRw};
use crate::illumos::inject::Target;
use crate::word::{Word, json};
use crate::xen::abi::{DomId, GrantRef};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde::{de, ser};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// An operation on the mock kernel: through the segment vector, through the driver's other entries, or on the mocks themselves.
// The derived, externally tagged form is private (`remote = "Self"`): reading through it names the member at fault, which
// serde's own flat form does not.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(remote = "Self", rename_all = "snake_case", deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are the parameters of the functions named, in their order")]
pub enum SegmfOp {
    /// `segmf_create` through `as_map`, which frees the segment on an error.
    Create {
        seg: SegName,
        #[serde(rename = "as")]
        space: SpaceName,
        base: Word,
        npages: u64,
        prot: u8,
        maxprot: u8,
        dev: Dev,
    },
    /// `segmf_dup`, as `as_dup` does it: a child at the same base and size, freed on an error.
    Dup {
        seg: SegName,
        newseg: SegName,
        #[serde(rename = "as")]
        space: SpaceName,
    },
    /// A segment of a driver this model knows nothing of.
    CreateOther {
        seg: SegName,
        #[serde(rename = "as")]
        space: SpaceName,
        base: Word,
        npages: u64,
    },
    /// `segmf_unmap`.
    Unmap { seg: SegName, addr: Word, len: Word },
    /// `segmf_fault`.
    Fault {
        seg: SegName,
        addr: Word,
        len: Word,
        #[serde(rename = "type")]
        fault: FaultType,
        rw: SegRw,
    },
    /// `segmf_faulta`.
    Faulta { seg: SegName, addr: Word },
    /// `segmf_setprot`.
    Setprot { seg: SegName, addr: Word, len: Word, prot: u32 },
    /// `segmf_checkprot`.
    Checkprot { seg: SegName, addr: Word, len: Word, prot: u32 },
    /// `segmf_kluster`.
    Kluster { seg: SegName, addr: Word, delta: i64 },
    /// `segmf_sync`.
    Sync { seg: SegName, addr: Word, len: Word, attr: i32, flags: u32 },
    /// `segmf_incore`.
    Incore { seg: SegName, addr: Word, len: Word },
    /// `segmf_lockop`; `lop` is its `op`. The lock map is NULL.
    Lockop { seg: SegName, addr: Word, len: Word, attr: i32, lop: i32, pos: u64 },
    /// `segmf_getprot`.
    Getprot { seg: SegName, addr: Word, len: Word },
    /// `segmf_getoffset`.
    Getoffset { seg: SegName, addr: Word },
    /// `segmf_gettype`.
    Gettype { seg: SegName, addr: Word },
    /// `segmf_getvp`.
    Getvp { seg: SegName, addr: Word },
    /// `segmf_advise`.
    Advise { seg: SegName, addr: Word, len: Word, behav: u32 },
    /// `segmf_dump`.
    Dump { seg: SegName },
    /// `segmf_pagelock`.
    Pagelock {
        seg: SegName,
        addr: Word,
        len: Word,
        #[serde(rename = "type")]
        lock: u32,
        rw: SegRw,
    },
    /// `segmf_setpagesize`.
    Setpagesize { seg: SegName, addr: Word, len: Word, szc: u32 },
    /// `segmf_getmemid`.
    Getmemid { seg: SegName, addr: Word },
    /// `segmf_getpolicy`.
    Getpolicy { seg: SegName, addr: Word },
    /// `segmf_capable`.
    Capable { seg: SegName, capability: u32 },
    /// `seg_inherit_notsup`.
    Inherit { seg: SegName, addr: Word, len: Word, behav: u32 },
    /// `segmf_add_mfns`.
    AddMfns { seg: SegName, addr: Word, mfn: Word, count: u64, domid: DomId },
    /// `segmf_add_grefs`; the count is the length of the list.
    AddGrefs { seg: SegName, addr: Word, flags: u32, domid: DomId, grefs: Vec<GrantRef> },
    /// `segmf_release_grefs`.
    ReleaseGrefs { seg: SegName, addr: Word, count: u32 },
    /// `segmf_add_gref_pte`.
    AddGrefPte { seg: SegName, addr: Word, pte_ma: Word },
    /// A domain dies: nothing new of it can be mapped.
    KillDomain { domid: DomId },
    /// A domain takes a grant back: it cannot be mapped any more.
    RevokeGrant { domid: DomId, gref: GrantRef },
    /// Somebody waits for an unmap in an address space.
    SetUnmapwait {
        #[serde(rename = "as")]
        space: SpaceName,
    },
    /// The `nth` call of `what` from now answers `ret`, once.
    Inject { what: Target, nth: u64, ret: i64 },
}

impl SegmfOp {
    /// The name of the operation in JSON.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            SegmfOp::Create { .. } => "create",
            SegmfOp::Dup { .. } => "dup",
            SegmfOp::CreateOther { .. } => "create_other",
            SegmfOp::Unmap { .. } => "unmap",
            SegmfOp::Fault { .. } => "fault",
            SegmfOp::Faulta { .. } => "faulta",
            SegmfOp::Setprot { .. } => "setprot",
            SegmfOp::Checkprot { .. } => "checkprot",
            SegmfOp::Kluster { .. } => "kluster",
            SegmfOp::Sync { .. } => "sync",
            SegmfOp::Incore { .. } => "incore",
            SegmfOp::Lockop { .. } => "lockop",
            SegmfOp::Getprot { .. } => "getprot",
            SegmfOp::Getoffset { .. } => "getoffset",
            SegmfOp::Gettype { .. } => "gettype",
            SegmfOp::Getvp { .. } => "getvp",
            SegmfOp::Advise { .. } => "advise",
            SegmfOp::Dump { .. } => "dump",
            SegmfOp::Pagelock { .. } => "pagelock",
            SegmfOp::Setpagesize { .. } => "setpagesize",
            SegmfOp::Getmemid { .. } => "getmemid",
            SegmfOp::Getpolicy { .. } => "getpolicy",
            SegmfOp::Capable { .. } => "capable",
            SegmfOp::Inherit { .. } => "inherit",
            SegmfOp::AddMfns { .. } => "add_mfns",
            SegmfOp::AddGrefs { .. } => "add_grefs",
            SegmfOp::ReleaseGrefs { .. } => "release_grefs",
            SegmfOp::AddGrefPte { .. } => "add_gref_pte",
            SegmfOp::KillDomain { .. } => "kill_domain",
            SegmfOp::RevokeGrant { .. } => "revoke_grant",
            SegmfOp::SetUnmapwait { .. } => "set_unmapwait",
            SegmfOp::Inject { .. } => "inject",
        }
    }
}

/// The private form: `{"create": {"seg": ..}}`.
struct Tagged<'a>(&'a SegmfOp);

impl Serialize for Tagged<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        SegmfOp::serialize(self.0, to)
    }
}

impl Serialize for SegmfOp {
    /// Writes `op` first, then the arguments in the order of the driver's parameters.
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let tagged = json::text(&Tagged(self));
        let name = self.name();
        let arguments = tagged.strip_prefix(&format!("{{\"{name}\":{{")).and_then(|rest| rest.strip_suffix("}}"));
        let arguments = arguments.unwrap_or_else(|| unreachable!("{name} is written as {tagged}"));
        let flat = RawValue::from_string(format!("{{\"op\":\"{name}\",{arguments}}}"));
        flat.map_err(<S::Error as ser::Error>::custom)?.serialize(to)
    }
}

impl<'de> Deserialize<'de> for SegmfOp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let mut arguments = Map::deserialize(from)?;
        let name = match arguments.remove("op") {
            Some(Value::String(name)) => name,
            Some(_) => {
                return Err(<D::Error as de::Error>::custom("member `op` is the name of an operation, in quotes"));
            }
            None => return Err(<D::Error as de::Error>::custom("member `op` is missing: it names the operation")),
        };
        let tagged = Value::Object(Map::from_iter([(name.clone(), Value::Object(arguments))]));
        json::read(&tagged.to_string()).map(|Read(op)| op).map_err(|error| {
            match error.path.strip_prefix(&format!("{name}.")) {
                Some(member) => <D::Error as de::Error>::custom(format_args!(
                    "operation `{name}`, member `{member}`: {}",
                    error.why
                )),
                None => <D::Error as de::Error>::custom(format_args!("operation `{name}`: {}", error.why)),
            }
        })
    }
}

/// The private form, read.
struct Read(SegmfOp);

impl<'de> Deserialize<'de> for Read {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        SegmfOp::deserialize(from).map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::SegmfOp;
    use serde_json::{Value, json};

    fn read(op: Value) -> Result<SegmfOp, String> {
        serde_json::from_value(op).map_err(|error| error.to_string())
    }

    #[test]
    fn an_operation_comes_back_as_it_was_written() {
        let written = [
            json!({"op": "create", "seg": "s0", "as": "A", "base": "0x10000000", "npages": 8, "prot": 3, "maxprot": 7, "dev": 1}),
            json!({"op": "add_grefs", "seg": "s0", "addr": "0x10001000", "flags": 1, "domid": 5, "grefs": [8, 9]}),
            json!({"op": "kluster", "seg": "s0", "addr": "0x10000000", "delta": -4096}),
            json!({"op": "fault", "seg": "s0", "addr": "0x0", "len": "0x1", "type": 2, "rw": 5}),
            json!({"op": "inject", "what": "map_status", "nth": 2, "ret": -9}),
            json!({"op": "dump", "seg": "s0"}),
        ];
        for op in written {
            let read = read(op.clone()).expect("a well-formed operation");
            assert_eq!(serde_json::to_value(&read).expect("and back"), op);
        }
    }

    #[test]
    fn arguments_keep_the_order_of_the_parameters() {
        let text = r#"{"op":"add_mfns","seg":"s0","addr":"0x10","mfn":"0x1","count":1,"domid":5}"#;
        let op: SegmfOp = serde_json::from_str(text).expect("a well-formed operation");
        assert_eq!(serde_json::to_string(&op).expect("and back"), text);
    }

    #[test]
    fn a_mistake_is_named_by_operation_and_member() {
        let cases = [
            (json!({"op": "getvp", "seg": "s0", "addr": "ten"}), "operation `getvp`, member `addr`: `ten` is not"),
            (json!({"op": "getvp", "seg": "s0", "addr": "0x0", "len": "0x0"}), "unknown field `len`"),
            (json!({"op": "getvp", "seg": "s0"}), "operation `getvp`: missing field `addr`"),
            (json!({"op": "getvip", "seg": "s0"}), "unknown variant `getvip`"),
            (
                json!({"op": "add_mfns", "seg": "s0", "addr": "0x0", "mfn": "0x1", "count": 1, "domid": 65536}),
                "member `domid`",
            ),
            (
                json!({"op": "release_grefs", "seg": "", "addr": "0x0", "count": 1}),
                "operation `release_grefs`: \"\" is not a name",
            ),
            (json!({"seg": "s0"}), "member `op` is missing"),
            (json!({"op": 5}), "in quotes"),
        ];
        for (op, reason) in cases {
            let said = read(op.clone()).expect_err("a mistake");
            assert!(said.contains(reason), "{op} was refused with {said:?}, which does not say {reason:?}");
        }
    }
}
