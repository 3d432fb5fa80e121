//! The layers beside mounts and capabilities: the network, private and copied directories, file rights, the record.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;

use writ_sandbox::{Danger, Ended, Layer, Plan, Profile, Streams, start, start_after};

use crate::runner::Case;
use crate::world::{SECRET, World, begin, piped, read, run};

pub const CASES: &[Case] = &[
    ("layer::the_network_is_loopback_and_what_the_supervisor_serves", network),
    ("layer::what_is_served_inside_is_tried_before_the_client_starts", tried),
    ("layer::private_directories_are_empty_and_end_with_the_client", private),
    ("layer::what_is_shown_in_private_directories_is_what_is_outside", shown),
    ("layer::copies_take_changes_and_lose_them", copies),
    ("layer::files_are_written_where_the_plan_says", written),
    ("layer::output_that_is_a_file_can_be_opened_by_name", output_by_name),
    (
        "layer::attack_files_behind_the_standard_streams_are_not_read_or_emptied",
        attack_files_behind_the_standard_streams_are_not_read_or_emptied,
    ),
    ("layer::streams_into_one_file_keep_their_order", streams_in_order),
    ("layer::programs_run_where_the_plan_says", programs),
    ("layer::starts_of_programs_are_recorded", recorded),
    ("layer::limits_hold", limits),
    ("layer::what_is_given_up_is_told_and_the_rest_stays", given_up),
];

fn network() {
    let world = World::new();
    let port = 3128;
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port} && echo ask >&3 && cat <&3; cut -d: -f1 /proc/net/dev | tail -n +3; \
         (exec 4<>/dev/tcp/192.0.2.1/80) 2>&1; getent hosts example.org || echo no name"
    );
    let mut profile = world.profile("bash", &["-c", &script]);
    profile.listen = vec![port];
    let (running, mut reader) = begin(profile);
    let listeners = running.take_listeners();
    assert!(running.take_listeners().is_empty());
    let (mut socket, _) = listeners[0].accept().unwrap();
    let mut asked = [0; 4];
    socket.read_exact(&mut asked).unwrap();
    socket.write_all(b"served\n").unwrap();
    drop(socket);
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!(&asked, b"ask\n");
    assert!(out.starts_with("served\n"), "{out}");
    assert!(out.contains("Network is unreachable") && out.contains("no name"), "{out}");
    let devices: Vec<&str> =
        out.lines().skip(1).take_while(|line| !line.contains(' ') || line.trim() == "lo").collect();
    assert!(devices.iter().any(|line| line.trim() == "lo"), "{out}");
    assert!(!out.contains("eth"), "{out}");
}

/// Through the finished sandbox, as nothing runs in it yet; and nothing ever does where the trial is not passed.
fn tried() {
    for passes in [true, false] {
        let world = World::new();
        let mut profile = world.script("echo started; echo started >ran");
        (profile.listen, profile.hear) = (vec![3128], vec![53]);
        let plan = Plan::draw(profile).unwrap();
        let (mut reader, streams) = piped();
        let ended = start_after(&plan, streams, move |standing| {
            let listener = standing.take_listeners().remove(0);
            assert_eq!(standing.take_hearers()[0].local_addr().unwrap().port(), 53);
            let served = std::thread::spawn(move || {
                let (mut socket, _) = listener.accept().unwrap();
                let mut asked = [0; 4];
                socket.read_exact(&mut asked).unwrap();
                socket.write_all(&asked).unwrap();
            });
            assert_eq!(standing.answer(3128, b"ask!").unwrap(), b"ask!");
            served.join().unwrap();
            assert!(standing.answer(3128, b"ask!").is_err(), "nobody listens any more");
            if passes { Ok(7) } else { Err("the door is open".to_owned()) }
        });
        let told = match ended {
            Ok((running, tried)) => {
                assert_eq!((tried, running.wait()), (7, Ended::Exited(0)));
                String::new()
            }
            Err(error) => error.to_string(),
        };
        let mut out = String::new();
        reader.read_to_string(&mut out).unwrap();
        assert_eq!(
            (out.as_str(), told.contains("canary"), told.contains("the door is open")),
            match passes {
                true => ("started\n", false, false),
                false => ("", true, true),
            },
            "{told}"
        );
    }
}

