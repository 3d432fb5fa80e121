//! Names by which a request says something beside its request line: another method, another path, whom it speaks for, and
//! where its credentials stand. Headers, parts of a query and fields of bodies are all read here, in one folding, so that
//! no door knows a name that another one lets pass.

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The value is a credential.
    Credential,
    /// Some servers act for whom the value names.
    Identity,
    /// Some servers take the value for the method.
    Method,
    /// Some servers take the value for the path.
    Path,
}

/// Words of a header's name by which some servers take its value for the method, as [`folded_name`] has them between its
/// joints: `X-HTTP-Method-Override`, `X-Original-Method`, `X-HTTP-Verb` and whatever else somebody makes up.
const METHOD_WORDS: &[&str] = &[
    "httpmethod",
    "httpmethodoverride",
    "httpverb",
    "httpverboverride",
    "method",
    "methodoverride",
    "verb",
    "verboverride",
];
/// Words beside these that tell of another thing than the request: how somebody pays, sends, signs or calls. `access` is of a
/// browser that asks what it may send (`Access-Control-Request-Method`, Fetch standard, section 3.2.2), `helper` of the libraries of
/// models' makers, which tell by which function they were called.
const OTHER_METHODS: &[&str] = &[
    "access",
    "auth",
    "authentication",
    "compression",
    "delivery",
    "encryption",
    "grpc",
    "helper",
    "mcp",
    "payment",
    "rpc",
    "shipping",
    "signature",
];
/// Headers by which some servers take another path.
const PATH_HEADERS: &[&str] = &[
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];
/// Beginning of the headers by which Kubernetes acts for somebody else.
const IDENTITY_START: &str = "impersonate-";
/// GitLab's header, and part of a query, for the same.
const SUDO: &str = "sudo";
/// Parts of a query, and fields of a form, by which some servers take another method.
const METHOD_FIELDS: &[&str] =
    &["$httpmethod", "-method", "httpmethod", "x-http-method", "x-http-method-override"];
/// The same as a member of JSON. `httpMethod` alone is data there: interfaces that set up interfaces have it.
const METHOD_MEMBERS: &[&str] = &["$httpmethod", "-method", "x-http-method", "x-http-method-override"];
/// Parts of any name of a header or a query by which a request could mean another method or path, where nothing unknown
/// may pass.
const HINTS: &[&str] =
    &["-method", "http-verb", "httpverb", "method-override", "httpmethod", "-original-url", "-rewrite-url"];

/// Headers that carry credentials. `Proxy-Authorization` is for the proxy and is never passed on.
const CREDENTIAL_HEADERS: &[&str] = &[
    "api-key",
    "apikey",
    "authorization",
    "circle-token",
    "cookie",
    "dd-api-key",
    "dd-application-key",
    "deploy-token",
    "fastly-key",
    "job-token",
    "ocp-apim-subscription-key",
    "private-token",
    "x-access-token",
    "x-amz-security-token",
    "x-api-key",
    "x-api-token",
    "x-auth-key",
    "x-auth-token",
    "x-consul-token",
    "x-figma-token",
    "x-functions-key",
    "x-github-token",
    "x-gitlab-token",
    "x-goog-api-key",
    "x-goog-iam-authorization-token",
    "x-honeycomb-team",
    "x-jfrog-art-api",
    "x-ms-authorization-auxiliary",
    "x-nuget-apikey",
    "x-redmine-api-key",
    "x-registry-auth",
    "x-rundeck-auth-token",
    "x-s3-session-token",
    "x-shopify-access-token",
    "x-tableau-auth",
    "x-token",
    "x-vault-token",
    "xi-api-key",
];
/// Ends of names of headers that carry credentials, whoever made them up.
const CREDENTIAL_ENDS: &[&str] = &[
    "-api-key",
    "-apikey",
    "-auth",
    "-authorization",
    "-credential",
    "-key",
    "-password",
    "-secret",
    "-token",
];
/// Headers that end like one that carries a credential, and carry none: what protects a form, what pages on, and what is told
/// apart by a key.
const NO_CREDENTIALS: &[&str] = &[
    "continuation-token",
    "csrf-token",
    "idempotency-key",
    "sec-websocket-key",
    "surrogate-key",
    "x-continuation-token",
    "x-csrf-token",
    "x-idempotency-key",
    "x-ms-continuation-token",
    "x-xsrf-token",
];
/// Parts of a query that carry credentials, beside those of [`CREDENTIAL_FIELDS`].
const CREDENTIAL_PARAMETERS: &[&str] = &[
    "access-token",
    "api-key",
    "api-token",
    "apikey",
    "auth",
    "auth-token",
    "awsaccesskeyid",
    "client-secret",
    "job-token",
    "key",
    "oauth-token",
    "password",
    "private-token",
    "refresh-token",
    "sig",
    "signature",
    "subscription-key",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-api-key",
    "x-goog-credential",
    "x-goog-signature",
];
/// Members of JSON and fields of forms that carry credentials, without their dashes.
const CREDENTIAL_FIELDS: &[&str] = &[
    "accesskey",
    "accesstoken",
    "apikey",
    "apitoken",
    "authkey",
    "authorization",
    "authtoken",
    "awssecretaccesskey",
    "bearertoken",
    "clientsecret",
    "oauthtoken",
    "passphrase",
    "passwd",
    "password",
    "personalaccesstoken",
    "privatekey",
    "privatetoken",
    "refreshtoken",
    "secret",
    "secretaccesskey",
    "secretkey",
    "sessiontoken",
    "subscriptionkey",
    "token",
    "xapikey",
];

