//! Target, server name, certificate and address agree, or nothing goes.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::world::{Names, Scene, echo, refusal, server_tls};
use crate::http::port::{IncidentKind, Treat};

fn told(name: &str, answers: &[&[&str]]) -> Arc<Names> {
    let names = Names::default();
    let answers = answers
        .iter()
        .map(|one| one.iter().map(|address| address.parse::<IpAddr>().unwrap()).collect())
        .collect();
    names.0.lock().unwrap().insert(name.to_owned(), answers);
    Arc::new(names)
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused_unless_it_is_named() {
    for (answers, is_named, wanted) in [
        (&["127.0.0.1"][..], true, "200"),
        (&["127.0.0.1"], false, "403"),
        (&["10.0.0.1"], false, "403"),
        (&["169.254.169.254"], false, "403"),
        (&["169.254.169.254"], true, "403"),
        (&["::ffff:169.254.169.254"], true, "403"),
        (&["fe80::1"], true, "403"),
        (&["0.0.0.0"], true, "403"),
        // One bad address among good ones.
        (&["93.184.216.34", "10.0.0.1"], false, "403"),
    ] {
        let resolve = told("api.test", &[answers]);
        let scene = Scene::with(|world| world.names = is_named, |set| set.resolve = resolve).await;
        let port = echo(None).await;
        let url = format!("http://api.test:{port}/");
        let (_, out) = scene.curl(&["-w", "%{http_code}", &url]).await;
        assert!(out.ends_with(wanted), "{answers:?} {is_named} {out}");
        let kinds: &[IncidentKind] = if wanted == "200" { &[] } else { &[IncidentKind::AddressForbidden] };
        assert_eq!(scene.kinds(), kinds);
    }
}

/// Naming a public host says nothing of the machine that its owner lets it lead to.
#[tokio::test]
async fn attack_a_named_host_that_leads_near_is_refused_unless_the_address_is_named_too() {
    for (answers, near, wanted) in [
        (&["127.0.0.1"][..], &[][..], "403"),
        (&["127.0.0.1"], &["127.0.0.1"], "200"),
        (&["127.0.0.1"], &["10.0.0.1"], "403"),
        (&["127.0.0.1", "10.0.0.1"], &["127.0.0.1"], "403"),
        (&["::1"], &["127.0.0.1"], "403"),
        (&["169.254.169.254"], &["169.254.169.254"], "403"),
        (&["fe80::1"], &["fe80::1"], "403"),
    ] {
        let resolve = told("api.test", &[answers]);
        let near = near.iter().map(|address| address.parse().unwrap()).collect();
        let scene = Scene::with(|world| world.near = Some(near), |set| set.resolve = resolve).await;
        let port = echo(None).await;
        let (_, out) = scene.curl(&["-w", "%{http_code}", &format!("http://api.test:{port}/")]).await;
        assert!(out.ends_with(wanted), "{answers:?} {out}");
        let to = format!("https://api.test:{port}/");
        let (_, out) = scene.curl(&["-w", "%{http_code}", "-k", &to]).await;
        // A port that speaks no TLS is a host that failed; none is an address that was refused.
        assert!(out.ends_with(if wanted == "403" { "403" } else { "502" }), "{answers:?} {out}");
    }
}

/// A name whose owner lets it lead elsewhere later in the same run: into this machine, or to another one nearby.
#[tokio::test(start_paused = true)]
async fn attack_a_name_that_moves_near_during_a_run_is_refused() {
    use crate::http::Authority;
    use crate::http::resolve::Lookup;
    let to = Authority::parse("api.test:80", None).unwrap();
    for (first, then, is_reached) in [
        ("93.184.216.34", "127.0.0.1", false),
        ("93.184.216.34", "10.0.0.1", false),
        ("10.0.0.1", "10.0.0.2", false),
        ("10.0.0.1", "10.0.0.1", true),
        ("10.0.0.1", "93.184.216.34", true),
        ("93.184.216.34", "93.184.216.35", true),
    ] {
        let scene = Scene::new().await;
        let lookup = Lookup::new(told("api.test", &[&[first], &[then]]));
        assert!(lookup.verified(&to, &*scene.world).await.is_ok(), "{first}");
        tokio::time::advance(Duration::from_secs(60)).await;
        assert_eq!(lookup.verified(&to, &*scene.world).await.is_ok(), is_reached, "{first} {then}");
    }
}

#[tokio::test]
async fn a_name_that_moves_after_it_was_looked_at_gains_nothing() {
    // What is looked at is refused or connected to: an answer that comes later is not asked for.
    for (first, then) in [(&["127.0.0.1"][..], &["10.0.0.1"][..]), (&["10.0.0.1"], &["127.0.0.1"])] {
        let resolve = told("api.test", &[first, then]);
        let is_named = first == ["127.0.0.1"];
        let scene = Scene::with(
            |world| world.names = is_named,
            |set| {
                set.resolve = resolve;
                set.limits.silent_host = Duration::from_millis(500);
            },
        )
        .await;
        let port = echo(None).await;
        for _ in 0..2 {
            let (_, out) = scene.curl(&["-w", "%{http_code}", &format!("http://api.test:{port}/")]).await;
            assert!(out.ends_with(if is_named { "200" } else { "403" }), "{out}");
        }
    }
}

#[tokio::test]
async fn an_address_in_place_of_a_name_is_refused_unless_it_is_named() {
    for (host, is_named, wanted) in [
        ("127.0.0.1", true, "200"),
        ("127.0.0.1", false, "403"),
        ("[::ffff:127.0.0.1]", false, "403"),
        ("93.184.216.34", false, "403"),
        ("127.1", true, "400"),
        ("2130706433", true, "400"),
        ("0x7f000001", true, "400"),
    ] {
        let scene = Scene::with(|world| world.names = is_named, |_| {}).await;
        let port = echo(None).await;
        let head =
            format!("GET http://{host}:{port}/ HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        let out = scene.say(head.as_bytes()).await;
        assert!(out.starts_with(&format!("HTTP/1.1 {wanted} ")), "{host} {out}");
        let head = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n");
        let out = scene.say(head.as_bytes()).await;
        assert!(out.starts_with(&format!("HTTP/1.1 {wanted} ")), "{host} {out}");
    }
}

#[tokio::test]
async fn the_handshake_names_the_tunnels_host() {
    for treat in [Treat::Inspect, Treat::Pass(writ_model::Account::Foreign)] {
        let told = treat.clone();
        let scene = Scene::with(|world| world.treat = Box::new(move |_| told.clone()), |_| {}).await;
        let port = echo(Some(server_tls(&["api.test", "other.test"], &["http/1.1"]))).await;
        // The tunnel is to one host, the handshake says another.
        let to = format!("other.test:{port}:api.test:{port}");
        let (code, out) =
            scene.curl(&["-k", "--connect-to", &to, &format!("https://other.test:{port}/")]).await;
        assert_ne!(code, 0, "{out}");
        assert_eq!(scene.kinds(), [IncidentKind::HostMismatch]);
        // The tunnel and the handshake agree, the request says another.
        if treat == Treat::Inspect {
            let url = format!("https://api.test:{port}/");
            let (_, out) = scene.curl(&["-k", "-w", "%{http_code}", "-H", "Host: other.test", &url]).await;
            assert!(out.ends_with("421"), "{out}");
        }
    }
}

#[tokio::test]
async fn the_other_side_proves_who_it_is() {
    let scene = Scene::new().await;
    let port = echo(Some(server_tls(&["other.test"], &["http/1.1"]))).await;
    let (_, out) = scene.curl(&["-w", "%{http_code}", &format!("https://api.test:{port}/")]).await;
    assert!(out.contains("Writ: ") && out.ends_with("502"), "{out}");
    // An authority that nobody trusts.
    let scene = Scene::with(|_| {}, |set| set.extra_trust_pem = None).await;
    let port = echo(Some(server_tls(&["api.test"], &["http/1.1"]))).await;
    let (_, out) = scene.curl(&["-w", "%{http_code}", &format!("https://api.test:{port}/")]).await;
    assert!(out.ends_with("502"), "{out}");
}

#[tokio::test]
async fn a_tunnel_that_is_not_looked_into_is_end_to_end() {
    let mut scene =
        Scene::with(|world| world.treat = Box::new(|_| Treat::Pass(writ_model::Account::Foreign)), |_| {})
            .await;
    let port = echo(Some(server_tls(&["api.test"], &["http/1.1"]))).await;
    let url = format!("https://api.test:{port}/x");
    // The run's own authority is not what vouches for it.
    let (code, out) = scene.curl(&[&url]).await;
    assert_eq!(code, 60, "{out}");
    let _ = scene.ended().await;
    let (code, out) = scene.curl(&["-k", &url]).await;
    assert_eq!(code, 0, "{out}");
    let asked = scene.asked().pop().unwrap();
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("CONNECT", "/"));
    assert_eq!(asked.account, writ_model::Account::Foreign);
    let ended = scene.ended().await;
    // Who leaves first, and how, is up to the two.
    assert!(ended.status == Some(200) && ended.sent_bytes > 0 && ended.received_bytes > 0);
    // Without TLS there is nothing to decide by.
    let head =
        format!("CONNECT api.test:{port} HTTP/1.1\r\nHost: api.test:{port}\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    let out = scene.say(head.as_bytes()).await;
    assert_eq!(out.matches("HTTP/1.1").count(), 1, "{out}");
    // And a decision comes first.
    let scene = Scene::with(
        |world| {
            world.treat = Box::new(|_| Treat::Pass(writ_model::Account::Foreign));
            world.admits = Box::new(|_| Err(refusal("not this")));
        },
        |_| {},
    )
    .await;
    let head = format!("CONNECT api.test:{port} HTTP/1.1\r\nHost: api.test:{port}\r\n\r\n");
    let out = scene.say(head.as_bytes()).await;
    assert!(out.starts_with("HTTP/1.1 403") && out.ends_with("not this\n"), "{out}");
}
