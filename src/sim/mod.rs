//! Worlds, what can be done to them, and the tree of what was done. The one door for those who look.

pub mod answer;
pub mod event;
pub mod file;
pub mod history;
pub mod invariants;
pub mod machine;
pub mod op;
pub mod scenarios;
pub mod setup;
pub mod world;

pub use answer::Answer;
pub use event::Event;
pub use history::{History, StepId};
pub use machine::Machine;
pub use op::{Act, MachineId, Op};
pub use setup::MachineSetup;
pub use world::{Digest, Outcome, World};
