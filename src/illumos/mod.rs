//! The illumos kernel of dom0: address spaces, segments and their drivers, the HAT, and those who call them.

pub mod abi;
pub mod event;
pub mod inject;
pub mod ports;
pub mod seg;
pub mod seg_mf;
