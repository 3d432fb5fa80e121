use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use writ_model::{Client, Human, Label, Limits, Supervision};

use super::*;

const NOW: Timestamp = Timestamp::from_millis(1_795_306_510_162);

fn pkcs8() -> Vec<u8> {
    let signing = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
    let random = aws_lc_rs::rand::SystemRandom::new();
    aws_lc_rs::signature::EcdsaKeyPair::generate_pkcs8(signing, &random).unwrap().as_ref().to_vec()
}

fn task() -> Task {
    Task {
        id: TaskId::new(NOW, [1; 10]),
        agent: AgentId::new(NOW, [2; 10]),
        client: Client::Codex,
        kind: TaskKind::Bugfix,
        requester: Human(Label::lossy("uid:1000")),
        intent: Digest::new([0; 32]),
        workspace: Digest::new([0; 32]),
        branch_prefix: Label::lossy("writ/bugfix/x"),
        environment: Label::lossy("local"),
        supervision: Supervision::Governed,
        limits: Limits::default(),
        bounds: None,
        opened_at: NOW,
    }
}

fn issued(signer: &WritSigner) -> Issued {
    signer.issue(&task(), 3, WritId::new(NOW, [3; 10]), NOW).unwrap()
}

#[test]
fn a_writ_says_what_it_is_for_and_ends_within_a_quarter_of_an_hour() {
    let signer = WritSigner::new("writ.test", &pkcs8()).unwrap();
    let issued = issued(&signer);
    let claims = signer.verify(&issued.token, NOW).unwrap();
    assert_eq!((claims.task, claims.sub, claims.epoch), (task().id, task().agent, 3));
    assert!(NOW.until(issued.expires_at) <= MAX_WRIT_LIFE);
    let last = Timestamp::from_millis(issued.expires_at.as_millis() - 1);
    assert!(signer.verify(&issued.token, last).is_ok());
    assert!(matches!(signer.verify(&issued.token, issued.expires_at), Err(WritError::Expired)));
    let before = Timestamp::from_millis(NOW.as_millis() - 5_000);
    assert!(matches!(signer.verify(&issued.token, before), Err(WritError::NotYet)));
}

#[test]
fn a_writ_never_outlives_its_task() {
    let signer = WritSigner::new("writ.test", &pkcs8()).unwrap();
    let short = Task { limits: Limits { seconds: 60, ..Limits::default() }, ..task() };
    let issued = signer.issue(&short, 1, WritId::new(NOW, [3; 10]), NOW).unwrap();
    assert!(NOW.until(issued.expires_at) <= Duration::from_secs(60));
    let late = NOW.after(Duration::from_secs(61));
    assert!(matches!(signer.issue(&short, 1, WritId::new(NOW, [4; 10]), late), Err(WritError::Expired)));
}

#[test]
fn forged_tokens_are_refused() {
    let signer = WritSigner::new("writ.test", &pkcs8()).unwrap();
    let good = issued(&signer).token.0;
    let claims = signer.verify(&WritToken(good.clone()), NOW).unwrap();
    let parts: Vec<&str> = good.split('.').collect();
    let part = |json: &str| URL_SAFE_NO_PAD.encode(json);
    let hs256 = |secret: &[u8]| {
        let key = EncodingKey::from_secret(secret);
        jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap()
    };
    let signed = |issuer: &str, key: &[u8], audience: &str| {
        let claims = Claims { iss: issuer.into(), aud: audience.into(), ..claims.clone() };
        jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &EncodingKey::from_ec_der(key)).unwrap()
    };
    let other_key = pkcs8();
    let cases = [
        ("empty", String::new()),
        ("no algorithm", format!("{}.{}.", part(r#"{"alg":"none","typ":"JWT"}"#), parts[1])),
        ("no algorithm, old signature", format!("{}.{}.{}", part(r#"{"alg":"none"}"#), parts[1], parts[2])),
        ("HS256 with the public key", hs256(&signer.point)),
        ("HS256 with the key without its marker", hs256(&signer.point[1..])),
        ("other key", signed("writ.test", &other_key, AUDIENCE)),
        ("no signature", format!("{}.{}.", parts[0], parts[1])),
        ("other claims", format!("{}.{}.{}", parts[0], part(r#"{"task":"x"}"#), parts[2])),
        ("too long", format!("{good}{}", "A".repeat(5_000))),
    ];
    for (what, token) in cases {
        assert!(signer.verify(&WritToken(token), NOW).is_err(), "{what}");
    }
    // The right key is not enough either: issuer and audience must be right too.
    let key = pkcs8();
    let signer = WritSigner::new("writ.test", &key).unwrap();
    assert!(signer.verify(&WritToken(signed("writ.test", &key, AUDIENCE)), NOW).is_ok());
    assert!(signer.verify(&WritToken(signed("writ.other", &key, AUDIENCE)), NOW).is_err());
    assert!(signer.verify(&WritToken(signed("writ.test", &key, "elsewhere")), NOW).is_err());
}

#[test]
fn the_published_key_checks_a_writ() {
    let signer = WritSigner::new("writ.test", &pkcs8()).unwrap();
    let jwks = signer.jwks();
    let (x, y) = (jwks["keys"][0]["x"].as_str().unwrap(), jwks["keys"][0]["y"].as_str().unwrap());
    let key = DecodingKey::from_ec_components(x, y).unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[AUDIENCE]);
    validation.validate_exp = false;
    assert!(jsonwebtoken::decode::<Claims>(&issued(&signer).token.0, &key, &validation).is_ok());
}
