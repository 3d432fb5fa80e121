//! Programs that start inside: on record with their bytes, without rights of their own, and the user's as they were.

use super::{furnished, played};
use crate::corner::{finished, text};

/// What a script starts makes no tool call, and is on record all the same.
#[test]
fn each_program_that_starts_inside_is_on_record() {
    let corner = furnished();
    let tool = corner.work().join("tool");
    std::fs::write(&tool, "#!/bin/sh\nexec /bin/echo \"$@\"\n").unwrap();
    let play = "start\nchmod +x tool\nsh -c './tool of-a-script; /no/such/program' >said 2>&1\nfinish\n";
    let told = played(&corner, &[], play);
    assert!(told.contains("programs inside, each on record"), "{told}");
    let page = corner.json(["audit", "search", "--event", "program-started", "--limit", "1000", "--json"]);
    let entries = page["entries"].as_array().unwrap();
    let starts: Vec<(String, serde_json::Value)> = entries
        .iter()
        .map(|entry| {
            let text = entry["texts"][0]["text"].as_str().unwrap();
            (entry["entry"]["event"]["program"].to_string(), serde_json::from_str(text).unwrap())
        })
        .collect();
    let of = |path: &str| starts.iter().find(|(_, start)| start["path"] == path);
    let (digest, script) = of(tool.to_str().unwrap()).expect("the script");
    let bytes = std::fs::read(&tool).unwrap();
    let expected = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let expected: String = expected.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert!(digest.contains(&expected), "{digest} {expected}");
    assert_eq!(script["arguments"], serde_json::json!(["./tool", "of-a-script"]));
    let (_, echo) = of("/bin/echo").expect("what the script starts");
    assert_eq!(echo["arguments"][1], "of-a-script");
    assert_eq!(of("/no/such/program").expect("a start that failed").0, "null");
    let others = corner.json(["audit", "search", "--limit", "1000", "--json"]);
    assert!(!others.to_string().contains("program-started"), "{others}");
    assert!(corner.run(["audit", "verify"]).status.success());
}

/// By a descriptor, by a path to it, by a link to that: what runs has no name, and its bytes are on record.
#[test]
fn attack_a_program_without_a_name_starts_and_its_bytes_are_on_record() {
    let corner = furnished();
    std::fs::write(
        corner.work().join("start.py"),
        "import os, shutil\n\
         def start(how):\n\
         \x20   if os.fork() == 0:\n\
         \x20       how(); os._exit(1)\n\
         \x20   os.wait()\n\
         shutil.copy('/bin/true', 'gone'); open('gone', 'ab').write(b'of-nobody')\n\
         gone = os.open('gone', os.O_RDONLY); os.unlink('gone')\n\
         start(lambda: os.execve(gone, ['by-descriptor'], {}))\n\
         start(lambda: os.execve(f'/proc/self/fd/{gone}', ['by-path'], {}))\n\
         start(lambda: os.execve(f'/proc/{os.getpid()}/fd/{gone}', ['by-number'], {}))\n\
         start(lambda: os.execve(f'/dev/fd/{gone}', ['by-device'], {}))\n\
         os.symlink(f'/proc/self/fd/{gone}', 'link')\n\
         start(lambda: os.execve('link', ['by-link'], {}))\n\
         start(lambda: os.execve('/proc/self/exe', ['by-itself', '-c', ''], {}))\n",
    )
    .unwrap();
    played(&corner, &[], "start\npython3 start.py >said 2>&1\nfinish\n");
    let page = corner.json(["audit", "search", "--event", "program-started", "--limit", "1000", "--json"]);
    let entries = page["entries"].as_array().unwrap();
    let bytes = [std::fs::read("/bin/true").unwrap().as_slice(), b"of-nobody"].concat();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes);
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    for name in ["by-descriptor", "by-path", "by-number", "by-device", "by-link", "by-itself"] {
        let start = entries.iter().find_map(|entry| {
            let told: serde_json::Value =
                serde_json::from_str(entry["texts"][0]["text"].as_str().unwrap()).unwrap();
            (told["arguments"][0] == name).then(|| (entry["entry"]["event"]["program"].to_string(), told))
        });
        let (program, told) = start.unwrap_or_else(|| panic!("{name}: {}", corner.left("said")));
        if name == "by-itself" {
            assert!(program != "null" && told["file"] == "named", "{program} {told}");
            assert!(told["path"].as_str().unwrap().contains("python"), "{told}");
        } else {
            assert!(program.contains(&digest) && told["file"] == "unnamed", "{name}: {program} {told}");
        }
    }
}

/// A mode that makes whoever starts a file its owner outlives the task; what ordinary programs call instead works.
#[test]
fn attack_no_file_gives_rights_and_ordinary_programs_go_on() {
    let corner = furnished();
    let play = "start\n(cp /usr/bin/id s; chmod 6755 s; test -u s && echo got; python3 -c 'import os; os.chmod(\"s\",0o4755)') >tried 2>&1\n\
        (set -e; mkdir a; echo x >a/f; chmod 755 a/f; tar cf a.tar a; rm -r a; tar xf a.tar; cat a/f; cp -a a b; \
        git init -q c; cd c; git -c user.name=a -c user.email=a@b.c commit -q --allow-empty -m x; git clone -q . ../d; cd ..; \
        python3 -c 'import shutil; shutil.copytree(\"a\",\"e\")'; node -e 'fs.cpSync(\"a\",\"g\",{recursive:true})'; \
        echo whole) >worked 2>&1\nfinish\n";
    played(&corner, &[], play);
    assert!(!corner.left("tried").contains("got"), "{}", corner.left("tried"));
    assert!(corner.left("worked").ends_with("whole\n"), "{}", corner.left("worked"));
}

/// Folders of programs that lie in a tool chain's own folder show as part of its copy.
#[test]
fn programs_of_the_user_stay_as_they_are() {
    let corner = furnished();
    let bin = corner.home().join(".cargo/bin");
    std::fs::create_dir_all(&bin).unwrap();
    std::fs::write(bin.join("tool"), "good").unwrap();
    let play = "start\n(echo evil >~/.cargo/bin/tool; echo evil >~/.cargo/bin/new) 2>tried; cat ~/.cargo/bin/tool >shown\nfinish\n";
    let mut command = corner.play(&[], play);
    let path = format!("{}:{}:{}", corner.bin().display(), bin.display(), std::env::var("PATH").unwrap());
    command.env("PATH", path);
    let output = finished(command);
    assert!(output.status.success(), "{}", text(&output));
    assert_eq!(std::fs::read(bin.join("tool")).unwrap(), b"good", "{}", corner.left("tried"));
    assert!(!bin.join("new").exists());
    assert!(!corner.left("shown").is_empty());
}
