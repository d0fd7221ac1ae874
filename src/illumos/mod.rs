//! The illumos kernel of dom0: address spaces, segments and their drivers, the HAT, and those who call them.

pub mod abi;
pub mod address_space;
pub mod dom0;
pub mod event;
pub mod hat;
pub mod inject;
pub mod ports;
pub mod privcmd;
pub mod process;
pub mod seg;
pub mod seg_mf;
pub mod xpvtap;
