//! What sessions let in: kept for the task, for the conversation and for the workspace, whatever ends between.

use writ_control::api::ErrorCode;
use writ_control::api::message::*;
use writ_ledger::Stream;
use writ_model::*;

use super::bench::{Bench, digest, human, me, refused, session};

fn report(task: &TaskOpened) -> TaintReport {
    TaintReport {
        writ: task.writ.clone(),
        session: session(),
        client_session: digest(5),
        sources: Vec::new(),
        marks: Vec::new(),
        gone: Vec::new(),
    }
}

fn source(bench: &Bench, source: SourceKind, what: &str) -> NewSource {
    NewSource { source, call: bench.call(1), what: what.to_owned() }
}

fn mark(path: &str, source: SourceKind) -> NewMark {
    NewMark { path: path.to_owned(), source, whole: true, what: "evil.example".to_owned() }
}

fn recall(bench: &Bench, task: &TaskOpened, client_session: u8) -> Tainted {
    let ask = TaintRecall { writ: task.writ.clone(), client_session: digest(client_session) };
    bench.office.taint_recall(&ask).unwrap()
}

fn kinds(tainted: &Tainted) -> Vec<SourceKind> {
    tainted.sources.iter().map(|source| source.source).collect()
}

fn paths(marks: &[MarkView]) -> Vec<&str> {
    marks.iter().filter_map(|mark| mark.path.as_deref()).collect()
}

fn elsewhere(bench: &Bench) -> TaskOpened {
    let opening = TaskOpen { workspace: "/home/me/other".into(), ..bench.opening("claude") };
    bench.office.task_open(&me(), opening).unwrap()
}

#[test]
fn a_conversation_takes_its_sources_along_and_a_workspace_its_marks() {
    let mut bench = Bench::new();
    let first = bench.task();
    let sources = vec![source(&bench, SourceKind::Credential, "/home/me/fence/.env")];
    let marks = vec![mark("/home/me/fence/x.sh", SourceKind::Web)];
    bench.office.taint_report(TaintReport { sources, marks, ..report(&first) }).unwrap();

    bench.restart();
    let again = recall(&bench, &first, 6);
    assert_eq!(kinds(&again), [SourceKind::Credential], "the same task, another session");
    assert_eq!(again.sources[0].what.as_deref(), Some("/home/me/fence/.env"));
    assert_eq!(paths(&again.marks), ["/home/me/fence/x.sh"]);
    assert_eq!(
        kinds(&recall(&bench, &bench.task(), 5)),
        [SourceKind::Credential],
        "the conversation goes on"
    );
    let other = recall(&bench, &bench.task(), 6);
    assert_eq!(kinds(&other), [], "another task and conversation");
    assert_eq!(other.path_key.0, again.path_key.0);
    assert_eq!(other.marks, again.marks, "files are where they were");

    let far = recall(&bench, &elsewhere(&bench), 6);
    assert_eq!(far.marks, []);
    assert_ne!(far.path_key.0, again.path_key.0);
    assert_eq!(bench.show_task(&first).touched.len(), 1);
}

#[test]
fn a_person_sees_marks_and_clears_them() {
    let bench = Bench::new();
    let task = bench.task();
    let marks = ["a.sh", "b.sh", "lib"].map(|name| mark(&format!("/home/me/fence/{name}"), SourceKind::Web));
    let secret = mark("/home/me/fence/a.sh", SourceKind::Credential);
    let marks = marks.into_iter().chain([secret]).collect();
    bench.office.taint_report(TaintReport { marks, ..report(&task) }).unwrap();
    let workspace = || "/home/me/fence".to_owned();
    let list = || bench.office.marks_list(&MarksList { workspace: workspace() }).unwrap().marks;
    assert_eq!(list().len(), 4);

    let clear = |path: Option<&str>| {
        let ask = MarkClear { workspace: workspace(), path: path.map(str::to_owned) };
        bench.office.mark_clear(&human(2000), &ask)
    };
    let cleared = clear(Some("/home/me/fence/a.sh")).unwrap().marks;
    assert_eq!(cleared.len(), 2, "both of its marks");
    assert!(cleared.iter().all(|mark| mark.ended == Some(MarkEnd::ByPerson)));
    refused(clear(Some("/home/me/fence/a.sh")), ErrorCode::NotFound);
    assert_eq!(list().len(), 2);
    let gone = vec![list()[0].file];
    bench.office.taint_report(TaintReport { gone, ..report(&task) }).unwrap();
    assert_eq!(list().len(), 1);
    clear(None).unwrap();
    assert_eq!(list(), []);
    refused(clear(None), ErrorCode::NotFound);
}

