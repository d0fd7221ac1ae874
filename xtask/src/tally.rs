//! How many tests ran, read from what the test programs print: libtest and wasm-bindgen-test close with the same line.

/// Tests that passed and that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many passed.
    pub passed: u64,
    /// How many failed.
    pub failed: u64,
}

impl Tally {
    /// The numbers of a closing line, `test result: ok. 3 passed; 0 failed; ...`, or nothing if it is another line.
    pub fn of_line(line: &str) -> Option<Tally> {
        let (_, numbers) = line.trim().strip_prefix("test result: ")?.split_once(". ")?;
        let count = |what: &str| numbers.split("; ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok());
        Some(Tally { passed: count("passed")?, failed: count("failed")? })
    }

    /// Counts the other's tests, too.
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
    }

    /// True when no test ran at all.
    pub fn is_empty(self) -> bool {
        self == Tally::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closing_lines_are_counted_and_others_are_not() {
        let tally = |passed, failed| Some(Tally { passed, failed });
        let native =
            "test result: FAILED. 5 passed; 1 failed; 0 ignored; 0 measured; 2 filtered out; finished in 0.09s";
        let browser = "    test result: ok. 12 passed; 0 failed; 0 ignored; 0 filtered out; finished in 1.2s";
        assert_eq!(Tally::of_line(native), tally(5, 1));
        assert_eq!(Tally::of_line(browser), tally(12, 0));
        assert_eq!(Tally::of_line("test trace::silent ... ok"), None);
        assert_eq!(Tally::of_line("running 5 tests"), None);
    }
}
