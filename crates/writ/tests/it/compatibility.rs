//! `docs/compatibility.md`: which everyday tools work through the way out of a run, as they are, by the variables that a
//! run sets. Written anew with `WRIT_UPDATE_COMPATIBILITY=1`; otherwise what is observed must stand there. A tool that this
//! machine does not have keeps its row.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rustls::pki_types::PrivatePkcs8KeyDer;
use writ_testkit::Clients;

use crate::corner::{Corner, fed, finished, git, text};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/compatibility.md");
/// Made up. Each request of the last column must arrive with it, and no tool holds it.
const VALUE: &str = "made-up-token-7Qk2ZpX9wv";
const COLUMNS: [&str; 3] = ["plain", "tls", "lent"];
/// Services on loopback are reached without a proxy unless a tool is told otherwise.
const BY_PROXY: &str = "export NO_PROXY= no_proxy= npm_config_noproxy=\n";

/// A tool: its name in the table and in paths, the program that must be there, and its command where `@` stands for the
/// address of its own folder. The second command is the one with a credential, from `TOOL_TOKEN`.
struct Tool {
    name: &'static str,
    key: &'static str,
    needs: &'static str,
    asks: &'static str,
    lent: Option<&'static str>,
}

const TOOLS: [Tool; 11] = [
    Tool {
        name: "git",
        key: "git",
        needs: "git",
        asks: "git ls-remote @/app.git",
        lent: Some("git ls-remote @/private.git"),
    },
    Tool {
        name: "curl",
        key: "curl",
        needs: "curl",
        asks: "curl -sSf @/x",
        lent: Some("curl -sSf -H \"Authorization: Bearer $TOOL_TOKEN\" @/x"),
    },
    Tool {
        name: "npm",
        key: "npm",
        needs: "npm",
        asks: "npm view probe --fetch-retries=0 --registry @/",
        lent: Some(
            "npm view probe --fetch-retries=0 --registry @/ --${LENT_AT#https:}/npm/:_authToken=$TOOL_TOKEN",
        ),
    },
    Tool {
        name: "pip",
        key: "pip",
        needs: "pip3",
        asks: "/usr/bin/python3 -m pip download --no-cache-dir --no-deps -d wheels --index-url @/simple probe",
        lent: Some(
            "/usr/bin/python3 -m pip download --no-cache-dir --no-deps -d wheels --index-url https://agent:$TOOL_TOKEN@${LENT_AT#https://}/pip/simple probe",
        ),
    },
    Tool {
        name: "cargo",
        key: "cargo",
        needs: "cargo",
        asks: "cargo search probe --index sparse+@/",
        lent: None,
    },
    Tool {
        name: "Python: requests",
        key: "requests",
        needs: "python3",
        asks: "PYTHONPATH=$VIRTUAL_ENV python3 requested.py @/x",
        lent: Some("PYTHONPATH=$VIRTUAL_ENV python3 requested.py @/x $TOOL_TOKEN"),
    },
    Tool {
        name: "Python: httpx",
        key: "httpx",
        needs: "python3",
        asks: "PYTHONPATH=$VIRTUAL_ENV python3 httpxed.py @/x",
        lent: Some("PYTHONPATH=$VIRTUAL_ENV python3 httpxed.py @/x $TOOL_TOKEN"),
    },
    Tool {
        name: "Python: urllib",
        key: "urllib",
        needs: "python3",
        asks: "python3 opened.py @/x",
        lent: Some("python3 opened.py @/x $TOOL_TOKEN"),
    },
    Tool {
        name: "Node: fetch",
        key: "node",
        needs: "node",
        asks: "node fetched.mjs @/x",
        lent: Some("node fetched.mjs @/x $TOOL_TOKEN"),
    },
    Tool {
        name: "Go: net/http",
        key: "go",
        needs: "go",
        asks: "./went @/x",
        lent: Some("./went @/x $TOOL_TOKEN"),
    },
    Tool {
        name: "Java: HttpURLConnection",
        key: "java",
        needs: "javac",
        asks: "java -Dhttp.nonProxyHosts= Asked.java @/x",
        lent: Some("java -Dhttp.nonProxyHosts= Asked.java @/x $TOOL_TOKEN"),
    },
];