/// The log names no path, and a mark outlives the text that said which file it is for.
#[test]
fn an_erased_path_is_still_marked() {
    let bench = Bench::stored();
    let task = bench.task();
    let marks = vec![mark("/home/me/fence/very-special-name.sh", SourceKind::Web)];
    let sources = vec![source(&bench, SourceKind::Home, "/home/me/letters/very-special-name")];
    bench.office.taint_report(TaintReport { sources, marks, ..report(&task) }).unwrap();
    let size = bench.office.ledger().tip(Stream::Control);
    for (_, bytes) in bench.office.ledger().read(Stream::Control, 0, usize::try_from(size).unwrap()).unwrap()
    {
        assert!(!String::from_utf8_lossy(&bytes).contains("special"));
    }
    let before = recall(&bench, &bench.task(), 5);
    bench.office.task_close(&me(), &TaskClose { task: task.task.id }).unwrap();
    bench.office.audit_erase(&me(), &AuditErase { task: task.task.id }).unwrap();
    let after = recall(&bench, &bench.task(), 5);
    assert_eq!(after.marks[0].file, before.marks[0].file);
    assert_eq!((after.marks[0].path.clone(), after.marks[0].what.clone()), (None, None));
    assert_eq!((kinds(&after), after.sources[0].what.clone()), (vec![SourceKind::Home], None));
}

#[test]
fn beyond_the_bound_a_workspace_is_crowded_and_nothing_is_lost() {
    let bench = Bench::new();
    let task = bench.task();
    for start in (0..4_600).step_by(MAX_REPORTED) {
        let marks = (start..start + MAX_REPORTED)
            .map(|n| mark(&format!("/home/me/fence/{n}"), SourceKind::Web))
            .collect();
        bench.office.taint_report(TaintReport { marks, ..report(&task) }).unwrap();
    }
    let full = recall(&bench, &task, 5);
    assert!(full.crowded);
    assert_eq!(full.marks.len(), 4_096);
    let ask = MarkClear { workspace: "/home/me/fence".into(), path: None };
    bench.office.mark_clear(&me(), &ask).unwrap();
    assert!(!recall(&bench, &task, 5).crowded);
}

#[test]
fn a_report_is_bounded_and_belongs_to_an_open_task() {
    let bench = Bench::new();
    let task = bench.task();
    let long = "x".repeat(MAX_WHAT_BYTES + 1);
    let many = |count: usize| (0..count).map(|n| mark(&format!("/{n}"), SourceKind::Web)).collect();
    for (what, ask) in [
        ("many marks", TaintReport { marks: many(MAX_REPORTED + 1), ..report(&task) }),
        (
            "a long name",
            TaintReport { sources: vec![source(&bench, SourceKind::Web, &long)], ..report(&task) },
        ),
        (
            "a long path",
            TaintReport { marks: vec![mark(&"/x".repeat(4_096), SourceKind::Web)], ..report(&task) },
        ),
        ("much gone", TaintReport { gone: vec![digest(1); MAX_REPORTED + 1], ..report(&task) }),
    ] {
        let error = bench.office.taint_report(ask).map(|_| what).expect_err(what);
        assert_eq!(error.code(), ErrorCode::BadRequest, "{what}");
    }
    let size = bench.office.ledger().tip(Stream::Control);
    bench.office.taint_report(report(&task)).unwrap();
    assert_eq!(bench.office.ledger().tip(Stream::Control), size, "nothing new, nothing recorded");
    bench.office.task_close(&me(), &TaskClose { task: task.task.id }).unwrap();
    refused(bench.office.taint_report(TaintReport { marks: many(1), ..report(&task) }), ErrorCode::Refused);
}
