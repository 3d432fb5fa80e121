//! Commands that code starts: `exec('claude', ['-p', x])`, `subprocess.run(["claude", "-p"])`.

/// Functions that start a program, by the last part of their name.
const STARTS: &[&str] = &[
    "$",
    "Popen",
    "call",
    "check_call",
    "check_output",
    "create_subprocess_exec",
    "create_subprocess_shell",
    "exec",
    "execCommand",
    "execFile",
    "execFileSync",
    "execSync",
    "execa",
    "execaCommand",
    "execaSync",
    "fork",
    "getExecOutput",
    "getoutput",
    "getstatusoutput",
    "popen",
    "run",
    "spawn",
    "spawnSync",
    "system",
];
/// Longest call that is read, in bytes, and most words of one.
const MAX_CALL: usize = 8 << 10;
const MAX_WORDS: usize = 100;
/// Most calls and lists of one text, and brackets in front of the first word of one.
const MAX_CALLS: usize = 2_000;
const MAX_BRACKETS: usize = 4;

/// Each call that starts a program and each list of texts, as those texts, and whether it is a call.
pub(super) fn commands(code: &str, see: &mut dyn FnMut(&[String], bool)) {
    let bytes = code.as_bytes();
    let mut left = MAX_CALLS;
    for (at, byte) in bytes.iter().enumerate() {
        let is_start = match byte {
            b'(' => STARTS.contains(&name_before(code, at)),
            // A list that is handed on later, or to a function of their own.
            b'[' => true,
            b'`' => name_before(code, at) == "$",
            _ => false,
        };
        if !is_start {
            continue;
        }
        if left == 0 {
            return;
        }
        let mut end = (at + MAX_CALL).min(code.len());
        while !code.is_char_boundary(end) {
            end -= 1;
        }
        let call = if *byte == b'`' { code.get(at..end) } else { code.get(at + 1..end) };
        let texts = texts(call.unwrap_or(""), *byte == b'`');
        if !texts.is_empty() && (*byte != b'[' || texts.len() > 1) {
            left -= 1;
            see(&texts, *byte != b'[');
        }
    }
}

fn name_before(code: &str, at: usize) -> &str {
    let before = code.get(..at).unwrap_or("");
    let length =
        before.bytes().rev().take_while(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(byte)).count();
    before.get(before.len() - length..).unwrap_or("")
}

/// The texts up to the bracket that ends the call; none where something else stands first.
fn texts(call: &str, is_one: bool) -> Vec<String> {
    let bytes = call.as_bytes();
    let mut found = Vec::new();
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'(' | b'[' | b'{' => {
                depth += 1;
                if found.is_empty() && depth > MAX_BRACKETS {
                    break;
                }
            }
            b')' | b']' | b'}' if depth == 0 => break,
            b')' | b']' | b'}' => depth -= 1,
            b'\'' | b'"' | b'`' => {
                let quote = char::from(*byte);
                let three: String = [quote; 3].iter().collect();
                let rest = call.get(at..).unwrap_or("");
                let mark = if rest.starts_with(&three) { three } else { quote.to_string() };
                let inside = rest.get(mark.len()..).unwrap_or("");
                let Some(end) = closing(inside, &mark) else { break };
                found.push(inside.get(..end).unwrap_or("").replace("\\\"", "\"").replace("\\'", "'"));
                if is_one || found.len() >= MAX_WORDS {
                    break;
                }
                at += mark.len() * 2 + end;
                continue;
            }
            // What comes before the first text is the text's own: `f"…"`, `r'…'`.
            byte if found.is_empty()
                && !byte.is_ascii_whitespace()
                && !matches!((byte, bytes.get(at + 1)), (b'b' | b'f' | b'r' | b'u', Some(b'\'' | b'"'))) =>
            {
                break;
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn closing(text: &str, mark: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(mark)?;
        let slashes = text.get(..at)?.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if slashes % 2 == 0 {
            return Some(at);
        }
        from = at + 1;
    }
}