/// What the tools are made of that are libraries.
const SOURCES: [(&str, &str); 6] = [
    (
        "requested.py",
        "import sys, requests\nh = {'Authorization': 'Bearer ' + sys.argv[2]} if len(sys.argv) > 2 else {}\n\
         requests.get(sys.argv[1], headers=h).raise_for_status()\n",
    ),
    (
        "httpxed.py",
        "import sys, httpx\nh = {'Authorization': 'Bearer ' + sys.argv[2]} if len(sys.argv) > 2 else {}\n\
         httpx.get(sys.argv[1], headers=h).raise_for_status()\n",
    ),
    (
        "opened.py",
        "import sys, urllib.request\nh = {'Authorization': 'Bearer ' + sys.argv[2]} if len(sys.argv) > 2 else {}\n\
         urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers=h)).read()\n",
    ),
    (
        "fetched.mjs",
        "const [url, token] = process.argv.slice(2)\n\
         const answer = await fetch(url, {headers: token ? {Authorization: `Bearer ${token}`} : {}})\n\
         if (!answer.ok) throw new Error(`${answer.status}`)\n",
    ),
    (
        "went.go",
        // Go asks no proxy for loopback, whatever it is told, so it is handed over here.
        "package main\nimport (\"net/http\"; \"net/url\"; \"os\")\nfunc main() {\n\
         proxy, _ := url.Parse(os.Getenv(\"HTTPS_PROXY\"))\n\
         http.DefaultTransport.(*http.Transport).Proxy = http.ProxyURL(proxy)\n\
         request, _ := http.NewRequest(\"GET\", os.Args[1], nil)\n\
         if len(os.Args) > 2 { request.Header.Set(\"Authorization\", \"Bearer \" + os.Args[2]) }\n\
         answer, err := http.DefaultClient.Do(request)\n\
         if err != nil || answer.StatusCode != 200 { println(err); os.Exit(1) }\n}\n",
    ),
    (
        "Asked.java",
        "import java.net.*;\npublic class Asked { public static void main(String[] a) throws Exception {\n\
         HttpURLConnection c = (HttpURLConnection) new URL(a[0]).openConnection();\n\
         if (a.length > 1) c.setRequestProperty(\"Authorization\", \"Bearer \" + a[1]);\n\
         if (c.getResponseCode() != 200) System.exit(1);\n} }\n",
    ),
];

/// A request that arrived: its path, whether by TLS, and who it says it is from.
#[derive(Clone, Debug)]
struct Arrived {
    path: String,
    is_tls: bool,
    credential: String,
}

/// Serves what the tools ask for, in the clear or by TLS.
struct Service {
    address: String,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

// === impl Service ===

impl Service {
    fn start(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // By its name: npm takes an address by number behind a proxy for `localhost`, whatever it is.
        let name = if tls.is_some() { "localhost" } else { "127.0.0.1" };
        let address = format!("{name}:{}", listener.local_addr().unwrap().port());
        let arrived: Arc<Mutex<Vec<Arrived>>> = Arc::default();
        let (kept, own) = (Arc::clone(&arrived), address.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (kept, own, tls) = (Arc::clone(&kept), own.clone(), tls.clone());
                std::thread::spawn(move || match tls {
                    None => drop(answered(stream, &format!("http://{own}"), &kept)),
                    Some(tls) => {
                        let session = rustls::ServerConnection::new(tls).unwrap();
                        let stream = rustls::StreamOwned::new(session, stream);
                        drop(answered(stream, &format!("https://{own}"), &kept));
                    }
                });
            }
        });
        Self { address, arrived }
    }
}