fn private() {
    let world = World::new();
    fs::write(world.at("home/.netrc"), SECRET).unwrap();
    let mut profile = world.script(
        "ls -A \"$HOME\"; echo mine > \"$HOME/made\" && cat \"$HOME/made\"; cat \"$HOME/.netrc\"; \
         mkdir -p \"$HOME/new/deep\" && echo deep; stat -c %a \"$HOME\"",
    );
    fs::set_permissions(world.at("home"), fs::Permissions::from_mode(0o700)).unwrap();
    profile.hide.clear();
    profile.keep.clear();
    profile.read_only.clear();
    profile.private = vec![world.at("home")];
    let outcome = run(profile);
    assert!(outcome.out.starts_with("mine\n"), "{}", outcome.out);
    assert!(outcome.out.contains("deep\n700\n") && !outcome.out.contains(SECRET), "{}", outcome.out);
    assert!(!world.at("home/made").exists() && !world.at("home/new").exists());
    assert_eq!(read(&world.at("home/.netrc")), SECRET);
}

/// A private directory inside a private directory, with something of the outside in it, some of that read-only, and
/// nobody may put another in its place.
fn shown() {
    let world = World::new();
    let mut profile = world.script(
        "cat \"$STATE/run/mine/config/settings\"; echo out > \"$STATE/run/mine/out\"; ls -A \"$HOME\" | tr '\n' ' '; \
         mv \"$HOME/state\" \"$HOME/gone\" && echo MOVED; mv \"$STATE/run\" \"$STATE/gone\" && echo MOVED; \
         mv \"$STATE/run/mine\" \"$STATE/run/gone\" && echo MOVED; echo x > \"$STATE/run/mine/config/settings\" && echo WRITTEN; \
         ls -A \"$HOME/empty\" && echo x > \"$HOME/empty/x\" && echo own; cat \"$STATE/key\"; echo here > here",
    );
    profile.hide = vec![world.at("home/docker.sock")];
    profile.keep.clear();
    profile.private = vec![world.root.clone(), world.at("home"), world.at("home/empty")];
    profile.show = vec![world.at("work"), world.at("home/state/run/mine"), world.at("home/nothing-there")];
    profile.read_only = vec![world.at("home/state/run/mine/config")];
    let outcome = run(profile);
    assert_eq!(outcome.ended, Ended::Exited(0), "{}", outcome.out);
    assert!(outcome.out.starts_with("shipped"), "{}", outcome.out);
    assert!(outcome.out.contains("own\n") && outcome.out.contains("empty state "), "{}", outcome.out);
    for bad in [SECRET, "MOVED", "WRITTEN"] {
        assert!(!outcome.out.contains(bad), "{bad}: {}", outcome.out);
    }
    assert_eq!(read(&world.at("work/here")), "here\n");
    assert_eq!(read(&world.at("home/state/run/mine/out")), "out\n");
}

