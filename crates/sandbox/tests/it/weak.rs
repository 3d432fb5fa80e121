//! The start that gives up the boundary: what remains, and that it says so.

use std::io::Read;
use std::time::Duration;

use writ_sandbox::{Ended, Layer, Plan};

use crate::end::{DAEMON, killed_supervisor_with};
use crate::runner::Case;
use crate::world::{World, begin, line, run};

pub const CASES: &[Case] = &[
    ("weak::plan_says_what_is_lost", plan_says_what_is_lost),
    ("weak::environment_and_descriptors_stay_clean", environment_stays_clean),
    ("weak::kill_tree_reaches_daemons", kill_tree_reaches_daemons),
    ("weak::daemons_die_with_the_client", daemons_die_with_the_client),
    ("weak::killed_supervisor_takes_the_tree_along", || killed_supervisor_with(&["danger"], NO_HURRY)),
];

/// Processes are looked for one by one here, so a busy machine takes longer; no promise covers this start.
const NO_HURRY: Duration = Duration::from_secs(5);

fn weak(world: &World, script: &str) -> writ_sandbox::Profile {
    writ_sandbox::Profile { danger: [writ_sandbox::Danger::NoNamespaces].into(), ..world.script(script) }
}

fn plan_says_what_is_lost() {
    let world = World::new();
    let plan = Plan::draw(weak(&world, "true")).unwrap();
    assert!(plan.is_danger_no_namespaces());
    assert!(plan.to_string().starts_with("DANGER no namespaces"), "{plan}");
}

fn environment_stays_clean() {
    let world = World::new();
    let (running, mut reader) =
        begin(weak(&world, "env | cut -d= -f1 | sort | tr '\\n' ' '; grep NoNewPrivs /proc/self/status"));
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!(out, "HOME PATH PWD STATE WORK NoNewPrivs:\t1\n");
    assert_eq!(running.layers(), Layer::WITHOUT_NAMESPACES);
}

fn kill_tree_reaches_daemons() {
    let world = World::new();
    let (running, mut reader) = begin(weak(&world, &format!("{DAEMON} echo up; sleep 1000")));
    while line(&reader) != "up" {}
    running.kill_tree().unwrap();
    reader.read_to_end(&mut Vec::new()).unwrap();
    assert_eq!(running.wait(), Ended::TornDown);
}

fn daemons_die_with_the_client() {
    let world = World::new();
    assert_eq!(run(weak(&world, &format!("{DAEMON} exit 3"))).ended, Ended::Exited(3));
}
