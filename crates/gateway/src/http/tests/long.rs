//! Bodies that are too long for memory, about which a person is asked.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use writ_model::{Body, Request};

use super::lending::listening;
use super::world::{Scene, World, refusal};
use crate::admit::sha256;
use crate::http::Settings;
use crate::http::port::{BodyWish, Prospect};

const MIB: usize = 1 << 20;
/// What is held in memory.
const START: usize = 256 << 10;

/// Bytes in which no part of a form begins, different everywhere.
fn file(length: usize) -> Vec<u8> {
    (0..length).map(|at| b'a' + ((at / 7 + at / 4099) % 26) as u8).collect()
}

/// A package as Python's tools send it.
fn form(file: &[u8], behind: &str) -> Vec<u8> {
    let field = |name: &str, value: &str| {
        format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let mut form = (field(":action", "file_upload") + &field("name", "shop")).into_bytes();
    form.extend_from_slice(
        b"--b\r\nContent-Disposition: form-data; name=\"content\"; filename=\"shop-1.whl\"\r\n\r\n",
    );
    form.extend_from_slice(file);
    form.extend_from_slice(b"\r\n");
    form.extend_from_slice(behind.as_bytes());
    form.extend_from_slice(b"--b--\r\n");
    form
}

/// What would become of a form of which all names are known, in place of another.
#[derive(Clone, Copy)]
enum Look {
    At(Prospect),
    AtBest(Prospect),
}

fn looks(look: Look) -> impl FnOnce(&mut World) {
    move |world| {
        world.wish = BodyWish::Whole(START);
        world.prospect = Box::new(move |request| match (look, &request.body) {
            (Look::At(prospect), _) | (Look::AtBest(prospect), Body::Long { has_all_names: true, .. }) => {
                prospect
            }
            (Look::AtBest(_), _) => Prospect::Refused,
        });
    }
}

/// Sends a body by curl, with the options beside; gives what was decided on, what curl told, and whether all of it arrived.
async fn sent(look: Look, body: &[u8], options: &[&str], admits: bool) -> (Request, String, bool) {
    let (port, got) = listening(true).await;
    let (shelf, put) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    std::fs::write(put.path(), body).unwrap();
    let folder = shelf.path().to_owned();
    let world = |world: &mut World| {
        looks(look)(world);
        world.admits = Box::new(move |_| if admits { Ok(()) } else { Err(refusal("no")) });
    };
    let scene = Scene::with(world, |set| set.shelf = Some(folder)).await;
    let data = format!("@{}", put.path().display());
    let url = format!("https://forge.test:{port}/up");
    let mut arguments = vec!["-H", "Expect:", "--data-binary", &data, "-w", " %{http_code}", url.as_str()];
    arguments.extend(options);
    let (_, out) = scene.curl(&arguments).await;
    let arrived = got
        .lock()
        .unwrap()
        .pop()
        .is_some_and(|all| all.split_once("\n\n").is_some_and(|(_, arrived)| arrived.as_bytes() == body));
    // Nothing of it has a name on the disk.
    assert_eq!(std::fs::read_dir(shelf.path()).unwrap().count(), 0);
    (scene.asked().pop().unwrap(), out, arrived)
}

#[tokio::test]
async fn a_long_body_that_a_person_is_asked_about_is_known_to_its_end_and_sent_as_it_was() {
    const CHUNKED: [&str; 2] = ["-H", "Transfer-Encoding: chunked"];
    for options in [&["-H", "Content-Type: application/octet-stream"], &CHUNKED] {
        for version in ["--http1.1", "--http2"] {
            let body = file(6 * MIB + 11);
            let all = [&options[..], &[version]].concat();
            let (asked, out, arrived) = sent(Look::At(Prospect::Asked), &body, &all, true).await;
            assert!(arrived && out.ends_with(" 200"), "{options:?} {out}");
            let Body::Long { start, bytes, digest, has_all_names } = asked.body else {
                panic!("{options:?}")
            };
            assert_eq!((&start[..], bytes), (&body[..START], body.len() as u64));
            assert_eq!((digest, has_all_names), (sha256(&body), false));
        }
    }
}

#[tokio::test]
async fn a_long_body_passes_while_it_comes_where_nobody_is_asked() {
    let body = file(6 * MIB);
    let form = ["-H", "Content-Type: multipart/form-data; boundary=b"];
    for (of, options, admits) in [
        (Prospect::Admitted, &[][..], true),
        (Prospect::Refused, &[], false),
        // Refused whatever follows.
        (Prospect::Refused, &form, false),
    ] {
        let (asked, out, arrived) = sent(Look::At(of), &body, options, admits).await;
        assert_eq!(asked.body, Body::Start(body[..START].to_vec().into()));
        assert_eq!((arrived, out.ends_with(" 200")), (admits, admits), "{out}");
    }
}

#[tokio::test]
async fn attack_what_a_long_form_says_behind_its_file_is_not_overlooked() {
    let kind = ["-H", "Content-Type: multipart/form-data; boundary=b"];
    let part = |name: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\nx\r\n");
    let (large, edge) = (file(5 * MIB), |room: usize| file(START - form(b"", "").len() - room));
    for (form, wanted) in [
        (form(&large, ""), true),
        (form(&large, &part("_method")), false),
        (form(&large, &part(":action")), false),
        (form(&large, "--b\r\nContent-Disposition: form-data; filename=\"a.deb\"\r\n\r\n"), false),
        (form(&large, "--b\r\nContent-ID: :action\r\n\r\nremove_pkg\r\n"), false),
        // A name that stands at the border may be longer than it seems.
        (form(&[edge(20), large.clone()].concat(), ""), true),
        (form(&edge(0), &(part("version") + &part("description").repeat(20_000))), false),
    ] {
        // Refused by what the start says, it could be allowed by all.
        let (asked, _, arrived) = sent(Look::AtBest(Prospect::Asked), &form, &kind, false).await;
        let Body::Long { has_all_names, .. } = asked.body else { panic!("{:?}", asked.body) };
        assert_eq!(
            (has_all_names, arrived),
            (wanted, false),
            "{}",
            String::from_utf8_lossy(&form[form.len() - 99..])
        );
    }
}

/// What cannot be kept is not asked about, and whatever is decided nothing of it goes on.
#[tokio::test]
async fn attack_a_body_that_could_not_be_kept_is_not_sent_in_part() {
    let (port, got) = listening(true).await;
    let put = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(put.path(), file(6 * MIB)).unwrap();
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    let scene = Scene::with(looks(Look::At(Prospect::Asked)), |set| set.shelf = Some(gone)).await;
    let data = format!("@{}", put.path().display());
    let (_, out) = scene.curl(&["--data-binary", &data, &format!("https://forge.test:{port}/up")]).await;
    assert!(matches!(scene.asked().pop().unwrap().body, Body::Start(_)), "{out}");
    assert!(got.lock().unwrap().iter().all(|all| all == "broken"), "{out}");
}

/// However long a person takes: the client has said all that it had to say.
#[tokio::test]
async fn a_yes_that_comes_late_still_sends_all_of_it() {
    const SILENT: Duration = Duration::from_millis(200);
    let (port, got) = listening(true).await;
    let (shelf, put) = (tempfile::tempdir().unwrap(), tempfile::NamedTempFile::new().unwrap());
    let body = file(3 * MIB);
    std::fs::write(put.path(), &body).unwrap();
    let folder = shelf.path().to_owned();
    let world = |world: &mut World| {
        looks(Look::At(Prospect::Asked))(world);
        world.gate = Arc::new(Semaphore::new(0));
    };
    let settings = |set: &mut Settings| {
        set.shelf = Some(folder);
        set.limits.silent_client = SILENT;
    };
    let scene = Scene::with(world, settings).await;
    let data = format!("@{}", put.path().display());
    let url = format!("https://forge.test:{port}/up");
    let late = async {
        while scene.world.asked.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        // Time itself is what this is about.
        tokio::time::sleep(2 * SILENT).await;
        scene.world.gate.add_permits(1);
    };
    let arguments = ["-H", "Expect:", "--data-binary", &data, &url];
    let ((_, out), ()) = tokio::join!(scene.curl(&arguments), late);
    let got = got.lock().unwrap().pop().unwrap();
    assert!(got.split_once("\n\n").is_some_and(|(_, arrived)| arrived.as_bytes() == body), "{out}");
}
