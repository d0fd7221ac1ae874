//! The settings of a machine: a change plays all steps again on the machine chosen.

use crate::illumos::abi::KernelBuild;
use crate::sim::{MachineSetup, file};
use crate::view::session::Session;
use crate::view::top::Setting;
use crate::xen::{Era, XenBuild};

/// The settings of the first Xen machine, and all of them in a few words.
pub fn of(session: &Session) -> (Vec<Setting>, String) {
    let Some(MachineSetup::Xen(setup)) = session.machines().iter().find(|setup| matches!(setup, MachineSetup::Xen(_)))
    else {
        return (Vec::new(), String::new());
    };
    let setting = |name: &str, choices: [&str; 2], chosen| Setting {
        name: name.to_owned(),
        choices: choices.map(str::to_owned).to_vec(),
        chosen,
    };
    let kernel = usize::from(setup.kernel == KernelBuild::Debug);
    let era = usize::from(setup.era == Era::Today);
    let build = usize::from(setup.xen == XenBuild::Debug);
    let all = vec![
        setting("illumos kernel", ["production", "DEBUG"], kernel),
        setting("Xen", ["3.3", "today"], era),
        setting("Xen’s build", ["release", "debug"], build),
    ];
    let words = format!("{} · Xen {}", all[0].choices[kernel], all[1].choices[era]);
    (all, words)
}

/// The same steps on the machine with one setting changed; none where there is no such setting. `setting` counts from 1, since 0
/// is the driver's.
pub fn changed(session: &Session, setting: usize, choice: usize) -> Option<Session> {
    let mut written = session.to_file();
    let setup = written.machines.iter_mut().find_map(|setup| match setup {
        MachineSetup::Xen(setup) => Some(setup),
        MachineSetup::Bare(_) | MachineSetup::Recorded(_) => None,
    })?;
    match setting {
        1 => setup.kernel = if choice == 1 { KernelBuild::Debug } else { KernelBuild::Production },
        2 => setup.era = if choice == 1 { Era::Today } else { Era::V3_3 },
        3 => setup.xen = if choice == 1 { XenBuild::Debug } else { XenBuild::Release },
        _ => return None,
    }
    for line in &mut written.steps {
        line.digest = None;
    }
    Session::open(&file::write(&written)).ok()
}

#[cfg(test)]
mod tests {
    use super::{changed, of};
    use crate::sim::scenarios;
    use crate::view::session::{Msg, Session};

    #[test]
    fn the_same_steps_on_another_machine() {
        let mut session = Session::of_scenario(&scenarios::all()[0]).expect("the first story can be built");
        session.update(Msg::By(4));
        let debug = changed(&session, 1, 1).expect("there is such a setting");
        assert_eq!((debug.last(), debug.at()), (session.last(), session.at()));
        assert_eq!(of(&debug).1, "DEBUG · Xen 3.3");
        assert_eq!(of(&changed(&debug, 2, 1).expect("there is such a setting")).1, "DEBUG · Xen today");
        assert!(changed(&session, 9, 1).is_none());
        assert_eq!(debug.differs(), None);
    }
}