// === impl Meaning ===

impl Meaning {
    /// What a header says by its name.
    #[must_use]
    pub fn of_header(name: &str) -> Option<Self> {
        let name = folded_name(name);
        let name = name.as_str();
        let is_credential = CREDENTIAL_HEADERS.binary_search(&name).is_ok()
            || (CREDENTIAL_ENDS.iter().any(|end| name.ends_with(end)) && !NO_CREDENTIALS.contains(&name));
        if is_method_header(name) {
            Some(Self::Method)
        } else if PATH_HEADERS.contains(&name) {
            Some(Self::Path)
        } else if name.starts_with(IDENTITY_START) || name == SUDO {
            Some(Self::Identity)
        } else {
            is_credential.then_some(Self::Credential)
        }
    }

    /// What a part of a query says by its name, decoded.
    #[must_use]
    pub fn of_parameter(name: &str) -> Option<Self> {
        let folded = folded_name(name);
        if METHOD_FIELDS.contains(&folded.as_str()) {
            Some(Self::Method)
        } else if folded == SUDO {
            Some(Self::Identity)
        } else if CREDENTIAL_PARAMETERS.binary_search(&folded.as_str()).is_ok() {
            Some(Self::Credential)
        } else {
            of_credential(&folded)
        }
    }

    /// What a field of a form, or of a form in parts, says by its name, decoded.
    #[must_use]
    pub fn of_field(name: &str) -> Option<Self> {
        let folded = folded_name(name);
        METHOD_FIELDS.contains(&folded.as_str()).then_some(Self::Method).or_else(|| of_credential(&folded))
    }

    /// What a member of JSON says by its name.
    #[must_use]
    pub fn of_member(name: &str) -> Option<Self> {
        let folded = folded_name(name);
        METHOD_MEMBERS.contains(&folded.as_str()).then_some(Self::Method).or_else(|| of_credential(&folded))
    }

