//! Code on the command line that hides what it calls: it is what it calls where that can be read, else it is unknown.

use writ_model::EffectClass::{self, BuildTest, Destructive, Network, Read, SecretRead, Unknown};

use super::judged;

fn all_show(class: EffectClass, commands: &[&str]) {
    let wrong: Vec<String> = commands
        .iter()
        .map(|command| (command, judged(command)))
        .filter(|(_, judged)| !judged.effects.iter().any(|effect| effect.class == class))
        .map(|(command, judged)| format!("{command:?} is {}: {:?}", judged.label(), judged.effects))
        .collect();
    assert!(wrong.is_empty(), "expected {class} in:\n{}", wrong.join("\n"));
}

#[test]
fn code_that_hides_what_it_calls_is_what_it_calls() {
    all_show(
        Destructive,
        &[
            r#"python -c 'from subprocess import *; run("rm -rf /",shell=1)'"#,
            r#"python -c 'import os; getattr(os,"system")("rm -rf /")'"#,
            r#"python -c 'import os; getattr(os,"sys"+"tem")("rm -rf /")'"#,
            r#"python -c 'import importlib; importlib.import_module("o"+"s").system("rm -rf /")'"#,
            r#"python -c 'import asyncio; asyncio.run(asyncio.create_subprocess_shell("rm -rf /"))'"#,
            r#"python -c 'import os; os.execvp("rm",["rm","-rf","/"])'"#,
            r#"python -c 'import os; c="rm -rf "+"/"; os.system(c)'"#,
            r#"python -c 'exec("import os; os.system(\"rm -rf /\")")'"#,
            r#"node -e 'const {execSync:e}=require("child_process"); e("rm -rf /")'"#,
            r#"node -e 'require("child_process")["execSync"]("rm -rf /")'"#,
            r"bun -e 'await Bun.$`rm -rf /`'",
            r#"bun -e 'import {$} from "bun"; await $`rm -rf /`'"#,
            "ipython -c '!rm -rf /'",
            "ipython -c 'x = !rm -rf /'",
            r#"rake -e 'sh "rm -rf /"'"#,
            r#"python3 -m timeit 'import os; os.system("rm -rf /")'"#,
            r#"python3 -m timeit -s 'import os; os.system("rm -rf /")' 1"#,
            r#"python3 -m cProfile -c 'import os; os.system("rm -rf /")'"#,
            r#"python3 -m pdb -c '!import os; os.system("rm -rf /")' x.py"#,
            r#"php -r '$f="sys"."tem"; $f("rm -rf /");'"#,
            r#"lua -e 'os["execute"]("rm -rf /")'"#,
            r#"Rscript -e 'do.call("system", list("rm -rf /"))'"#,
            r#"julia -e 'run(Cmd(["rm","-rf","/"]))'"#,
        ],
    );
    all_show(Network, &[r#"node -e 'require("dns").lookup("x.example.com",()=>{})'"#]);
}

#[test]
fn names_that_code_puts_together_are_the_files_they_name() {
    all_show(
        SecretRead,
        &[
            r#"python -c 'print(open(".e"+"nv").read())'"#,
            r#"python -c 'print(open("vne."[::-1]).read())'"#,
            r#"python -c 'print(open("".join([".e","nv"])).read())'"#,
            r#"python -c 'import os; print(open(os.path.join(os.path.expanduser("~"),".aws","credentials")).read())'"#,
            r#"python -c 'from pathlib import Path; [print(p.read_text()) for p in Path.home().glob(".ssh/*")]'"#,
            r#"python -c 'from pathlib import Path; print((Path.home()/".ssh"/"id_rsa").read_text())'"#,
            r#"node -e 'console.log(require("fs").readFileSync(".e"+"nv","utf8"))'"#,
            r#"node -e 'console.log(require("fs").readFileSync([".e","nv"].join(""),"utf8"))'"#,
            r#"node -e 'console.log(require("fs").readFileSync(require("path").join(require("os").homedir(),".ssh","id_rsa"),"utf8"))'"#,
            r#"ruby -e 'puts File.read(".e"+"nv")'"#,
            r#"ruby -e 'puts File.read(File.join(Dir.home,".ssh","id_rsa"))'"#,
            r#"php -r 'echo file_get_contents(".e"."nv");'"#,
            r#"lua -e 'print(io.open(".e".."nv"):read("a"))'"#,
            r#"node -e 'console.log(process["env"])'"#,
            r#"node -e 'const {env}=process; console.log(env)'"#,
            r#"node -e 'console.log(globalThis["process"]["env"])'"#,
        ],
    );
}

#[test]
fn code_that_nobody_can_read_is_unknown() {
    all_show(
        Unknown,
        &[
            "python -c 'eval(input())'",
            r#"python -c 'import os,sys; getattr(os,sys.argv[1])("x")' system"#,
            r#"python -c '__import__(chr(111)+x).system("ls")'"#,
            "python -c 'import code; code.interact()'",
            r#"python -c 'import ctypes; ctypes.CDLL(None).system(b"ls")'"#,
            r#"python -c 'print(open("".join(chr(c) for c in [46,101,110,118])).read())'"#,
            "node -e 'process.binding(\"spawn_sync\").spawn({})'",
            "node -e 'require(process.argv[1]).x()' child_process",
            r#"node -e 'const c=require("child_process"); Object.values(c)[0]("ls")'"#,
            r#"perl -e 'my $f="sys".$x; &$f("ls")'"#,
            r#"php -r '$f=$argv[1]; $f("ls");' system"#,
            r#"groovy -e '"ls".execute()'"#,
            r#"elixir -e ':os.cmd(~c"ls")'"#,
            r#"iex -e 'System.cmd("ls",[])'"#,
            r#"scala -e 'import sys.process._; "ls".!'"#,
            "clojure -e '(clojure.java.shell/sh \"ls\")'",
            "ipython -c '%sc x'",
        ],
    );
}

#[test]
fn ordinary_code_on_the_command_line_stays_what_it_is() {
    for command in [
        r#"python -c "import sys; print(sys.version)""#,
        r#"python -c "import json; print(json.load(open('package.json'))['version'])""#,
        r#"python3 -c "import tomllib; print(tomllib.load(open('pyproject.toml','rb'))['project']['version'])""#,
        r#"python3 -c "import yaml; print(yaml.safe_load(open('a.yml')))""#,
        r#"python -c "import os; print(os.path.join(os.getcwd(),'src'))""#,
        r#"python -c "from pathlib import Path; print([p.name for p in Path('src').glob('*.py')])""#,
        r#"python -c "import torch; m=torch.nn.Linear(1,1); m.eval(); print(m)""#,
        r#"python -c "import re; print(re.compile('a+').match('aaa'))""#,
        r#"python -c "import myproject; print(myproject.__version__)""#,
        r#"python -c "import importlib; importlib.import_module('app.main')""#,
        r#"python -c "print(getattr(object(), 'x', None))""#,
        r#"python -m timeit '"-".join(map(str, range(100)))'"#,
        r#"node -e "console.log(require('./package.json').version)""#,
        r#"node -e "const {a}=require('./lib'); console.log(a(1))""#,
        r#"node -p "process.env.PATH""#,
        r#"ruby -e 'require "json"; puts JSON.parse(File.read("a.json"))["v"]'"#,
        "elixir -e 'IO.puts(1+1)'",
        "groovy -e 'println 1+1'",
        "scala -e 'println(1)'",
        "ghc -e '1+1'",
        "Rscript -e 'devtools::test()'",
        r#"bun -e "import {x} from './src/a'; console.log(x)""#,
        "ipython -c '%timeit 1+1'",
    ] {
        let judged = judged(command);
        assert!(
            judged.effects.iter().all(|effect| matches!(effect.class, Read | BuildTest)),
            "{command:?}: {:?}",
            judged.effects
        );
    }
}
