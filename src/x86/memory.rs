//! Machine memory: frames of 4096 bytes, shared between worlds until one writes.
//!
//! A frame that nobody wrote reads as zeros and takes no room. Which frames *exist* is Xen's to say.
//! The map of frames is persistent, so a clone of a world costs nothing and a write copies one path. Walks and validations are reads, and a
//! read of a radix tree compares nothing: with it a walk takes half the time it takes with `imbl::OrdMap`.

use super::addr::{Ma, Mfn, PAGE_SIZE};
use super::radix::Radix;
use std::sync::Arc;

/// The contents of one frame.
type Frame = Arc<[u8; PAGE_SIZE as usize]>;

/// The bytes of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Memory {
    frames: Radix<Frame>,
}

impl Memory {
    /// The `N` bytes from `at`; they may cross into the next frame.
    #[must_use]
    #[inline]
    pub fn bytes<const N: usize>(&self, at: Ma) -> [u8; N] {
        let start = at.offset() as usize;
        if start + N <= PAGE_SIZE as usize {
            let Some(frame) = self.frames.get(at.frame().0) else { return [0; N] };
            return frame[start..start + N].try_into().expect("the slice was cut to N bytes");
        }
        std::array::from_fn(|i| self.byte(Ma(at.0.wrapping_add(i as u64))))
    }

    /// Stores `bytes` from `at` on; they may cross into the next frame.
    pub fn store(&mut self, at: Ma, bytes: &[u8]) {
        for (i, byte) in bytes.iter().enumerate() {
            let at = Ma(at.0.wrapping_add(i as u64));
            if self.byte(at) != *byte {
                let frame = self.frame_mut(at);
                frame[at.offset() as usize] = *byte;
            }
        }
    }

    /// The 64-bit word at `at`, little-endian.
    #[must_use]
    pub fn word(&self, at: Ma) -> u64 {
        u64::from_le_bytes(self.bytes(at))
    }

    /// Stores a 64-bit word, little-endian.
    pub fn store_word(&mut self, at: Ma, word: u64) {
        let start = at.offset() as usize;
        if start + 8 > PAGE_SIZE as usize {
            return self.store(at, &word.to_le_bytes());
        }
        if self.word(at) != word {
            let frame = self.frame_mut(at);
            frame[start..start + 8].copy_from_slice(&word.to_le_bytes());
        }
    }

    /// Whether nothing was ever written to a frame since it was last cleared.
    #[must_use]
    pub fn is_blank(&self, frame: Mfn) -> bool {
        self.frames.get(frame.0).is_none()
    }

    /// Makes every byte of a frame zero.
    pub fn clear(&mut self, frame: Mfn) {
        self.frames.remove(frame.0);
    }

    /// How many frames hold anything but zeros never written.
    #[must_use]
    pub fn frames_in_use(&self) -> u64 {
        self.frames.len()
    }

    /// The frame around `at`, the caller's own from now on.
    fn frame_mut(&mut self, at: Ma) -> &mut [u8; PAGE_SIZE as usize] {
        Arc::make_mut(self.frames.get_or_insert_with(at.frame().0, || Arc::new([0; PAGE_SIZE as usize])))
    }

    fn byte(&self, at: Ma) -> u8 {
        self.frames.get(at.frame().0).map_or(0, |frame| frame[at.offset() as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::{Ma, Memory};

    #[test]
    fn a_word_may_cross_frames_and_a_clone_keeps_its_own() {
        let mut memory = Memory::default();
        memory.store_word(Ma(0x1ffc), 0x1122_3344_5566_7788);
        let before = memory.clone();
        assert_eq!(memory.word(Ma(0x1ffc)), 0x1122_3344_5566_7788);
        assert_eq!(memory.word(Ma(0x2000)), 0x1122_3344);
        memory.store_word(Ma(0x2000), 0);
        assert_eq!(before.word(Ma(0x2000)), 0x1122_3344);
    }
}
