//! Whether a step ended as it was recorded, and if not, where.

use super::MockKernel;
use super::answer::SegAnswer;
use super::json::{out_json, state_json};
use super::log::Noted;
use crate::trace::Halt;
use serde_json::Value;
use std::fmt;
use std::sync::Arc;

/// What a step was recorded to answer and to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expectation {
    /// The `out` member.
    pub out: Value,
    /// The `state` member; `same` has been replaced by what it is the same as.
    pub state: Arc<Value>,
}

/// The first place where two values differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The way to it, as in `out.log[2].ret`.
    pub path: String,
    /// What was recorded there; none if nothing is.
    pub expected: Option<Value>,
    /// What was found there; none if nothing is.
    pub found: Option<Value>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |value: &Option<Value>| value.as_ref().map_or_else(|| "nothing".to_owned(), Value::to_string);
        write!(f, "at {}\n  expected: {}\n  found:    {}", self.path, side(&self.expected), side(&self.found))
    }
}

impl Expectation {
    /// Judges a step by the world after it, its outcome and its events. None: it ended as recorded.
    #[must_use]
    pub fn judge(
        &self,
        kernel: &MockKernel,
        outcome: &Result<SegAnswer, Halt>,
        events: &[Noted<'_>],
    ) -> Option<Difference> {
        compare_at("out", &self.out, &out_json(kernel, outcome, events))
            .or_else(|| compare_at("state", &self.state, &state_json(kernel)))
    }
}

/// The first difference, in the order of the expected value. The order of members has no meaning, that of a list has.
#[must_use]
pub fn compare(expected: &Value, found: &Value) -> Option<Difference> {
    compare_at("", expected, found)
}

fn compare_at(path: &str, expected: &Value, found: &Value) -> Option<Difference> {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            let known = expected.iter().map(|(name, value)| (name, Some(value), found.get(name)));
            let surplus = found.iter().filter(|(name, _)| !expected.contains_key(*name));
            let all = known.chain(surplus.map(|(name, value)| (name, None, Some(value))));
            let dot = if path.is_empty() { "" } else { "." };
            first_difference(all.map(|(name, expected, found)| (format!("{path}{dot}{name}"), expected, found)))
        }
        (Value::Array(expected), Value::Array(found)) => {
            let places = 0..expected.len().max(found.len());
            first_difference(places.map(|i| (format!("{path}[{i}]"), expected.get(i), found.get(i))))
        }
        _ if expected == found => None,
        _ => Some(differ(path.to_owned(), Some(expected), Some(found))),
    }
}

fn first_difference<'v>(
    mut places: impl Iterator<Item = (String, Option<&'v Value>, Option<&'v Value>)>,
) -> Option<Difference> {
    places.find_map(|(path, expected, found)| match (expected, found) {
        (Some(expected), Some(found)) => compare_at(&path, expected, found),
        (expected, found) => Some(differ(path, expected, found)),
    })
}

fn differ(path: String, expected: Option<&Value>, found: Option<&Value>) -> Difference {
    Difference { path, expected: expected.cloned(), found: found.cloned() }
}

#[cfg(test)]
mod tests {
    use super::compare;
    use serde_json::json;

    #[test]
    fn members_have_no_order_and_lists_have() {
        assert_eq!(compare(&json!({"a": 1, "b": [1, 2]}), &json!({"b": [1, 2], "a": 1})), None);
        let found = compare(&json!({"b": [1, 2]}), &json!({"b": [2, 1]})).expect("another order");
        assert_eq!((found.path.as_str(), found.expected, found.found), ("b[0]", Some(json!(1)), Some(json!(2))));
    }

    #[test]
    fn what_is_missing_and_what_is_too_much_both_count() {
        let missing = compare(&json!({"a": {"b": null}}), &json!({"a": {}})).expect("a member is missing");
        assert_eq!((missing.path.as_str(), missing.expected, missing.found), ("a.b", Some(json!(null)), None));
        let surplus = compare(&json!({"a": [1]}), &json!({"a": [1, 2]})).expect("one too much");
        assert_eq!((surplus.path.as_str(), surplus.expected, surplus.found), ("a[1]", None, Some(json!(2))));
    }
}