fn answered(stream: impl Read + Write, own: &str, kept: &Mutex<Vec<Arrived>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let (mut first, mut credential) = (String::new(), String::new());
    reader.read_line(&mut first)?;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        if line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("authorization:") {
            let value = line[line.len() - value.len()..].trim();
            let inside = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("basic"));
            let inside = inside.and_then(|(_, inside)| BASE64_STANDARD.decode(inside).ok());
            credential =
                inside.map_or(value.to_owned(), |inside| String::from_utf8_lossy(&inside).into_owned());
        }
    }
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let plain = path.split('?').next().unwrap_or_default();
    let is_tls = own.starts_with("https");
    let (status, kind, body) = if plain.ends_with("/private.git/info/refs") && credential.is_empty() {
        ("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"x\"", "text/plain", String::new())
    } else if plain.ends_with("/info/refs") {
        let refs = "001e# service=git-upload-pack\n00000048";
        let none = "0000000000000000000000000000000000000000 capabilities^{}\0agent=probe\n";
        let body = format!("{}{:04x}{none}0000", &refs[..refs.len() - 4], none.len() + 4);
        ("200 OK", "application/x-git-upload-pack-advertisement", body)
    } else if plain.ends_with("/npm/probe") {
        let version = r#"{"name":"probe","version":"1.0.0","dist":{"tarball":"x","shasum":"x"}}"#;
        let body = format!(
            r#"{{"name":"probe","dist-tags":{{"latest":"1.0.0"}},"versions":{{"1.0.0":{version}}}}}"#
        );
        ("200 OK", "application/json", body)
    } else if plain.ends_with("/simple/probe/") {
        (
            "200 OK",
            "text/html",
            format!("<a href=\"{own}/pip/probe-1.0-py3-none-any.whl\">probe-1.0-py3-none-any.whl</a>"),
        )
    } else if plain.ends_with("/cargo/config.json") {
        ("200 OK", "application/json", format!(r#"{{"dl":"{own}/cargo/dl","api":"{own}/cargo"}}"#))
    } else if plain.ends_with("/cargo/api/v1/crates") {
        let body =
            r#"{"crates":[{"name":"probe","max_version":"1.0.0","description":"x"}],"meta":{"total":1}}"#;
        ("200 OK", "application/json", body.to_owned())
    } else {
        ("200 OK", "text/plain", "yes".to_owned())
    };
    let wheel = plain.ends_with(".whl").then(wheel);
    let body = wheel.unwrap_or(body.into_bytes());
    kept.lock().unwrap().push(Arrived { path, is_tls, credential });
    let stream = reader.get_mut();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(&body)?;
    stream.flush()
}

/// The smallest package that pip takes: nothing but its description, stored.
fn wheel() -> Vec<u8> {
    let script = "import io, sys, zipfile\nb = io.BytesIO()\nz = zipfile.ZipFile(b, 'w')\n\
        z.writestr('probe-1.0.dist-info/METADATA', 'Metadata-Version: 2.1\\nName: probe\\nVersion: 1.0\\n')\n\
        z.writestr('probe-1.0.dist-info/WHEEL', 'Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n')\n\
        z.writestr('probe-1.0.dist-info/RECORD', '')\nz.close()\nsys.stdout.buffer.write(b.getvalue())\n";
    Command::new("python3").args(["-c", script]).output().unwrap().stdout
}

/// A certificate for this address, and the authority that vouches for it, which nobody inside trusts.
fn tls() -> (Arc<rustls::ServerConfig>, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::default();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let leaf = rcgen::KeyPair::generate().unwrap();
    let names = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = names.signed_by(&leaf, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivatePkcs8KeyDer::from(leaf.serialize_der()).into(),
        )
        .unwrap();
    (Arc::new(config), pem)
}

fn is_there(program: &str, path: &str) -> bool {
    std::env::split_paths(path).any(|folder| folder.join(program).is_file())
}

/// Every command that ended well, as `key column`, and everything that arrived.
fn observed(tools: &[&Tool], path: &str, python: &Path) -> (BTreeMap<String, String>, Vec<Arrived>) {
    let (config, authority) = tls();
    let (plain, looked_into) = (Service::start(None), Service::start(Some(config)));
    let at = |is_tls: bool| {
        let (scheme, service) = if is_tls { ("https", &looked_into) } else { ("http", &plain) };
        format!("{scheme}://{}", service.address)
    };
    let mut said = BTreeMap::new();
    // The workspace has one usual remote, and git goes to no other by itself: so one run for each.
    for is_tls in [false, true] {
        let corner = Corner::with_control_plane();
        corner.register("claude-code");
        let work = corner.work();
        git(&work);
        let remote = if is_tls { "private" } else { "app" };
        let set = Command::new("git")
            .args(["remote", "add", "origin", &format!("{}/git/{remote}.git", at(is_tls))])
            .current_dir(&work)
            .status();
        assert!(set.unwrap().success());
        for (name, source) in SOURCES {
            std::fs::write(work.join(name), source).unwrap();
        }
        if tools.iter().any(|tool| tool.key == "go") {
            let mut build = Command::new("go");
            build.args(["build", "-o", "went", "went.go"]).current_dir(&work);
            build
                .env("GOCACHE", corner.home().join("go-build"))
                .env("GOFLAGS", "-mod=mod")
                .env("GO111MODULE", "off");
            let built = finished(build);
            assert!(built.status.success(), "{}", text(&built));
        }
        let trusted = corner.home().join("authority.pem");
        std::fs::write(&trusted, &authority).unwrap();
        let add = corner.writ([
            "secret",
            "add",
            "tools",
            "--stdin",
            "--host",
            &looked_into.address,
            "--env",
            "TOOL_TOKEN",
        ]);
        assert!(fed(add, VALUE.as_bytes()).status.success());
        let mut play = format!("start\n{BY_PROXY}export LENT_AT={}\nmkdir said\n", at(true));
        for tool in tools {
            for column in COLUMNS {
                let line = if column == "lent" { tool.lent } else { Some(tool.asks) };
                let fits = (column != "plain") == is_tls;
                let Some(line) = line.filter(|_| fits) else { continue };
                let line = if tool.key == "git" && is_tls { "git ls-remote @/private.git" } else { line };
                let line = line.replace('@', "\u{0}").replace("agent:$TOOL_TOKEN\u{0}", "agent:$TOOL_TOKEN@");
                let line = line.replace('\u{0}', &format!("{}/{}", at(is_tls), tool.key));
                let (key, n) = (tool.key, format!("said/{}.{column}", tool.key));
                let _ = writeln!(
                    play,
                    "( timeout 40 bash -c '{line}' >{n} 2>&1; echo \"{key}.{column} $?\" >>codes ) &"
                );
            }
        }
        play.push_str("wait\nfinish\n");
        let hosts = [&plain.address, &looked_into.address];
        let mut run =
            corner.play(&["--hold", "1s", "--allow-host", hosts[0], "--allow-host", hosts[1]], &play);
        run.env("PATH", format!("{}:{path}", corner.bin().display()))
            .env("NODE_EXTRA_CA_CERTS", &trusted)
            .env("VIRTUAL_ENV", python)
            .env("CARGO_BUILD_RUSTC", Path::new(env!("CARGO")).with_file_name("rustc"));
        let ended = finished(run);
        assert!(ended.status.success(), "{}\n{}", text(&ended), corner.left("script.err"));
        for line in corner.left("codes").lines() {
            let (what, code) = line.split_once(' ').unwrap();
            let told = if code == "0" { String::new() } else { corner.left(&format!("said/{what}")) };
            said.insert(
                what.to_owned(),
                if code == "0" { "0".to_owned() } else { format!("{code}: {told}") },
            );
        }
    }
    let mut arrived = plain.arrived.lock().unwrap().clone();
    arrived.extend(looked_into.arrived.lock().unwrap().iter().cloned());
    (said, arrived)
}

#[test]
fn everyday_tools_work_as_documented() {
    let clients = Clients::find(env!("CARGO_MANIFEST_DIR").as_ref()).unwrap();
    let cargo = PathBuf::from(env!("CARGO")).parent().unwrap().display().to_string();
    // The links beside the clients lead out of what a sandbox shows.
    let node = clients.programs().join("node").canonicalize().unwrap();
    let path = format!("{}:{cargo}:/usr/local/bin:/usr/bin:/bin", node.parent().unwrap().display());
    let here: Vec<&Tool> = TOOLS.iter().filter(|tool| is_there(tool.needs, &path)).collect();
    let (said, arrived) = observed(&here, &path, &clients.python().unwrap());
    let stands = std::fs::read_to_string(DOCUMENT).unwrap_or_default();
    let mut rows = String::new();
    for tool in &TOOLS {
        let start = format!("| {} |", tool.name);
        if !here.iter().any(|one| one.key == tool.key) {
            eprintln!("{} is not here; its row stands as it was", tool.name);
            let kept = stands.lines().find(|line| line.starts_with(&start));
            let _ =
                writeln!(rows, "{}", kept.unwrap_or(&format!("{start} not tried | not tried | not tried |")));
            continue;
        }
        let cell = |column: &str| {
            let Some(code) = said.get(&format!("{}.{column}", tool.key)) else { return "–" };
            let folder = format!("/{}/", tool.key);
            let came = arrived.iter().any(|one| {
                let is_lent = one.credential.contains(VALUE);
                one.path.starts_with(&folder)
                    && one.is_tls == (column != "plain")
                    && (column != "lent" || is_lent)
            });
            eprintln!("{} {column}: {code} arrived {came}", tool.name);
            if code == "0" && came { "yes" } else { "**no**" }
        };
        let _ = writeln!(rows, "{start} {} | {} | {} |", cell("plain"), cell("tls"), cell("lent"));
    }
    let document = format!("{HEAD}{rows}{FOOT}");
    if std::env::var_os("WRIT_UPDATE_COMPATIBILITY").is_some() {
        std::fs::write(DOCUMENT, &document).unwrap();
    }
    assert_eq!(
        document,
        std::fs::read_to_string(DOCUMENT).unwrap_or_default(),
        "observed something else; look at it, then write it with WRIT_UPDATE_COMPATIBILITY=1"
    );
}

const HEAD: &str = "\
# Everyday tools on the way out

Which tools work through the egress proxy of `writ run` as they are, by nothing but the variables that a run sets. The table
is written by a test that runs each of them in a sandbox against services of its own (`compatibility::`,
`WRIT_UPDATE_COMPATIBILITY=1`); where a machine lacks a tool, its row stays as it was seen last.

| tool | HTTP | HTTPS, looked into | a lent credential arrives |
|---|---|---|---|
";

const FOOT: &str = "
*HTTPS, looked into*: the tool takes the certificate of the run's own authority for the host's. *A lent credential arrives*:
the tool sends a placeholder, and the host gets the value. \u{2013}: the tool was not made to send one.

- Node's own fetch goes through a proxy since versions 22.21 and 24; before, only packages do that look at the variables.
- Go asks no proxy for addresses of this machine, whatever it is told, so the test hands it the proxy of `HTTPS_PROXY`; other
  hosts go there by themselves. Java leaves them out by `-Dhttp.nonProxyHosts`, which the test takes back.
- Gemini CLI takes `PYTHONPATH` and `JAVA_TOOL_OPTIONS` from what it starts: Java programs that it starts reach nothing outside.
- Tools that bring certificates of their own and read no variable refuse the authority of the run; they reach what passes
  without a look inside: hosts that a person names with `--no-intercept`, and where a client logs in.
";
