//! Plans: what is refused before anything is done, and what is printed.

use std::path::PathBuf;

use writ_sandbox::{Plan, PlanError, Profile};

use crate::runner::Case;
use crate::world::World;

pub const CASES: &[Case] = &[
    ("plan::bad_wishes_are_refused", bad_wishes),
    ("plan::absent_paths_are_told", absent_paths),
    ("plan::every_step_is_printed_in_order", printed),
];

fn bad_wishes() {
    let world = World::new();
    let missing = || world.at("nothing");
    let state = || world.state();
    let refuse = |change: &dyn Fn(&mut Profile), wanted: fn(&PlanError) -> bool, name: &str| {
        let mut profile = world.script("true");
        change(&mut profile);
        match Plan::draw(profile) {
            Err(error) => assert!(wanted(&error), "{name}: {error:?}"),
            Ok(plan) => panic!("{name}: {plan}"),
        }
    };
    refuse(
        &|p| p.hide.push(missing()),
        |e| matches!(e, PlanError::Unreachable { .. }),
        "hide what is not there",
    );
    refuse(&|p| p.hide.push("state".into()), |e| matches!(e, PlanError::Relative(_)), "relative");
    refuse(&|p| p.hide.push("/".into()), |e| matches!(e, PlanError::HidesEverything), "hide all");
    refuse(
        &|p| p.hide.push("/usr/..".into()),
        |e| matches!(e, PlanError::HidesEverything),
        "hide all, indirectly",
    );
    refuse(
        &|p| p.keep.push(world.at("work")),
        |e| matches!(e, PlanError::KeepsWhatIsNotHidden(_)),
        "keep what shows",
    );
    refuse(
        &|p| p.keep.push(state()),
        |e| matches!(e, PlanError::KeepsWhatIsNotHidden(_)),
        "keep the hidden itself",
    );
    refuse(&|p| p.cwd = state(), |e| matches!(e, PlanError::HidesWhatIsNeeded { .. }), "work in the hidden");
    refuse(&|p| p.cwd = missing(), |e| matches!(e, PlanError::Unreachable { .. }), "work nowhere");
    refuse(
        &|p| p.read_only.push(world.at("home/state/key")),
        |e| matches!(e, PlanError::HidesWhatIsNeeded { .. }),
        "protect the hidden",
    );
    refuse(&|p| p.command = "".into(), |e| matches!(e, PlanError::Unpassable { .. }), "no command");
    refuse(&|p| p.args.push("a\0b".into()), |e| matches!(e, PlanError::Unpassable { .. }), "argument");
    refuse(
        &|p| p.env.push(("A=B".into(), "c".into())),
        |e| matches!(e, PlanError::Unpassable { .. }),
        "name",
    );
    refuse(
        &|p| p.env.push(("A".into(), "c\0".into())),
        |e| matches!(e, PlanError::Unpassable { .. }),
        "value",
    );
}

fn absent_paths() {
    let world = World::new();
    let mut profile = world.script("true");
    profile.hide_if_present = vec![world.at("later"), world.at("home/docker.sock")];
    let plan = Plan::draw(profile).unwrap();
    assert_eq!(plan.absent(), [world.at("later")]);
    assert!(plan.to_string().contains("later (cannot be hidden until it exists)"), "{plan}");
}

fn printed() {
    let world = World::new();
    let plan = Plan::draw(world.script("true")).unwrap().to_string();
    let at = |name: &str| world.at(name).display().to_string();
    let wanted = [
        "no core dumps".to_owned(),
        "unshare user, mount, pid, ipc and uts namespaces".to_owned(),
        "unshare the network namespace".to_owned(),
        format!("pin {}", at("home")),
        format!("hide file {}", at("home/docker.sock")),
        format!("hide directory {}", at("home/state")),
        format!("keep {}", at("home/state/run/mine")),
        format!("hide directory {}", at("home/user-runtime")),
        format!("read-only {}", at("home/hooks.json")),
        format!("read-only {}", at("home/state/run/mine/config")),
        "mount a fresh /proc".to_owned(),
        "drop every capability".to_owned(),
        format!("may write below {}", world.root.display()),
        "may run programs below /".to_owned(),
        "refuse ".to_owned(),
        "try each layer from inside".to_owned(),
        format!("in {}", at("work")),
        "start sh with 2 arguments".to_owned(),
    ];
    let mut lines = plan.lines();
    for start in wanted {
        assert!(lines.any(|line| line.starts_with(&start)), "`{start}` in its place in:\n{plan}");
    }
    assert!(!plan.contains("STATE="), "values of the environment are not printed");
    let _: PathBuf = world.root;
}
