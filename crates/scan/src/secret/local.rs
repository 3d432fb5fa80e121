//! Addresses of one's own machine, and the credentials that services on it begin with.

/// Hosts of one's own machine, and names of services beside it in a composition.
const HOSTS: &[&str] = &[
    "0.0.0.0",
    "127.0.0.1",
    "[::1]",
    "cache",
    "database",
    "db",
    "host.docker.internal",
    "localhost",
    "mariadb",
    "mongo",
    "mongodb",
    "mysql",
    "postgres",
    "postgresql",
    "rabbitmq",
    "redis",
];
/// Longest host with its port that is looked at, in bytes.
const MAX_HOST: usize = 64;
/// Longest name of a user that is also taken for its password. A drawn one is neither so short nor of letters alone.
const MAX_USER: usize = 16;

/// Whether an address goes to one's own machine, by what stands behind its password: `@HOST`, a port, and what ends it. A host that
/// only begins so is another one.
pub fn is_local(behind: &[u8]) -> bool {
    let Some(rest) = behind.strip_prefix(b"@") else { return false };
    let rest = rest.get(..rest.len().min(MAX_HOST)).unwrap_or_default();
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'`;)}<>".contains(byte);
    let host = rest.split(ends).next().unwrap_or_default();
    let digits = host.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let name = host.get(..host.len() - digits).and_then(|name| name.strip_suffix(b":")).unwrap_or(host);
    // Of one that goes on behind what is looked at, nobody knows the end.
    host.len() < MAX_HOST && HOSTS.iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// Whether a password is the name of its user, which images and packages begin with.
pub fn is_default_pair(user: &[u8], password: &[u8]) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_lowercase() || b"_-".contains(byte);
    user == password && user.len() <= MAX_USER && user.iter().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_local_to_its_last_letter() {
        for (behind, expected) in [
            ("@localhost", true),
            ("@LocalHost:8080/x", true),
            ("@[::1]:6379\n", true),
            ("@127.0.0.1/", true),
            ("@db\"", true),
            ("@cache}", true),
            ("@postgres:5432?x=y", true),
            ("@localhost.example.org", false),
            ("@localhost%2eexample.org/", false),
            ("@localhost:5432,db.example.org:5432/app", false),
            ("@localhost:80x", false),
            ("@prod-db/app", false),
            ("@db2", false),
            ("@db.example.org:5432", false),
            ("localhost", false),
            ("@", false),
            ("", false),
        ] {
            assert_eq!(is_local(behind.as_bytes()), expected, "{behind}");
        }
    }

    #[test]
    fn attack_a_long_port_does_not_hide_the_host_behind_it() {
        for (digits, expected) in [(5, true), (200, false)] {
            let behind = format!("@localhost:{}@example.org/", "0".repeat(digits));
            assert!(!is_local(behind.as_bytes()), "{digits}");
            assert_eq!(is_local(behind.trim_end_matches("@example.org/").as_bytes()), expected, "{digits}");
        }
    }

    #[test]
    fn attack_a_drawn_password_stays_one_when_it_is_the_user_as_well() {
        for (user, password, expected) in [
            ("shop_app", "shop_app", true),
            ("guest", "guest", true),
            ("my-app", "my-app", true),
            ("q7rk2zpl9wxc", "q7rk2zpl9wxc", false),
            ("qwkzplvxcmnbhgfdt", "qwkzplvxcmnbhgfdt", false),
            ("Guest", "Guest", false),
            ("guest", "guests", false),
        ] {
            assert_eq!(is_default_pair(user.as_bytes(), password.as_bytes()), expected, "{user}:{password}");
        }
    }
}
