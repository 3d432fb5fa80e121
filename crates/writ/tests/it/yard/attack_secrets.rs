//! Credentials and other projects do not show, whatever reads.

use super::{SECRET, furnished, played};
use crate::corner::{finished, text};

/// From a shell, a make rule, a Python and a Node script alike.
#[test]
fn secrets_and_other_projects_are_absent_whatever_reads() {
    let corner = furnished();
    let home = corner.home();
    let paths: Vec<String> = [
        ".ssh/id_rsa",
        ".aws/credentials",
        ".config/gcloud/credentials.db",
        ".kube/config",
        ".netrc",
        ".bash_history",
        ".cargo/credentials.toml",
        ".docker/config.json",
        "other/notes",
        ".mozilla/x",
        "../neighbour/notes",
    ]
    .iter()
    .map(|name| home.join(name).display().to_string())
    .chain([
        corner.work().join(".env").display().to_string(),
        corner.work().join("deploy/prod.tfvars").display().to_string(),
    ])
    .collect();
    let list = paths.join(" ");
    std::fs::write(
        corner.work().join("Makefile"),
        format!("leak:\n\t-cat {list} /etc/shadow\n\t-ls {0}/.ssh\n", home.display()),
    )
    .unwrap();
    let quoted = format!("{paths:?}");
    std::fs::write(
        corner.work().join("leak.py"),
        format!("for p in {quoted}:\n    try: print(open(p).read())\n    except OSError as e: print(e)\n"),
    )
    .unwrap();
    std::fs::write(
        corner.work().join("leak.mjs"),
        format!("import fs from 'fs'; for (const p of {quoted}) try {{ console.log(fs.readFileSync(p, 'utf8')) }} catch (e) {{ console.log(e.message) }}\n"),
    )
    .unwrap();
    let play = "start\nmake leak >made 2>&1\npython3 leak.py >pythoned 2>&1\nnode leak.mjs >noded 2>&1\n\
        cat ~/.cargo/registry/cached >kept; cat ~/WRIT.txt >told\n\
        docker=$(ls /run /var/run/docker.sock 2>&1); echo \"$docker\" >sockets\nfinish\n";
    played(&corner, &[], play);
    for left in ["made", "pythoned", "noded"] {
        let said = corner.left(left);
        assert!(!said.contains(SECRET), "{left}: {said}");
        assert!(said.contains("No such file") || said.contains("no such file"), "{left}: {said}");
    }
    assert!(corner.left("made").contains("WRIT.txt"), "{}", corner.left("made"));
    assert!(corner.left("told").contains("--allow-host"), "{}", corner.left("told"));
    assert_eq!(corner.left("kept"), "cached");
    assert!(!corner.left("sockets").contains("dbus"), "{}", corner.left("sockets"));
}

/// In the user's own settings of git, in what these include, and beside a repository.
#[test]
fn attack_credentials_in_settings_of_the_user_are_not_read() {
    let corner = furnished();
    let put = |path: std::path::PathBuf, text: String| {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let home = corner.home();
    let header =
        format!("[http \"https://forge.example/\"]\n\textraHeader = Authorization: Bearer {SECRET}\n");
    put(
        home.join(".gitconfig"),
        format!("[user]\n\tname = A\n[include]\n\tpath = .config/git/more\n{header}"),
    );
    put(
        home.join(".config/git/config"),
        format!("[url \"https://u:{SECRET}@forge.example/\"]\n\tinsteadOf = gh:\n"),
    );
    put(home.join(".config/git/more"), header);
    put(home.join(".cargo/config.toml"), format!("[build]\njobs = 3\n[registry]\ntoken = \"{SECRET}\"\n"));
    let elsewhere = home.join(".tools");
    put(
        elsewhere.join("cargo/config.toml"),
        format!("[build]\njobs = 4\n[registry]\ntoken = \"{SECRET}\"\n"),
    );
    put(elsewhere.join("cargo/credentials.toml"), SECRET.to_owned());
    put(elsewhere.join("npm"), SECRET.to_owned());
    put(corner.work().join("conf/own-npm"), SECRET.to_owned());
    put(elsewhere.join("gradle/gradle.properties"), SECRET.to_owned());
    put(home.join(".m2/settings-work.xml"), SECRET.to_owned());
    put(home.join("go/pkg/mod/cache/vcs/0a/config"), SECRET.to_owned());
    put(corner.work().join(".git/credentials"), format!("https://u:{SECRET}@forge.example\n"));
    put(corner.work().join("prod.env"), SECRET.to_owned());
    let play = "start\ncat ~/.gitconfig ~/.config/git/config ~/.config/git/more ~/.cargo/config.toml .git/credentials prod.env >shown 2>&1\n\
        cat ~/.tools/*/* ~/.tools/npm conf/own-npm ~/.m2/* ~/go/pkg/mod/cache/vcs/*/config >>shown 2>&1\n\
        git config user.name >named\nfinish\n";
    let mut command = corner.play(&[], play);
    command.env("CARGO_HOME", elsewhere.join("cargo")).env("GRADLE_USER_HOME", elsewhere.join("gradle"));
    command.env("NPM_CONFIG_USERCONFIG", corner.work().join("conf/own-npm"));
    let said = text(&finished(command));
    let shown = corner.left("shown");
    assert!(said.contains("has ended"), "{said}");
    assert!(!shown.contains(SECRET), "{shown}");
    assert!(shown.contains("jobs = 3") && shown.contains("insteadOf"), "{shown}");
    assert_eq!(corner.left("named"), "A\n");
}
