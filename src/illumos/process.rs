//! What a process does with its memory, and what the trap handler makes of a fault (`i86pc/os/trap.c`).

use super::abi::{AsId, Errno, FaultCode, FaultKind, FaultType, SegRw};
use super::dom0::{Dom0, KernelTrace};
use super::event::{KernelEvent, Signal};
use crate::trace::{Emit, Halt};
use crate::x86::addr::{Mfn, Va};
use crate::x86::fault::{Access, ErrorCode, Exception, Mode};
use crate::xen::abi::{DomId, XenErrno};
use serde::Serialize;

/// What a touch came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Touched {
    /// The access reached this frame; a read saw this word.
    Reached {
        /// The frame.
        mfn: Mfn,
        /// The 64-bit word at the address, before a write.
        word: crate::word::Word,
    },
    /// The process got a signal.
    Signal(Signal),
}

/// How often a fault may be resolved and the access tried again.
const TRIES: u32 = 4;

impl<T: KernelTrace> Dom0<'_, T> {
    /// Puts a process on the processor.
    ///
    /// # Errors
    /// Only a halt, here and below.
    pub fn run(&mut self, space: AsId) -> Result<(), Halt> {
        let hat = &self.kernel.spaces[&space].hat;
        let (kernel_top, user_top) = (hat.kernel_top, hat.user_top);
        if self.cpu.cr3() == user_top {
            return Ok(());
        }
        let done = self.xen().new_bases(DomId::DOM0, kernel_top, Some(user_top))?;
        assert_eq!(done, XenErrno::OK, "the top tables of {space:?} are pinned, yet refused as bases");
        Ok(())
    }

    /// A process reads, writes or runs one word; a write stores `word`. A signal is caught here: the process goes on.
    ///
    /// # Errors
    /// Only a halt.
    pub fn touch(&mut self, space: AsId, va: Va, access: Access) -> Result<Touched, Halt> {
        self.run(space)?;
        for _ in 0..TRIES {
            let exception = match self.cpu.access(self.memory, va, access, Mode::User, self.trace)? {
                Ok(leaf) => {
                    let mfn = leaf.frame();
                    let at = crate::x86::addr::Ma(mfn.base().0 + va.offset());
                    return Ok(Touched::Reached { mfn, word: crate::word::Word(self.memory.word(at)) });
                }
                Err(exception) => exception,
            };
            if let Some(signal) = self.trap(space, va, access, exception)? {
                self.emit(KernelEvent::Signalled { space, signal })?;
                return Ok(Touched::Signal(signal));
            }
        }
        panic!(
            "the fault at {va:?} was resolved {TRIES} times and came again: a driver says 0 without mapping the page"
        );
    }

    /// The signal that a fault ends in, or none if the kernel resolved it.
    fn trap(&mut self, space: AsId, va: Va, access: Access, exception: Exception) -> Result<Option<Signal>, Halt> {
        let code = match exception {
            Exception::GeneralProtection | Exception::StackFault | Exception::InvalidOpcode => {
                return Ok(Some(Signal::SegvMapping));
            }
            Exception::PageFault(code) => code,
        };
        let fault = if code.contains(ErrorCode::PRESENT) { FaultType::F_PROT } else { FaultType::F_INVAL };
        let rw = match access {
            Access::Read => SegRw::S_READ,
            Access::Write => SegRw::S_WRITE,
            Access::Execute => SegRw::S_EXEC,
        };
        let answer = self.as_fault(space, va.page(), crate::x86::addr::PAGE_SIZE, fault, rw)?;
        Ok(signal_of(answer))
    }
}

/// What a user-mode access gets for a fault code (`illumos.md` 2.5).
#[must_use]
pub fn signal_of(code: FaultCode) -> Option<Signal> {
    Some(match code.kind() {
        FaultKind::None => return None,
        FaultKind::Object(errno) => Signal::BusObject(errno),
        FaultKind::Hardware | FaultKind::NoSupport => Signal::BusAddress,
        FaultKind::Alignment => Signal::BusAlignment,
        FaultKind::Protection => Signal::SegvAccess,
        FaultKind::NoMapping => Signal::SegvMapping,
        FaultKind::Unknown => Signal::BusObject(Errno::EFAULT),
    })
}
