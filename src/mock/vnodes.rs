//! The vnode layer as two counts a device: holds on its vnode, bytes mapped of its common vnode.

use super::event::MockEvent;
use super::ports::MockPorts;
use crate::illumos::abi::{Dev, Errno};
use crate::illumos::event::{Call, KernelEvent, Return, VnodeCounts};
use crate::illumos::inject::Target;
use crate::illumos::ports::{Mapped, Ports, VnodePort};
use crate::trace::{Emit, Halt};

impl<T: Emit<KernelEvent> + Emit<MockEvent>> MockPorts<'_, T> {
    fn counts(&self, dev: Dev) -> VnodeCounts {
        self.kernel.devices.get(&dev).copied().unwrap_or_default()
    }

    fn set_counts(&mut self, dev: Dev, new: VnodeCounts) -> Result<(), Halt> {
        let old = self.counts(dev);
        self.trace.emit(KernelEvent::Vnode { dev, old, new })?;
        self.kernel.devices.insert(dev, new);
        Ok(())
    }

    /// Ends an ADDMAP or DELMAP: the common vnode has `mapped` bytes afterwards unless an injection makes the call fail.
    fn map_count(&mut self, target: Target, dev: Dev, mapped: u64) -> Result<Errno, Halt> {
        let injected = self.injected(&[target])?;
        let error = Errno(injected.unwrap_or(0) as i32);
        if !error.is_error() {
            self.set_counts(dev, VnodeCounts { mapped, ..self.counts(dev) })?;
        }
        self.returned_from(injected.is_some(), Return::Errno(error))?;
        Ok(error)
    }
}

impl<T: Emit<KernelEvent> + Emit<MockEvent>> VnodePort for MockPorts<'_, T> {
    fn specfind(&mut self, dev: Dev) -> Result<(), Halt> {
        self.called(Call::Specfind { dev })?;
        let counts = self.counts(dev);
        self.set_counts(dev, VnodeCounts { holds: counts.holds + 1, ..counts })?;
        self.returned(Return::Void)
    }

    fn addmap(&mut self, dev: Dev, at: Mapped) -> Result<Errno, Halt> {
        let Mapped { space, off, addr, len, prot, maxprot } = at;
        let (prot, maxprot) = (prot.into(), maxprot.into());
        self.called(Call::VopAddmap { dev, space, off, addr, len, prot, maxprot })?;
        self.map_count(Target::Addmap, dev, self.counts(dev).mapped.wrapping_add(len))
    }

    fn delmap(&mut self, dev: Dev, at: Mapped) -> Result<Errno, Halt> {
        let Mapped { space, off, addr, len, prot, maxprot } = at;
        let (prot, maxprot) = (prot.into(), maxprot.into());
        self.called(Call::VopDelmap { dev, space, off, addr, len, prot, maxprot })?;
        self.map_count(Target::Delmap, dev, self.counts(dev).mapped.wrapping_sub(len))
    }

    fn vn_hold(&mut self, dev: Dev) -> Result<(), Halt> {
        self.called(Call::VnHold { dev })?;
        let counts = self.counts(dev);
        self.set_counts(dev, VnodeCounts { holds: counts.holds + 1, ..counts })?;
        self.returned(Return::Void)
    }

    fn vn_rele(&mut self, dev: Dev) -> Result<(), Halt> {
        self.called(Call::VnRele { dev })?;
        let counts = self.counts(dev);
        self.set_counts(dev, VnodeCounts { holds: counts.holds.wrapping_sub(1), ..counts })?;
        self.returned(Return::Void)
    }
}
