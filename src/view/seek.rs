//! What someone types into the step counter.

use crate::view::command::Place;

/// Reads `7`, `2.5` or `50%`; `last` is the last step of the branch. The error is a sentence for the reader.
pub fn read(text: &str, last: u64) -> Result<Place, String> {
    let text = text.trim();
    if let Some(share) = text.strip_suffix('%') {
        return match share.trim().parse::<u64>() {
            Ok(share @ 0..=100) => Ok(Place::step(last * share / 100)),
            Ok(_) | Err(_) => Err(format!("“{text}” is not a share between 0% and 100%.")),
        };
    }
    let (step, micro) = match text.split_once('.') {
        Some((step, micro)) => (step, Some(micro)),
        None => (text, None),
    };
    let step = step.parse::<u64>().map_err(|_| unreadable(text))?;
    if step > last {
        return Err(format!("There is no step {step}: this branch ends at step {last}."));
    }
    match micro.map(str::parse::<u32>) {
        None => Ok(Place::step(step)),
        Some(Ok(_)) if step == 0 => Err("Step 0 is the machine as it starts: it has no micro-steps.".to_owned()),
        Some(Ok(micro)) => Ok(Place::micro(step, micro)),
        Some(Err(_)) => Err(unreadable(text)),
    }
}

fn unreadable(text: &str) -> String {
    format!("“{text}” is no place: type a step (7), a micro-step (2.5) or a share (50%).")
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::view::command::Place;

    #[test]
    fn every_form_is_read() {
        assert_eq!(read(" 7 ", 24), Ok(Place::step(7)));
        assert_eq!(read("2.5", 24), Ok(Place::micro(2, 5)));
        assert_eq!(read("50%", 24), Ok(Place::step(12)));
    }

    #[test]
    fn what_is_wrong_is_said() {
        assert_eq!(read("25", 24), Err("There is no step 25: this branch ends at step 24.".to_owned()));
        assert_eq!(read("101%", 24), Err("“101%” is not a share between 0% and 100%.".to_owned()));
        for wrong in ["", "x", "-1", "2.x", "!0", "0.1", "99999999999999999999"] {
            assert!(read(wrong, 24).is_err(), "{wrong} should not be read");
        }
    }
}
