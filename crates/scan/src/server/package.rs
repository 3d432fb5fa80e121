//! The package that a server's command would fetch and run, and whether its version is fixed.

/// A package or image, as written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Package {
    /// With its version, if one is written.
    pub spelling: String,
    /// Whether each start runs the same code: an exact version, or a digest.
    pub pinned: bool,
}

/// Flags of the runners that take a value.
const TAKING: &[&str] = &[
    "--name",
    "--network",
    "--entrypoint",
    "--platform",
    "--user",
    "--workdir",
    "--volume",
    "--publish",
    "--env",
    "--env-file",
    "--mount",
    "--add-host",
    "--directory",
    "--python",
    "--with",
    "--index-url",
    "--registry",
    "--cpus",
    "--memory",
    "--label",
    "--pull",
    "--env-vars",
    "-e",
    "-v",
    "-p",
    "-u",
    "-w",
    "-m",
    "-l",
    "-c",
    "--call",
];

/// Reads the words of a command: `npx -y p@1.2.3`, `uvx p==1`, `docker run … image`, `pnpm dlx p`.
pub fn package_of(words: &[String]) -> Option<Package> {
    let mut words = words.iter().map(String::as_str);
    let program = words.next()?.rsplit(['/', '\\']).next()?.to_ascii_lowercase();
    let program = program.trim_end_matches(".cmd").trim_end_matches(".exe");
    let mut rest: Vec<&str> = words.collect();
    // `cmd /c npx …` and `env A=b npx …` start another program.
    if matches!(program, "cmd" | "env" | "sudo") {
        let inner: Vec<String> = rest
            .iter()
            .skip_while(|word| word.starts_with(['/', '-']) || word.contains('='))
            .map(|word| (*word).to_owned())
            .collect();
        return if inner.len() < rest.len() + 1 && !inner.is_empty() { package_of(&inner) } else { None };
    }
    let spelling = match program {
        "npx" | "bunx" | "pnpx" | "uvx" => named(&rest, &["-p", "--package", "--from"])?,
        "npm" | "pnpm" | "yarn" | "bun" | "pipx" | "uv" => {
            let verb = rest.iter().position(|word| !word.starts_with('-'))?;
            match (program, *rest.get(verb)?) {
                ("npm", "exec" | "x") | ("pnpm" | "yarn", "dlx") | ("bun", "x") | ("pipx", "run") => {
                    rest.drain(..=verb);
                    named(&rest, &["--package", "--spec"])?
                }
                ("uv", "tool") => {
                    rest.drain(..=verb + usize::from(rest.get(verb + 1) == Some(&"run")));
                    named(&rest, &["--from"])?
                }
                ("uv", "run") => {
                    let with = rest.iter().position(|word| *word == "--with")?;
                    (*rest.get(with + 1)?).to_owned()
                }
                _ => return None,
            }
        }
        "docker" | "podman" | "nerdctl" => {
            let verb = rest.iter().position(|word| *word == "run")?;
            rest.drain(..=verb);
            named(&rest, &[])?
        }
        "deno" => {
            (*rest.iter().find(|word| word.starts_with("npm:") || word.starts_with("jsr:"))?).to_owned()
        }
        _ => return None,
    };
    let pinned = is_pinned(&spelling);
    Some(Package { spelling, pinned })
}

/// The value of one of these flags, else the first word that is neither a flag nor a flag's value.
fn named(words: &[&str], flags: &[&str]) -> Option<String> {
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if flags.contains(&word) {
            return words.next().map(str::to_owned);
        }
        if let Some((flag, value)) = word.split_once('=')
            && flags.contains(&flag)
        {
            return Some(value.to_owned());
        }
        if word.starts_with('-') {
            if TAKING.contains(&word) {
                words.next();
            }
            continue;
        }
        return Some(word.to_owned());
    }
    None
}

fn is_pinned(spelling: &str) -> bool {
    if spelling.contains("@sha256:") {
        return true;
    }
    let after_at = spelling.rfind('@').filter(|at| *at > 0).and_then(|at| spelling.get(at + 1..));
    let version = after_at.or_else(|| spelling.split_once("==").map(|(_, version)| version));
    version.is_some_and(|version| {
        let parts: Vec<&str> = version.split(['-', '+']).next().unwrap_or("").split('.').collect();
        parts.len() >= 2
            && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
    })
}
