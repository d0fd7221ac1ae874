//! The sum of what all layers report. Only here is it known.

use crate::illumos::event::KernelEvent;
use crate::mock::MockEvent;
use crate::x86::PteEvent;
use crate::xen::event::XenEvent;
use serde::Serialize;

/// One thing that happened while an op ran; the micro-steps of the op are the positions between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Tables and the processor.
    Pte(PteEvent),
    /// The hypervisor.
    Xen(XenEvent),
    /// A kernel.
    Kernel(KernelEvent),
    /// A recording's mock kernel.
    Mock(MockEvent),
}

impl From<MockEvent> for Event {
    fn from(event: MockEvent) -> Self {
        Event::Mock(event)
    }
}

impl From<PteEvent> for Event {
    fn from(event: PteEvent) -> Self {
        Event::Pte(event)
    }
}

impl From<XenEvent> for Event {
    fn from(event: XenEvent) -> Self {
        Event::Xen(event)
    }
}

impl From<KernelEvent> for Event {
    fn from(event: KernelEvent) -> Self {
        Event::Kernel(event)
    }
}
