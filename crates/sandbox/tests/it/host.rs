//! Hosts that cannot hold a yard, and hosts that make it harder.

use std::process::Command;

use writ_sandbox::{Layer, Plan, StartError, probe, start};

use crate::role::ROLE;
use crate::runner::Case;
use crate::world::{SECRET, World, own_path, piped};

pub const CASES: &[Case] = &[
    ("host::every_layer_is_available_here", every_layer),
    ("host::without_namespaces_nothing_starts", || refused("limited")),
    ("host::with_a_masked_process_table_nothing_starts", || refused("masked-proc")),
    ("host::other_names_of_a_hidden_directory_are_hidden", other_names),
    ("host::a_path_swapped_after_the_plan_is_refused", swapped),
];

fn every_layer() {
    for finding in probe() {
        assert_eq!(finding.available, Ok(()), "{}", finding.layer);
    }
    let world = World::new();
    let (running, _reader) = crate::world::begin(world.script("true"));
    assert_eq!(running.layers(), Layer::ALL);
}

fn play(role: &str) -> (bool, String) {
    let world = World::new();
    let output = Command::new(own_path()).args([ROLE, role, world.root.to_str().unwrap()]).output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    (output.status.success(), said)
}

fn refused(role: &str) {
    let (done, said) = play(role);
    assert!(done && said.contains("refused as it should be") && !said.contains("RAN"), "{said}");
}

fn other_names() {
    let (done, said) = play("other-name");
    assert!(done && said.contains("end") && !said.contains(SECRET), "{said}");
    for name in ["key", "mine", "control.sock"] {
        assert!(!said.lines().any(|line| line == name), "{name} shows: {said}");
    }
}

fn swapped() {
    let world = World::new();
    let plan = Plan::draw(world.script("echo RAN")).unwrap();
    for replacement in ["directory", "link"] {
        std::fs::rename(world.state(), world.at("real")).unwrap();
        if replacement == "link" {
            std::os::unix::fs::symlink(world.at("real"), world.state()).unwrap();
        } else {
            std::fs::create_dir_all(world.at("home/state/run/mine/config")).unwrap();
        }
        match start(&plan, piped().1) {
            Err(StartError::Layer(refusal)) => assert_eq!(refusal.layer, Layer::Masks, "{refusal}"),
            other => panic!("{replacement}: {other:?}"),
        }
        if replacement == "link" {
            std::fs::remove_file(world.state()).unwrap();
        } else {
            std::fs::remove_dir_all(world.state()).unwrap();
        }
        std::fs::rename(world.at("real"), world.state()).unwrap();
    }
}
