//! mapscope: how address maps change, step by step, on models that behave like the real kernels.
//!
//! The rooms and the one direction their arrows point are drawn in `ARCHITECTURE.md`; `tests/layers.rs` holds them.

#[cfg(target_arch = "wasm32")]
pub mod ui;
