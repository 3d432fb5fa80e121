//! How programs inside learn of the proxy and of the run's authority.

/// Where programs look for the certificates that they trust, and what reads it.
pub const BUNDLE_VARIABLES: &[(&str, &str)] = &[
    ("AWS_CA_BUNDLE", "AWS command line and SDKs"),
    ("BUNDLE_SSL_CA_CERT", "Bundler"),
    ("CARGO_HTTP_CAINFO", "cargo"),
    ("CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE", "gcloud"),
    ("CODEX_CA_CERTIFICATE", "codex"),
    ("COMPOSER_CAFILE", "composer"),
    ("CURL_CA_BUNDLE", "curl"),
    ("DENO_CERT", "deno"),
    ("GIT_SSL_CAINFO", "git"),
    ("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", "gRPC"),
    ("HEX_CACERTS_PATH", "Hex"),
    ("HTTPLIB2_CA_CERTS", "httplib2"),
    ("JULIA_SSL_CA_ROOTS_PATH", "Julia"),
    ("NIX_SSL_CERT_FILE", "Nix"),
    ("NODE_EXTRA_CA_CERTS", "node, npm, and clients built on them; taken beside its own"),
    ("NPM_CONFIG_CAFILE", "npm"),
    ("PIP_CERT", "pip"),
    ("REQUESTS_CA_BUNDLE", "Python's requests"),
    ("SSL_CERT_FILE", "OpenSSL, Go, Ruby, Python's ssl, rustls, uv"),
    ("YARN_HTTPS_CA_FILE_PATH", "yarn"),
];

/// One file of everything that is trusted inside: the system's certificates and the run's own.
#[must_use]
pub fn bundle(system_pem: &str, ca_pem: &str) -> String {
    let mut all = String::with_capacity(system_pem.len() + ca_pem.len() + 2);
    for pem in [system_pem, ca_pem] {
        all.push_str(pem.trim_end());
        if !all.is_empty() {
            all.push('\n');
        }
    }
    all
}

/// The certificates that this machine trusts, as PEM.
#[must_use]
pub fn system_pem() -> String {
    use base64::Engine as _;
    let mut all = String::new();
    for certificate in rustls_native_certs::load_native_certs().certs {
        all.push_str("-----BEGIN CERTIFICATE-----\n");
        let encoded = base64::prelude::BASE64_STANDARD.encode(&certificate);
        for line in encoded.as_bytes().chunks(64) {
            all.push_str(&String::from_utf8_lossy(line));
            all.push('\n');
        }
        all.push_str("-----END CERTIFICATE-----\n");
    }
    all
}

/// Variables by which programs inside find the proxy at `proxy_url` and the bundle at `bundle_path`, both as they are
/// seen inside. Java reads no such file: it needs a store of its own, see [`super::java_store`], which
/// `java_store` names where there is one.
#[must_use]
pub fn variables(
    bundle_path: &str,
    proxy_url: &str,
    java_store: Option<&str>,
) -> Vec<(&'static str, String)> {
    let around = "localhost,127.0.0.1,::1";
    let mut all: Vec<(&str, String)> =
        BUNDLE_VARIABLES.iter().map(|(name, _)| (*name, bundle_path.to_owned())).collect();
    for name in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "all_proxy", "http_proxy", "https_proxy"] {
        all.push((name, proxy_url.to_owned()));
    }
    for name in ["NO_PROXY", "no_proxy"] {
        all.push((name, around.to_owned()));
    }
    // Since version 24 node's own fetch goes through a proxy when it is told to.
    all.push(("NODE_USE_ENV_PROXY", "1".to_owned()));
    let address = proxy_url.trim_start_matches("http://").trim_end_matches('/');
    if let Some((host, port)) = address.rsplit_once(':') {
        let mut options = format!(
            "-Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} \
             -Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]"
        );
        if let Some(store) = java_store {
            options.push_str(&format!(" -Djavax.net.ssl.trustStore={store}"));
        }
        all.push(("JAVA_TOOL_OPTIONS", options));
    }
    all.sort_unstable();
    all
}