fn copies() {
    let world = World::new();
    for (name, text) in [("a", "old"), ("b", "old"), ("credentials", SECRET), ("deep/token", SECRET)] {
        let path = world.at("home/tools").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let mut profile = world.script(
        "cd \"$HOME/tools\" && cat a && echo new > a && cat a && rm b && mkdir c && mv deep c/ && find . | sort | tr '\n' ' '; \
         cat credentials deep/token c/deep/token; echo x > credentials; cat credentials; cat ../more/m && echo y > ../more/m",
    );
    fs::create_dir_all(world.at("home/more")).unwrap();
    fs::write(world.at("home/more/m"), "m\n").unwrap();
    profile.hide.extend([world.at("home/tools/credentials"), world.at("home/tools/deep/token")]);
    profile.copies = vec![world.at("home/tools"), world.at("home/more")];
    let outcome = run(profile);
    assert!(outcome.out.starts_with("oldnew\n"), "{}", outcome.out);
    assert!(outcome.out.contains(". ./a ./c ./c/deep "), "{}", outcome.out);
    assert!(outcome.out.contains("x\nm\n") && !outcome.out.contains(SECRET), "{}", outcome.out);
    for (name, text) in [("a", "old"), ("b", "old"), ("credentials", SECRET), ("deep/token", SECRET)] {
        assert_eq!(read(&world.at("home/tools").join(name)), text);
    }
    assert_eq!(read(&world.at("home/more/m")), "m\n");
}

fn written() {
    let world = World::new();
    let script = "echo x > \"$WORK/made\" && echo in work; echo x > \"$HOME/made\" || echo refused; \
         true > \"$HOME/hooks2.json\" || echo refused; mkdir \"$HOME/d\" || echo refused; ln -s a \"$HOME/l\" || echo refused; \
         mv \"$WORK/made\" \"$HOME/made\" || echo refused; echo x > /dev/null && echo null; \
         echo x > /proc/self/comm || echo refused; rm -f \"$HOME/other\" ; test -e \"$HOME/other\" && echo refused";
    fs::write(world.at("home/other"), "").unwrap();
    let mut profile = world.script(script);
    profile.write = vec![world.at("work"), world.at("no such thing")];
    let outcome = run(profile.clone());
    assert_eq!(outcome.out.matches("refused").count(), 7, "{}", outcome.out);
    assert!(outcome.out.contains("in work") && outcome.out.contains("null"), "{}", outcome.out);
    // The control: without this layer, the same script gets all that it wants.
    profile.danger = [Danger::AllFiles].into();
    let outcome = run(profile);
    assert!(!outcome.out.contains("refused"), "{}", outcome.out);
}

fn output_by_name() {
    let world = World::new();
    let mut profile = world.script("echo one; echo two >> /dev/stdout; echo three >> /proc/self/fd/1");
    profile.write = vec![world.at("work")];
    let file = fs::File::options().create_new(true).append(true).open(world.at("home/out")).unwrap();
    let (_reader, mut streams) = piped();
    streams.stdout = file.into();
    let running = start(&Plan::draw(profile).unwrap(), streams).unwrap();
    assert_eq!(running.wait(), Ended::Exited(0));
    assert_eq!(read(&world.at("home/out")), "one\ntwo\nthree\n");
}

/// By every descriptor, also without file rights: what was in the files before, and what they are, stays out of reach.
fn attack_files_behind_the_standard_streams_are_not_read_or_emptied() {
    for danger in [None, Some(Danger::AllFiles)] {
        let world = World::new();
        let script = "head -c 4 <&0 >\"$WORK/read\"; for n in 0 1 2; do cat <\"/proc/self/fd/$n\" >>\"$WORK/got\" & \
             : >\"/proc/$$/fd/$n\"; echo over >\"/dev/fd/$n\"; python3 -c \"import os; os.ftruncate($n, 0)\"; \
             python3 -c \"import os; print(os.pread($n, 99, 0))\" >>\"$WORK/got\"; done 2>/dev/null; \
             sleep 0.2; kill $(jobs -p); wait 2>/dev/null; echo end; echo error >&2; ls -lL /proc/$$/fd/ >\"$WORK/seen\"";
        let mut profile = world.profile("bash", &["-c", script]);
        profile.write = vec![world.at("work")];
        profile.danger.extend(danger);
        for name in ["in", "out", "err"] {
            fs::write(world.at("home").join(name), format!("{name}: {SECRET}\n")).unwrap();
        }
        let open = |name: &str| {
            let path = world.at("home").join(name);
            fs::File::options().read(true).append(name != "in").open(path).unwrap().into()
        };
        let streams = Streams { stdin: open("in"), stdout: open("out"), stderr: open("err") };
        let running = start(&Plan::draw(profile).unwrap(), streams).unwrap();
        assert!(matches!(running.wait(), Ended::Exited(_)));
        let whole = |name: &str| read(&world.at("home").join(name));
        assert_eq!(read(&world.at("work/read")), "in: ", "what is to be read is read");
        assert_eq!(whole("in"), format!("in: {SECRET}\n"));
        assert!(whole("out").starts_with(&format!("out: {SECRET}\n")), "{}", whole("out"));
        assert!(whole("out").ends_with("end\n") && whole("err").ends_with("error\n"), "{}", whole("out"));
        assert!(whole("err").starts_with(&format!("err: {SECRET}\n")), "{}", whole("err"));
        // What is left of the input is the client's to read; nothing of the two others is.
        let got = fs::read_to_string(world.at("work/got")).unwrap_or_default();
        assert!(!got.contains("out: ") && !got.contains("err: "), "{got}");
    }
}

/// Two streams into one file come in the order in which they were written.
fn streams_in_order() {
    let world = World::new();
    let mut profile = world.script("for n in 1 2 3 4 5 6 7 8; do echo $n; echo $n >&2; done");
    profile.write = vec![world.at("work")];
    let file = fs::File::options().create_new(true).append(true).open(world.at("home/out")).unwrap();
    let (_reader, streams) = piped();
    let streams =
        Streams { stdin: streams.stdin, stdout: file.try_clone().unwrap().into(), stderr: file.into() };
    assert_eq!(start(&Plan::draw(profile).unwrap(), streams).unwrap().wait(), Ended::Exited(0));
    let twice: String = (1..9).map(|n| format!("{n}\n{n}\n")).collect();
    assert_eq!(read(&world.at("home/out")), twice);
}

fn programs() {
    let world = World::new();
    let script = "cp /bin/true \"$WORK/t\" && \"$WORK/t\" && echo ran in work; cp /bin/true \"$HOME/t\" && chmod +x \"$HOME/t\"; \
         \"$HOME/t\" && echo RAN; /lib64/ld-linux-x86-64.so.2 /bin/true && echo loader";
    let mut profile = world.script(script);
    profile.run = ["/usr", "/bin", "/lib", "/lib64"].map(Into::into).into();
    profile.run.push(world.at("work"));
    let outcome = run(profile.clone());
    assert!(outcome.out.contains("ran in work") && !outcome.out.contains("RAN"), "{}", outcome.out);
    profile.danger = [Danger::AllFiles].into();
    assert!(run(profile).out.contains("RAN"));
}

fn recorded() {
    let world = World::new();
    fs::copy("/bin/true", world.at("work/mine")).unwrap();
    let mut profile =
        world.script("./mine one 'two words'; /bin/echo said; exec ls /nonexistent 2>/dev/null");
    profile.recorded = true;
    let (running, mut reader) = begin(profile);
    let recorder = running.take_recorder().unwrap();
    let all = std::thread::spawn(move || std::iter::from_fn(|| recorder.next()).collect::<Vec<_>>());
    let mut out = String::new();
    reader.read_to_string(&mut out).unwrap();
    assert_eq!(out, "said\n");
    assert_eq!(running.wait(), Ended::Exited(2));
    let all = all.join().unwrap();
    let mine =
        all.iter().find(|start| start.path == world.at("work/./mine")).unwrap_or_else(|| panic!("{all:?}"));
    assert_eq!(mine.arguments, ["./mine", "one", "two words"]);
    let mut bytes = Vec::new();
    mine.file.as_ref().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, fs::read("/bin/true").unwrap());
    // What is looked for on the path and not there is asked for as well, and known by its missing file.
    let ran: Vec<_> = all
        .iter()
        .filter(|start| start.file.is_some())
        .map(|start| start.path.file_name().unwrap())
        .collect();
    assert_eq!(ran, ["sh", "mine", "echo", "ls"]);
}

