//! Where on the axis of steps something is: a step, or one of the micro-steps inside it.

use std::fmt;

/// A place on the path from the root of the history to its tip.
///
/// `micro` 0 speaks of the whole step: a run that starts there is what the step left behind. `micro` k is the world
/// after the k-th stop inside the step, and only the opened step has room for those.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Moment {
    /// Number of the step on the path; 0 is the world before anything happened.
    pub step: u32,
    /// Number of the micro-step, counted from 1; 0 for the whole step.
    pub micro: u32,
}

impl Moment {
    /// The end of a run that has not ended: later than every moment a history can hold.
    pub const OPEN: Moment = Moment { step: u32::MAX, micro: 0 };

    /// The whole step.
    pub const fn step(step: u32) -> Moment {
        Moment { step, micro: 0 }
    }

    /// After micro-step `micro` of `step`.
    pub const fn micro(step: u32, micro: u32) -> Moment {
        Moment { step, micro }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Moment::OPEN => f.write_str("now"),
            Moment { step, micro: 0 } => write!(f, "{step}"),
            Moment { step, micro } => write!(f, "{step}.{micro}"),
        }
    }
}

impl fmt::Debug for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn a_step_comes_before_what_is_inside_it_and_all_before_open() {
        let order = [Moment::step(2), Moment::micro(2, 1), Moment::micro(2, 8), Moment::step(3), Moment::OPEN];
        assert!(order.is_sorted());
        assert_eq!(order.map(|at| at.to_string()), ["2", "2.1", "2.8", "3", "now"]);
    }
}
