//! What the commands of `cargo xtask` are made of. The end-to-end test borrows the server and the search for a browser.
//!
//! Not here: anything the page itself needs. The page never depends on this package.

pub mod gate;
pub mod long;
pub mod needs;
pub mod page;
pub mod serve;
pub mod server;
pub mod shell;
pub mod site;
pub mod tally;
pub mod tools;

pub use anyhow::Result;
