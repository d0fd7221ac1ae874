//! The invariants, on stories, on random worlds, and on every recording: what breaks them, and that the checker that goes from world
//! to world by their events says the same as one that looks at everything anew.

#![cfg(not(target_arch = "wasm32"))]

mod agree;
mod ops;
mod recordings;
mod stories;
#[path = "../worlds/mod.rs"]
mod worlds;
