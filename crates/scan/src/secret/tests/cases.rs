//! Texts with and without secrets. Secrets are put together when the tests run, so that no file of the project has any:
//! `{a36}` stands for 36 letters and digits, `{h32}` for hexadecimal ones, `{u20}` for capitals and digits, `{d10}` for
//! digits, `{Q40}` for hexadecimal ones in capitals, `{b43}` for base64, `{l20}` for small letters and digits, `{id}` for a UUID, `{jwt}` for a token's two parts.

use super::found;

/// Texts with one secret, and the rule that finds it.
pub(super) const SECRETS: &[(&str, &str)] = &[
    ("GITHUB_TOKEN=ghp_{a36}", "github-token"),
    ("token: github_pat_{a22}_{a59}", "github-fine-grained-token"),
    ("git clone https://oauth2:glpat-{a20}@gitlab.example/a/b", "gitlab-token"),
    ("npm publish # npm_{a36}", "npm-token"),
    ("//registry.example/:_authToken=npm_{a36}", "npm-auth"),
    ("rubygems_{h48}", "rubygems-token"),
    ("docker login -u me -p dckr_pat_{a27}", "docker-token"),
    ("aws_access_key_id = AKIA{B16}", "aws-access-key"),
    ("aws_secret_access_key = {b40}", "aws-secret-key"),
    ("\"apiKey\": \"AIza{a35}\"", "gcp-api-key"),
    ("client_secret: GOCSPX-{a28}", "gcp-oauth-secret"),
    ("DefaultEndpointsProtocol=https;AccountName=x;AccountKey={b86}==;", "azure-storage-key"),
    ("dop_v1_{h64}", "digitalocean-token"),
    ("SUPABASE=sbp_{h40}", "supabase-token"),
    ("hvs.{a90}", "vault-token"),
    ("AGE-SECRET-KEY-1{B58}", "age-key"),
    ("xoxb-{d12}-{d12}-{a24}", "slack-token"),
    ("https://hooks.slack.com/services/T{u8}/B{u8}/{a24}", "slack-webhook"),
    ("https://discord.com/api/webhooks/{d18}/{a68}", "discord-webhook"),
    ("{d9}:AA{a33}", "telegram-token"),
    ("SG.{a22}.{a43}", "sendgrid-key"),
    ("sk_live_{a24}", "stripe-key"),
    ("whsec_{a32}", "stripe-webhook-secret"),
    ("shpat_{h32}", "shopify-token"),
    ("ANTHROPIC_API_KEY=sk-ant-api03-{a93}AA", "anthropic-key"),
    ("OPENAI_API_KEY=sk-proj-{a100}", "openai-key"),
    ("sk-or-v1-{h64}", "openrouter-key"),
    ("hf_{A34}", "huggingface-token"),
    ("gsk_{a52}", "groq-key"),
    ("r8_{a37}", "replicate-token"),
    ("nvapi-{a64}", "nvidia-key"),
    ("pplx-{a48}", "perplexity-key"),
    ("xai-{a80}", "xai-key"),
    ("lin_api_{a40}", "linear-key"),
    ("ntn_{a46}", "notion-token"),
    ("figd_{a40}", "figma-token"),
    ("glsa_{a32}_{h8}", "grafana-token"),
    ("phx_{a43}", "betterstack-posthog"),
    ("dp.pt.{a43}", "doppler-token"),
    ("tskey-auth-{a12}-{a32}", "tailscale-key-plain"),
    ("pul-{h40}", "pulumi-token"),
    ("PMAK-{h24}-{h34}", "postman-key"),
    ("{a14}.atlasv1.{a67}", "terraform-token"),
    ("postgres://app:{a16}@db.example:5432/app", "url-password"),
    ("redis://:{a20}@cache.example", "url-password"),
    ("Server=db;User Id=sa;Password={a14};", "ado-password"),
    ("Authorization: Bearer {jwt}.{a43}", "jwt"),
    ("Authorization: Bearer {a40}", "authorization-header"),
    ("curl -u admin:{a12} https://h.example", "command-line-password"),
    ("sshpass -p {a12} ssh h.example", "command-line-password"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\n{b70}\n{b70}\n-----END OPENSSH PRIVATE KEY-----", "private-key"),
    (
        "\"private_key\": \"-----BEGIN PRIVATE KEY-----\\n{b64}\\n{b64}\\n-----END PRIVATE KEY-----\\n\"",
        "private-key",
    ),
    ("[Interface]\nPrivateKey = {b43}=", "wireguard-key"),
    ("root:$6$rounds=5000${a12}${a86}:19000:0:99999", "crypt-hash"),
    ("password = \"{a12}\"", "assigned-password"),
    ("DB_PASSWORD='{a16}'", "assigned-password"),
    ("mysql_root_password: {a16}", "assigned-password"),
    ("machine h.example login me password {a20}", "netrc-password"),
    ("api_key = \"{a32}\"", "assigned-token"),
    ("\"clientSecret\": \"{a40}\",", "assigned-token"),
    ("export INTERNAL_SIGNING_KEY={h64}", "assigned-token"),
    ("<accessToken>{a40}</accessToken>", "assigned-token"),
    ("ACME_WIDGET_TOKEN={a32}", "assigned-token"),
    ("--auth-token {a40}", "assigned-token"),
    ("mailgun SECRET {h32}", "service-token"),
    ("zenrows-key-{h40}", "service-token"),
    ("kucoin_passphrase = {id}", "assigned-password"),
    // A name and its value in two fields.
    ("- name: LEDGER_TOKEN\n  value: {a14}7Q", "assigned-token"),
    ("\"name\": \"LEDGER_PASSWORD\", \"value\": \"{a12}\"", "assigned-password"),
    ("<key>LEDGER_API_KEY</key><string>{a20}</string>", "assigned-token"),
    ("<entry key=\"ledger.password\">4{a12}</entry>", "assigned-password"),
    // A constant with its type.
    ("const LEDGER_API_KEY: &str = \"{a32}\";", "assigned-token"),
    ("static LEDGER_API_KEY: &'static str = \"{a32}\";", "assigned-token"),
    // Not alone on its line.
    ("export LEDGER_PASSWORD=4{a12}", "assigned-password"),
    ("docker run -e LEDGER_PASSWORD=4{a12} ledger", "assigned-password"),
    ("user: svc, password: 4{a12}, host: db", "assigned-password"),
    ("user=svc pass=4{a12} host=db", "assigned-password"),
    ("<password>4{a12}</password>", "assigned-password"),
    ("https://open.feishu.cn/open-apis/bot/v2/hook/{id}", "feishu-webhook"),
    ("Unseal Key 1: {b43}=", "vault-unseal-key"),
    ("$s = ConvertTo-SecureString \"{a14}\" -AsPlainText -Force", "powershell-secure-string"),
    ("CREATE USER 'svc'@'%' IDENTIFIED BY '{a14}';", "sql-user-password"),
    ("requirepass {a20}", "redis-config-password"),
    ("keytool -list -storepass {a14} -keystore k.jks", "keystore-password"),
    ("define('AUTH_KEY',         '|+%Q&]>EL4[=gD^c `c>{a24}}g+Pu3)XuOW{a10}(-REn>;');", "wordpress-salt"),
    ("SECURE_AUTH_SALT='q7:Z{a24}(R;{a24}!#{a8}'", "wordpress-salt"),
    ("EMAIL_HOST_PASSWORD=\"{l4} {l4} {l4} {l4}\"", "app-password"),
    ("smtp_pass: {l4} {l4} {l4} {l4}", "app-password"),
    ("OCI_AUTH_TOKEN=\"Ex7h><{a14};f;\"", "oci-auth-token"),
    ("export SNOWSQL_PWD={a16}", "database-client-password"),
    ("net user svc_backup 4{a9}!9 /add", "windows-user-password"),
    ("algoliasearch('APPID12345', '{h32}') // admin", "algolia-admin-key"),
    // Words of people.
    ("The database password is {pw}", "assigned-password"),
    ("log in as bob with password {pw}", "assigned-password"),
    ("Use password {pw}", "assigned-password"),
    ("password \"{pw}\"", "assigned-password"),
    ("pw: {pw}", "short-password"),
    ("PW={pw}", "short-password"),
    ("credentials admin:{pw}", "credentials-pair"),
    ("creds: admin / {pw}", "credentials-pair"),
    ("contraseña: {pw}", "assigned-password"),
    ("пароль: {pw}", "assigned-password"),
    ("ENV DB_PASSWORD {pw}", "dockerfile-env-password"),
    ("setx API_KEY {a24}", "dockerfile-env-password"),
    ("requests.get(u, auth=(\"admin\", \"{pw}\"))", "basic-auth-call"),
    ("new NetworkCredential(\"u\",\"{pw}\")", "basic-auth-call"),
    ("mongo -u admin -p {pw}", "command-line-password"),
    ("ldapsearch -x -D cn=admin -w {pw}", "command-line-password"),
    ("unzip -P {pw} a.zip", "command-line-password"),
    ("openssl enc -aes-256-cbc -k {pw} -in x", "command-line-password"),
    ("smbclient //h/s -U bob%{pw}", "command-line-password"),
    ("echo \"root:{pw}\" | chpasswd", "shell-password"),
    ("echo root:{pw} | sudo chpasswd", "shell-password"),
    ("BORG_PASSPHRASE='four words 9'", "assigned-password"),
    ("RESTIC_PASSWORD=\"correct horse battery staple\"", "assigned-password"),
    ("password=\"@f4qt4qUx&\"", "assigned-password"),
    ("password=\"&j6cGvCi\"", "assigned-password"),
    ("SERVICE_TOKEN=baVZtIFylfptDUHE", "assigned-token"),
    // Names that are a secret's although they look like others.
    ("signing_key=\"{a32}\"", "assigned-token"),
    ("session_token={a40}", "assigned-token"),
    ("VERIFICATION_TOKEN={a24}", "assigned-token"),
    ("api_key={Q40}", "assigned-token"),
    ("amqp://guest:guest@mq.example.org/", "url-password"),
    // Shown on purpose, and told so.
    ("NEXT_PUBLIC_FIREBASE_API_KEY=AIza{a35}", "gcp-api-key-public"),
    ("mapboxgl.accessToken = 'pk.eyJ{a60}.{a22}'", "mapbox-public"),
    // Formats of more than letters.
    (
        "_|WARNING:-DO-NOT-SHARE-THIS.--Sharing-this-will-allow-someone-to-log-in-as-you.|_{u400}",
        "roblox-cookie",
    ),
    (
        "-----BEGIN OpenVPN Static key V1-----\n{h32}\n{h32}\n{h32}\n{h32}\n-----END OpenVPN Static key V1-----",
        "openvpn-static-key",
    ),
    ("client.login('MTA5ODc2NTQzMjEwOTg3NjU0.{a6}.{a38}')", "discord-bot-token"),
    ("url = https://hook.eu1.make.com/{l32}", "make-webhook"),
];

/// Texts in which nobody should see one.
const NONE: &[&str] = &[
    "def f(self, private_key: ed25519.Ed25519PrivateKey, x):",
    "    private_key: x25519.X25519PrivateKey | None = None",
    "public_key, private_key: crypto.Ed25519Key)",
    "fn f(secret_key: Ed25519SecretKeyV2) -> x",
    "let raw_private_key: Curve25519SeedBin<'_> = x;",
    "__m512i const data_key = _mm512_xor_si512 (a, b);",
    "{ \"pbeWithSHA1And3-KeyTripleDES\", \"PBESv1 using SHA1 and 3-Key TripleDES\" }",
    "Win32_System_PasswordManagement = [\"Win32_System\"]",
    "password = \"${DB_PASSWORD}\"",
    "password: {{ vault_password }}",
    "token = os.environ[\"GITHUB_TOKEN\"]",
    "token: ${{ secrets.GITHUB_TOKEN }}",
    "const apiKey = process.env.API_KEY;",
    "api_key = get_api_key(account)",
    "OPENAI_API_KEY=your_openai_api_key_here",
    "OPENAI_API_KEY=",
    "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "max_tokens: 4096,",
    "define('AUTH_KEY', 'put your unique phrase here');",
    "define('AUTH_KEY', getenv('AUTH_KEY') ?: 'the key of this site is set by the environment of its server');",
    "password: this word must have four",
    "\"password\": \"that will only work here\"",
    "password = with more than four",
    "OCI_AUTH_TOKEN=\"${OCI_TOKEN_FROM_VAULT_2}\"",
    "OCI_AUTH_TOKEN=\"<Your-Auth-Token-1>\"",
    "export MYSQL_PWD=$(cat /run/secrets/mysql)",
    "MYSQL_PWD=\"$MYSQL_ROOT_PASSWORD\" mysql",
    "net user svc_backup * /add",
    "net user svc_backup %PASSWORD% /add",
    "net user alice /delete",
    "algoliasearch('APPID12345', '{h32}') // search only",
    "wallet 5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK",
    "\"token_type\": \"Bearer\"",
    "tokenizer = \"cl100k_base_v2_2024_01\"",
    "primary_key = \"{h32}\"",
    "public_key = \"{h64}\"",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI{b43} me@host",
    "-----BEGIN PUBLIC KEY-----\n{b64}\n-----END PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----\n{b64}\n-----END CERTIFICATE-----",
    "-----BEGIN RSA PRIVATE KEY-----\n...\n-----END RSA PRIVATE KEY-----",
    "\"integrity\": \"sha512-{b86}==\"",
    "checksum = \"{h64}\"",
    "hash = \"sha256:{h64}\"",
    "github.com/a/b v1.2.3 h1:{b43}=",
    "uses: actions/checkout@{h40} # v4",
    "FROM alpine@sha256:{h64}",
    "\"id\": \"{id}\"",
    "commit {h40}",
    "https://github.com/acme/widget/blob/{h40}/src/lib.rs",
    "data:image/png;base64,{b400}",
    "<input type=\"password\" name=\"password\" placeholder=\"Password\">",
    "Please enter your password: ",
    "password: String,",
    "def login(user, password=None):",
    "if password == other.password:",
    "key: value",
    "{ key: 'ArrowDown', label: 'Next' }",
    "keyboard_layout = \"dvorak-programmer-2\"",
    "secretName: my-app-secret",
    "secretKeyRef: { name: db-credentials, key: password }",
    "aws_secret_access_key = <your secret key>",
    "Authorization: Bearer $TOKEN",
    "Authorization: Bearer <token>",
    "curl -u \"$USER:$PASS\" https://h.example",
    "curl -u user:password https://h.example",
    "http://user:pass@",
    "https://user:${PASSWORD}@h.example/",
    "postgres://user:{{password}}@localhost/db",
    "docker run -p 8080:80 redis",
    "author = \"A. Person <a.person@example.org>\"",
    "monkey = \"{h8}\"",
    "EVP_PKEY_ED25519, ED25519_PRIVATE_KEY_SEED_LEN",
    "KeySize::Rsa2048",
    "mailgun is a service that sends mail",
    "see https://docs.stripe.com/keys for keys",
    // The working folder.
    "PWD=/home/dev/project-2",
    "OLDPWD=/srv/app9/x",
    "join(pwd, './data/run-17.csv')",
    "pwd.getpwnam('nobody1')",
    // Versions, models, and ids beside the name of a service.
    "GRAFANA_VERSION=11.2.0-74515",
    "OPENAI_MODEL=gpt-4o-2024-08-06",
    "image: grafana/grafana:10.4.2-ubuntu",
    "AUTH0_CLIENT_ID={a32}",
    "TWILIO_ACCOUNT_SID=AC{h32}",
    "RECAPTCHA_SITE_KEY=6L{a38}",
    "\"AWS::Bedrock::Prompt\": \"{h16}\"",
    "\"AWS::SecretsManager::Secret\": \"{h16}\"",
    "\"path\": \".claude/projects/demo/{id}.jsonl\"",
    "host = bedrock.us-iso-east-1.c2s.ic.gov",
    // What all may know, and what all do know.
    "PublicKeyToken=b77a5c561934e089",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "NEXT_PUBLIC_STRIPE_PUBLISHABLE_KEY=pk_live_{a24}",
    "Authorization: Basic dXNlcm5hbWU6cGFzc3dvcmQ=",
    "https://user:pass@example.com/",
    // Code about secrets.
    "if pem.startsWith(\"-----BEGIN PRIVATE KEY-----\") { return parsePrivateKeyFromText(pem) }",
    "password.encode('utf-8')",
    "'not', 'or', 'pass', 'public', 'print'",
    "self.proxy_password = self._options[\"proxy_password_of_user\"]",
    "{\"name\": \"SESSION_TOKEN\", \"value\": {\"from\": \"vault\"}}",
    // Places in lists, what forms bring back, and keys of maps.
    "nextPageToken: \"{a40}\"",
    "?pageToken={a32}&x=1",
    "page_token={a40}",
    "ContinuationToken={a44}",
    "syncToken: \"{a24}=\"",
    "cursor_token: {a30}",
    "$skiptoken={a40}",
    "deviceToken: \"{h64}\"",
    "csrf_token: \"{a43}\"",
    "csrfmiddlewaretoken={a64}",
    "dedupe_key=\"{a32}\"",
    "fingerprint_key: {h32}",
    "jobKey={a20}",
    "build_key={a24}",
    "FIGMA_FILE_KEY={a22}",
    "verification_key: \"{a43}=\"",
    "vapidKey: \"B{a86}\"",
    "applicationServerKey: \"B{a86}\"",
    "hcaptcha.render(el, {sitekey: \"{id}\"})",
    // Addresses and fingerprints.
    "token: 0x{h40}",
    "gpg --recv-keys {Q40}",
    "--signing-key {Q40}",
    "git config user.signingkey {Q16}",
    "host key SHA256:{a43}",
    // What is published.
    "AccountEndpoint=https://localhost:8081/;AccountKey=C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw==",
    "SUPABASE_ANON_KEY=eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJyb2xlIjoiYW5vbiIsImlzcyI6InN1cGFiYXNlIn0.{a43}",
    "amqp://guest:guest@localhost:5672/",
    "postgres://postgres:postgres@localhost:5432/app",
    "redis://default:default@redis:6379",
    "GITHUB_TOKEN=ghp_0123456789abcdefghijklmnopqrstuvwxyz",
    "posthog.init(\"phc_{a43}\")",
    "STRIPE_PUBLISHABLE_KEY=pk_live_{a24}",
    // Sentences about passwords, and code.
    "The password is required to log in",
    "Use password authentication instead of keys",
    "password hashing uses PBKDF2WithHmacSHA256",
    "password is OAuth2Token, or MyClass1.Field2",
    "pw = getpass()",
    "\"pw\": null",
    "credentials admin: see the vault",
    "auth=(\"user\", \"pass\")",
    "new NetworkCredential(user, password)",
    "ENV DB_PASSWORD $DB_PASSWORD",
    "ENV GPG_KEY {Q40}",
    "mongo -u admin -p $PW",
    "ldapsearch -x -W -D cn=admin",
    "unzip -P \"$PW\" a.zip",
    "openssl enc -k \"$KEY\" -in a",
    "echo \"root:$PW\" | chpasswd",
    "PASSPHRASE='Enter your passphrase'",
    "contraseña: string",
    "password=\"@string/password_1\"",
    "password=\"@Password1\"",
    "password: \"%PASSWORD%\"",
    "SERVICE_TOKEN=getServiceTokenFromVault",
];

/// A text with its pieces put in. The same text gives the same pieces.
pub(super) fn built(text: &str) -> String {
    let mut out = String::new();
    let mut state = text.bytes().fold(0x9E37_79B9_7F4A_7C15_u64, |state, byte| {
        (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    let mut draw = |set: &[u8], length: usize| -> String {
        let one = |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            set[((state >> 33) % set.len() as u64) as usize] as char
        };
        (0..length).map(one).collect()
    };
    const HEX: &[u8] = b"0123456789abcdef";
    const ALL: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    let mut rest = text;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        let close = after.find('}').unwrap_or(after.len() - 1);
        let (piece, later) = after.split_at(close + 1);
        let name = &piece[1..piece.len() - 1];
        let number = name.get(1..).and_then(|number| number.parse().ok());
        match (name, name.as_bytes().first(), number) {
            // A password as people choose it.
            ("pw", _, _) => out.push_str("Kq7vbn2Lm9x"),
            ("id", _, _) => {
                let parts: Vec<String> = [8, 4, 4, 4, 12].map(|length| draw(HEX, length)).into();
                out.push_str(&parts.join("-"));
            }
            ("jwt", _, _) => {
                use base64::Engine as _;
                let url = base64::engine::general_purpose::URL_SAFE_NO_PAD;
                let subject = draw(HEX, 12);
                out.push_str(&url.encode(r#"{"alg":"ES256","typ":"JWT"}"#));
                out.push('.');
                out.push_str(&url.encode(format!(r#"{{"sub":"{subject}"}}"#)));
            }
            (_, Some(b'a'), Some(length)) => out.push_str(&draw(ALL, length)),
            (_, Some(b'A'), Some(length)) => out.push_str(&draw(&ALL[..52], length)),
            (_, Some(b'B'), Some(length)) => {
                out.push_str(&draw(b"QPZRY9X8GF2TVDWS3JN54KHCE6MUA7L", length).replace(['9', '8'], "7"))
            }
            (_, Some(b'b'), Some(length)) => out
                .push_str(&draw(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", length)),
            (_, Some(b'h'), Some(length)) => out.push_str(&draw(HEX, length)),
            (_, Some(b'Q'), Some(length)) => out.push_str(&draw(HEX, length).to_ascii_uppercase()),
            (_, Some(b'l'), Some(length)) => out.push_str(&draw(b"bcdfghjklmnpqrstvwxz123456789", length)),
            (_, Some(b'u'), Some(length)) => {
                out.push_str(&draw(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length))
            }
            (_, Some(b'd'), Some(length)) => out.push_str(&draw(b"123456789", length)),
            _ => out.push_str(piece),
        }
        rest = later;
    }
    out.push_str(rest);
    out
}

#[test]
fn secrets_are_found_by_their_rule_alone() {
    let mut wrong = Vec::new();
    for (text, rule) in SECRETS {
        let built = built(text);
        // In a diff, in JSON and in a log the same is found.
        for around in
            [("", ""), ("+", "\n"), ("2026-01-01T00:00:00Z INFO x[1]: ", "\n"), ("x = 1\n", "\ny = 2\n")]
        {
            let text = format!("{}{built}{}", around.0, around.1);
            let rules: Vec<_> = found(&text).into_iter().map(|(rule, _)| rule).collect();
            if rules != [*rule] {
                wrong.push(format!("{text:?}: {rule}, not {rules:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hard_negatives_are_left_alone() {
    let wrong: Vec<_> = NONE
        .iter()
        .map(|text| built(text))
        .filter_map(|text| (!found(&text).is_empty()).then(|| format!("{text:?}: {:?}", found(&text))))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_value_alone_is_the_finding() {
    for (text, value) in [
        ("x = 1\npassword = \"c0rrect-h0rse\"\n", "c0rrect-h0rse"),
        ("{\"password\": \"c0rrect-h0rse\"}", "c0rrect-h0rse"),
        ("{\"m\": \"password = \\\"c0rrect-h0rse\\\"\"}", "c0rrect-h0rse"),
        ("postgres://app:c0rrect-h0rse@db.example/app", "c0rrect-h0rse"),
        ("curl -u me:c0rrect-h0rse https://h.example", "c0rrect-h0rse"),
        ("--password c0rrect-h0rse --user me", "c0rrect-h0rse"),
        ("password: c0rrect&h0rse%$9\n", "c0rrect&h0rse%$9"),
        ("https://h.example/?password=c0rrect-h0rse&user=me", "c0rrect-h0rse"),
        ("SENTRY_DB_PASSWORD=c0rrect-h0rse\n", "c0rrect-h0rse"),
    ] {
        let found: Vec<_> = found(text).into_iter().map(|(_, value)| value).collect();
        assert_eq!(found, [value], "{text}");
    }
}
