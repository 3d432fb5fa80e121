//! Writs: the signed, short-lived authority of one agent for one task. A JWT (RFC 7519) under ES256, and no other
//! algorithm whatever its header says.
//!
//! The signature alone is not enough: the caller also asks whether the writ is one that state knows, of the task's
//! present epoch, and not run out by the office's own time. The system clock that JWT libraries read is not used.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use aws_lc_rs::signature::KeyPair;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use writ_model::{AgentId, Digest, Task, TaskId, TaskKind, Timestamp, WritId};

use crate::api::message::WritToken;

/// Longest life of a writ. It is renewed while the task is open.
pub const MAX_WRIT_LIFE: Duration = Duration::from_secs(15 * 60);
/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 4 << 10;
/// Tokens whose signature is not checked again.
const MAX_KNOWN: usize = 4_096;
/// Whom a writ is shown to.
const AUDIENCE: &str = "writ-control";

/// Signs and checks writs. Whoever holds the key inside can speak for any task.
pub struct WritSigner {
    issuer: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
    /// The public point, uncompressed: 0x04, x, y.
    point: Vec<u8>,
    /// What tokens say whose signature was good, by their digest: a supervisor shows the same one with every call.
    /// Guarded for one look-up.
    known: Mutex<HashMap<Digest, Claims>>,
}

/// What a writ says. All fields are required, and there are no others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    pub iss: String,
    pub sub: AgentId,
    pub aud: String,
    pub jti: WritId,
    /// Seconds since the epoch, as in every JWT.
    pub iat: i64,
    pub nbf: i64,
    pub exp: i64,
    pub task: TaskId,
    pub kind: TaskKind,
    pub epoch: u64,
    /// Digest of the task as it was opened: what the writ is for, to the letter.
    pub scope: Digest,
}

/// The token is no writ, or no longer one.
#[derive(Debug, thiserror::Error)]
pub enum WritError {
    #[error("the key for writs is no P-256 key")]
    Key,
    #[error("could not sign the writ")]
    Sign(#[source] jsonwebtoken::errors::Error),
    #[error("could not write down the scope of the writ")]
    Scope(#[source] serde_json::Error),
    #[error("the token is longer than any writ")]
    TooLong,
    #[error("the token is not a writ of this control plane")]
    NotOurs(#[source] jsonwebtoken::errors::Error),
    #[error("the writ ran out")]
    Expired,
    #[error("the writ is not valid yet")]
    NotYet,
}

// === impl WritSigner ===

impl WritSigner {
    /// Takes a P-256 private key as PKCS#8.
    pub fn new(issuer: &str, pkcs8: &[u8]) -> Result<Self, WritError> {
        let signing = &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let pair =
            aws_lc_rs::signature::EcdsaKeyPair::from_pkcs8(signing, pkcs8).map_err(|_| WritError::Key)?;
        let point = pair.public_key().as_ref().to_vec();
        Ok(Self {
            issuer: issuer.to_owned(),
            encoding: EncodingKey::from_ec_der(pkcs8),
            decoding: DecodingKey::from_ec_der(&point),
            point,
            known: Mutex::default(),
        })
    }

    /// Issues a writ for a task. It ends after [`MAX_WRIT_LIFE`] or with the task's time, whichever is first.
    pub fn issue(&self, task: &Task, epoch: u64, writ: WritId, now: Timestamp) -> Result<Issued, WritError> {
        let ends = now.after(MAX_WRIT_LIFE).min(task.opened_at.after(task.limits.time()));
        // Whole seconds, rounded down: never longer than meant.
        let exp = ends.as_millis().div_euclid(1_000);
        let iat = now.as_millis().div_euclid(1_000);
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: task.agent,
            aud: AUDIENCE.to_owned(),
            jti: writ,
            iat,
            nbf: iat,
            exp,
            task: task.id,
            kind: task.kind,
            epoch,
            scope: scope(task)?,
        };
        let expires_at = Timestamp::from_millis(exp.saturating_mul(1_000));
        if expires_at <= now {
            return Err(WritError::Expired);
        }
        let token = jsonwebtoken::encode(&Header::new(Algorithm::ES256), &claims, &self.encoding)
            .map_err(WritError::Sign)?;
        let digest = sha256(token.as_bytes());
        Ok(Issued { token: WritToken(token), digest, expires_at })
    }

    /// Checks form, signature, issuer, audience and times. Whether state knows the writ is asked elsewhere.
    pub fn verify(&self, token: &WritToken, now: Timestamp) -> Result<Claims, WritError> {
        let token = token.expose();
        if token.len() > MAX_TOKEN_BYTES {
            return Err(WritError::TooLong);
        }
        let claims = self.signed(token)?;
        if Timestamp::from_millis(claims.exp.saturating_mul(1_000)) <= now {
            return Err(WritError::Expired);
        }
        if Timestamp::from_millis(claims.nbf.saturating_mul(1_000)) > now {
            return Err(WritError::NotYet);
        }
        Ok(claims)
    }

    /// What a token says, once its signature, issuer and audience are good.
    fn signed(&self, token: &str) -> Result<Claims, WritError> {
        let digest = sha256(token.as_bytes());
        if let Some(claims) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(claims.clone());
        }
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[&self.issuer]);
        validation.set_required_spec_claims(&["aud", "iss", "sub", "exp", "nbf"]);
        // By the office's time, elsewhere.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &validation)
            .map_err(WritError::NotOurs)?
            .claims;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_KNOWN {
            known.clear();
        }
        known.insert(digest, claims.clone());
        Ok(claims)
    }

    /// The public key as a JWK Set (RFC 7517), for whoever wants to check a writ.
    pub fn jwks(&self) -> serde_json::Value {
        use base64::Engine;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let (x, y) = self.point.get(1..).unwrap_or_default().split_at_checked(32).unwrap_or_default();
        serde_json::json!({"keys": [{
            "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256",
            "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y),
        }]})
    }
}

/// A fresh writ.
pub struct Issued {
    pub token: WritToken,
    /// SHA-256 of the token, for the record.
    pub digest: Digest,
    pub expires_at: Timestamp,
}

fn scope(task: &Task) -> Result<Digest, WritError> {
    serde_json_canonicalizer::to_vec(task).map(|bytes| sha256(&bytes)).map_err(WritError::Scope)
}

fn sha256(bytes: &[u8]) -> Digest {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    Digest::new(out)
}

#[cfg(test)]
mod tests;
