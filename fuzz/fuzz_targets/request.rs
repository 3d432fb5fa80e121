//! What a request asks for, from whatever leaves: must neither panic nor take long, and must say something.

#![no_main]

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use writ_model::{Account, Body, Request, Scheme};
use writ_policy::{Forge, KnownHosts, git_service};

#[path = "part/egress.rs"]
mod egress;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    method: &'a str,
    host: u8,
    path: &'a str,
    query: Option<&'a str>,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
    is_cut: bool,
}

const HOSTS: &[&str] = &[
    "api.github.com",
    "gitlab.com",
    "forge.example",
    "dev.azure.com",
    "api.bitbucket.org",
    "x-review.googlesource.com",
    "iam.amazonaws.com",
    "b.s3.eu-west-1.amazonaws.com",
    "run.googleapis.com",
    "management.azure.com",
    "v.vault.azure.net",
    "x.example",
];

fuzz_target!(|input: Input<'_>| {
    let host = HOSTS[usize::from(input.host) % HOSTS.len()];
    let body = input.body.to_vec();
    let request = Request {
        method: input.method.to_owned(),
        scheme: Scheme::Https,
        host: host.to_owned(),
        port: 443,
        path: format!("/{}", input.path),
        query: input.query.map(str::to_owned),
        headers: input
            .headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: if input.is_cut { Body::Start(body.into()) } else { Body::Whole(body.into()) },
        account: Account::Nobody,
    };
    let _ = git_service(&request);
    let known =
        KnownHosts { forges: vec![("forge.example".to_owned(), Forge::Gitea)], ..KnownHosts::default() };
    assert!(!egress::actions(request, &known).is_empty());
});
