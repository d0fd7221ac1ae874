//! The hypervisor: domains, machine frames and who may map them, grants.

pub mod abi;
