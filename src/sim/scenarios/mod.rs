//! Worked stories: machines, steps and a caption for each step that needs one.
//!
//! Each shows one thing. A story of a defect is the defect's own shortest way, under the number it has in `illumos.md` 6.

mod defects;
mod forks;
mod grants;
mod saving;
mod stage;

use super::op::Op;
use super::setup::MachineSetup;
use crate::illumos::abi::AsId;

/// A story that comes with the program.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its name in links.
    pub id: &'static str,
    /// What a person calls it.
    pub title: &'static str,
    /// What to look at.
    pub about: &'static str,
    /// The machines.
    pub machines: Vec<MachineSetup>,
    /// The steps, one after the other, each with what it shows.
    pub steps: Vec<(Op, &'static str)>,
    /// Names of address spaces.
    pub names: Vec<(&'static str, AsId)>,
}

/// All stories, the first visit's first.
#[must_use]
pub fn all() -> Vec<Scenario> {
    vec![
        saving::save_domain_5(),
        grants::three_grants(),
        stage::free_play(),
        forks::fork_of_the_saver(),
        forks::fork_with_live_grants(),
        saving::frame_given_back(),
        saving::zombie(),
        grants::end_access_waits(),
        defects::partial_failure(),
        defects::page_added_twice(),
        defects::wrong_entries_cleared(),
        defects::only_the_first_status(),
        defects::batch_not_undone(),
        defects::unmapped_with_grants(),
        defects::domain_sticks(),
        defects::child_releases(),
    ]
}

#[cfg(test)]
mod tests {
    use super::all;
    use crate::sim::{Answer, World};

    #[test]
    fn every_story_is_built_and_every_step_finds_what_it_names() {
        for story in all() {
            let mut world = World::build(&story.machines).expect(story.id);
            for (i, (op, caption)) in story.steps.iter().enumerate() {
                let answer = world.apply(op).answer;
                let lost = matches!(answer, Answer::NotThere(_) | Answer::Dead { .. });
                assert!(!lost, "{}, step {}: {answer:?}", story.id, i + 1);
                assert!(caption.ends_with(['.', '!', '?']), "{}, step {}: a caption is a sentence", story.id, i + 1);
            }
        }
    }

    #[test]
    fn ids_are_unique() {
        let mut ids: Vec<_> = all().iter().map(|story| story.id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all().len());
    }
}
