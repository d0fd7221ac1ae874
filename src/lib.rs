//! mapscope: how address maps change, step by step, on models that behave like the real kernels.
//!
//! The rooms and the one direction their arrows point are drawn in `ARCHITECTURE.md`; `tests/layers.rs` holds them.

pub mod illumos;
pub mod mock;
pub mod sim;
pub mod trace;
#[cfg(target_arch = "wasm32")]
pub mod ui;
pub mod view;
pub mod word;
pub mod x86;
pub mod xen;