fn limits() {
    let world = World::new();
    let outcome = world.run("cat /proc/self/limits /proc/self/oom_score_adj");
    let values = |name: &str| {
        let line = outcome.out.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..]
            .split_whitespace()
            .take(2)
            .map(|value| value.parse().unwrap())
            .collect::<Vec<u64>>()
    };
    assert_eq!(values("Max core file size"), [0, 0]);
    assert!(values("Max processes").iter().all(|most| *most <= 8192));
    assert!(outcome.out.contains("\n900\n"), "{}", outcome.out);
}

fn given_up() {
    for (danger, layer) in [
        (Danger::AllCalls, Layer::SystemCalls),
        (Danger::AllFiles, Layer::FileRights),
        (Danger::OpenNetwork, Layer::Network),
    ] {
        let world = World::new();
        let plan = Plan::draw(Profile { danger: [danger].into(), ..world.script("true") }).unwrap();
        assert!(plan.to_string().starts_with("DANGER "), "{plan}");
        let wanted: Vec<Layer> = Layer::ALL.into_iter().filter(|other| *other != layer).collect();
        assert_eq!(plan.layers(), wanted);
        let running = start(&plan, piped().1).unwrap();
        assert_eq!(running.layers(), wanted);
        let _ = running.wait();
    }
}
