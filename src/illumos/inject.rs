//! Failures arranged in advance: the n-th matching call from now answers what it is told to, once.
//!
//! Each injection counts for itself. When two are due on one call both are used up and the earlier one gives the result.

use serde::{Deserialize, Serialize};

/// Which calls an injection counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// `update_va_mapping_otherdomain`.
    UpdateVaMapping,
    /// `grant_table_op`, either command, also with count 0.
    GrantTableOp,
    /// Either of the two.
    Hypercall,
    /// `VOP_ADDMAP`.
    Addmap,
    /// `VOP_DELMAP`.
    Delmap,
    /// One operation of a grant map batch: its status.
    MapStatus,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Injection {
    target: Target,
    left: u64,
    ret: i64,
}

/// The failures still to come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Injections {
    waiting: Vec<Injection>,
}

impl Injections {
    /// The `nth` call of `target` from now, 1 being the next, gets `ret`. 0 never comes.
    pub fn arrange(&mut self, target: Target, nth: u64, ret: i64) {
        if nth > 0 {
            self.waiting.push(Injection { target, left: nth, ret });
        }
    }

    /// Counts one call that each of `targets` matches; the earliest injection due on it gives the result.
    pub fn due(&mut self, targets: &[Target]) -> Option<i64> {
        for injection in self.waiting.iter_mut().filter(|i| targets.contains(&i.target)) {
            injection.left -= 1;
        }
        let result = self.waiting.iter().find(|i| i.left == 0).map(|i| i.ret);
        self.waiting.retain(|i| i.left > 0);
        result
    }

    /// Whether anything is still to come.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Injections, Target};

    #[test]
    fn two_due_on_one_call_are_both_used_up() {
        let mut injections = Injections::default();
        injections.arrange(Target::Hypercall, 2, -1);
        injections.arrange(Target::GrantTableOp, 1, -2);
        assert_eq!(injections.due(&[Target::UpdateVaMapping, Target::Hypercall]), None);
        assert_eq!(injections.due(&[Target::GrantTableOp, Target::Hypercall]), Some(-1));
        assert!(injections.is_empty());
    }
}