    /// Whether the name of a header, or a query, could mean another method or path, for doors at which nothing unknown may
    /// pass: there a resemblance is enough.
    #[must_use]
    pub fn is_hinted(text: &str) -> bool {
        let text: String =
            text.chars().map(|c| if c.is_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
        HINTS.iter().any(|hint| text.contains(hint))
    }
}

/// Whether a folded name of a header speaks of the method of a request.
fn is_method_header(name: &str) -> bool {
    let says = |list: &[&str]| name.split('-').any(|word| list.contains(&word));
    says(METHOD_WORDS) && !says(OTHER_METHODS)
}

fn of_credential(folded: &str) -> Option<Meaning> {
    let bare: String = folded.chars().filter(|c| *c != '-').collect();
    CREDENTIAL_FIELDS.binary_search(&bare.as_str()).is_ok().then_some(Meaning::Credential)
}

/// A name as the most forgiving server has it, in small letters, with `-` for each joint.
///
/// Servers behind CGI's form of names (RFC 3875, section 4.1.18) do not tell `_` from `-`; PHP makes `_` of `.`, blanks and
/// an open `[`, takes what stands in brackets for the place in a list, and ends at a zero.
#[must_use]
pub fn folded_name(name: &str) -> String {
    let name = name.split('\0').next().unwrap_or_default().trim().to_ascii_lowercase();
    let base = match name.split_once('[') {
        Some((base, rest)) if !base.is_empty() && rest.contains(']') => base,
        Some(_) | None => name.as_str(),
    };
    let is_joint = |c: char| matches!(c, '-' | '_' | '.' | '[') || c.is_whitespace();
    base.chars().map(|c| if is_joint(c) { '-' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_in_order_and_folded() {
        let lists = [
            CREDENTIAL_HEADERS,
            CREDENTIAL_PARAMETERS,
            METHOD_WORDS,
            OTHER_METHODS,
            PATH_HEADERS,
            METHOD_FIELDS,
            METHOD_MEMBERS,
        ];
        for list in lists {
            assert!(list.is_sorted());
            assert!(list.iter().all(|name| folded_name(name) == **name), "{list:?}");
        }
        assert!(CREDENTIAL_FIELDS.is_sorted());
        assert!(!CREDENTIAL_FIELDS.iter().any(|name| name.contains('-')));
    }

    #[test]
    fn attack_a_header_is_known_however_servers_spell_it() {
        for (name, wanted) in [
            ("x-acme-api-key", Some(Meaning::Credential)),
            ("acme-token", Some(Meaning::Credential)),
            ("X-Upload-Authorization", Some(Meaning::Credential)),
            ("Private_Token", Some(Meaning::Credential)),
            ("x.api.key", Some(Meaning::Credential)),
            ("idempotency-key", None),
            ("x_csrf_token", None),
            ("sec-websocket-key", None),
            ("x-tokens", None),
            ("monkey", None),
            ("X_HTTP_Method.Override", Some(Meaning::Method)),
            ("x-rewrite-method", Some(Meaning::Method)),
            ("X-Http-Verb", Some(Meaning::Method)),
            ("X-Original-HTTP-Method", Some(Meaning::Method)),
            ("X-Method", Some(Meaning::Method)),
            ("X_HttpMethodOverride", Some(Meaning::Method)),
            ("X-HttpMethod", Some(Meaning::Method)),
            ("X-MethodOverride", Some(Meaning::Method)),
            ("X-Acme-Request-Verb", Some(Meaning::Method)),
            ("Access-Control-Request-Method", None),
            ("Mcp-Method", None),
            ("X-Stainless-Helper-Method", None),
            ("X-Payment-Method", None),
            ("x-methods", None),
            ("x-verbose", None),
            ("X_Original_URL", Some(Meaning::Path)),
            ("x-forwarded-prefix", Some(Meaning::Path)),
            ("x-forwarded-for", None),
            ("Impersonate-User", Some(Meaning::Identity)),
            ("impersonate_extra_scopes", Some(Meaning::Identity)),
            ("Sudo", Some(Meaning::Identity)),
            ("accept", None),
        ] {
            assert_eq!(Meaning::of_header(name), wanted, "{name}");
        }
    }

    #[test]
    fn attack_a_field_is_known_however_servers_spell_it() {
        let (method, credential) = (Some(Meaning::Method), Some(Meaning::Credential));
        for (name, in_query, in_form, in_json) in [
            ("_method", method, method, method),
            (".method", method, method, method),
            ("_method[]", method, method, method),
            ("_method\0x", method, method, method),
            ("$httpMethod", method, method, method),
            ("httpMethod", method, method, None),
            ("x_http_method_override", method, method, method),
            ("method", None, None, None),
            ("a_method", None, None, None),
            ("private_token[0]", credential, credential, credential),
            (" private token", credential, credential, credential),
            ("private[token", credential, credential, credential),
            ("Client-Secret", credential, credential, credential),
            ("key", credential, None, None),
            ("sig", credential, None, None),
            ("secret", credential, credential, credential),
            ("sudo", Some(Meaning::Identity), None, None),
            ("keys", None, None, None),
            ("page_token", None, None, None),
        ] {
            assert_eq!(Meaning::of_parameter(name), in_query, "query {name}");
            assert_eq!(Meaning::of_field(name), in_form, "form {name}");
            assert_eq!(Meaning::of_member(name), in_json, "json {name}");
        }
    }

    #[test]
    fn what_resembles_is_hinted() {
        for (text, wanted) in [
            ("x-http-method-override", true),
            ("$httpMethod=DELETE", true),
            ("a=b&_method[]=x", true),
            ("X_Original_URL", true),
            ("page=2&alt=sse", false),
        ] {
            assert_eq!(Meaning::is_hinted(text), wanted, "{text}");
        }
    }
}
