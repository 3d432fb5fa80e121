//! The authority of one run: made in the supervisor, gone with it. Its key never leaves this file.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use writ_model::Timestamp;
use writ_policy::Zone;

/// Names and addresses of this machine.
const OWN_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
/// Hosts whose certificates are kept.
const MAX_KEPT: usize = 256;
/// How long certificates hold, in days. A run is shorter.
const DAYS: i64 = 7;

/// A day of the calendar.
#[derive(Clone, Copy)]
struct Date {
    year: i32,
    month: u8,
    day: u8,
}

/// The run's authority cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    #[error("a certificate cannot be made")]
    Certificate(#[from] rcgen::Error),
    #[error("the certificate cannot be served")]
    Serve(#[from] rustls::Error),
    #[error("the time is out of every calendar")]
    Time,
}

/// Says to clients inside that it is whoever they ask for.
pub(super) struct Identity {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
    /// One key for all leaves of the run: they end together.
    leaf: KeyPair,
    provider: Arc<CryptoProvider>,
    kept: Mutex<HashMap<Box<str>, Arc<ServerConfig>>>,
    span: (Date, Date),
}

// === impl Identity ===

impl Identity {
    pub(super) fn new(now: Timestamp, provider: Arc<CryptoProvider>) -> Result<Self, IdentityError> {
        let span = (date(now, -1)?, date(now, DAYS)?);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "Writ, for one run");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        lasting(&mut params, span);
        let key = KeyPair::generate()?;
        let pem = params.self_signed(&key)?.pem();
        let issuer = Issuer::new(params, key);
        Ok(Self { pem, issuer, leaf: KeyPair::generate()?, provider, kept: Mutex::default(), span })
    }

    /// The certificate of the authority.
    pub(super) fn pem(&self) -> &str {
        &self.pem
    }

    /// How to be this host towards a client. Both versions of HTTP are offered.
    pub(super) fn server(&self, host: &str) -> Result<Arc<ServerConfig>, IdentityError> {
        if let Some(config) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).get(host) {
            return Ok(Arc::clone(config));
        }
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        // Whoever reaches this machine may do so by any of its own names.
        let own = Zone::of(host) == Zone::Loopback;
        let names = [bare].into_iter().chain(OWN_NAMES.iter().copied().filter(|name| own && *name != bare));
        let mut params = CertificateParams::new(names.map(str::to_owned).collect::<Vec<_>>())?;
        // A common name holds 64 characters (RFC 5280, appendix A.1); the alternative name is the one that counts.
        params.distinguished_name.push(DnType::CommonName, bare.chars().take(64).collect::<String>());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        lasting(&mut params, self.span);
        let certificate = params.signed_by(&self.leaf, &self.issuer)?;
        let chain: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf.serialize_der()));
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(chain, key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let config = Arc::new(config);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MAX_KEPT {
            kept.clear();
        }
        kept.insert(host.into(), Arc::clone(&config));
        Ok(config)
    }
}

fn lasting(params: &mut CertificateParams, (from, until): (Date, Date)) {
    params.not_before = date_time_ymd(from.year, from.month, from.day);
    params.not_after = date_time_ymd(until.year, until.month, until.day);
}

fn date(now: Timestamp, days: i64) -> Result<Date, IdentityError> {
    let day = 24 * 60 * 60 * 1000;
    let at = jiff::Timestamp::from_millisecond(now.as_millis().saturating_add(days * day))
        .map_err(|_| IdentityError::Time)?;
    let date = jiff::tz::TimeZone::UTC.to_datetime(at).date();
    let part = |part: i8| u8::try_from(part).map_err(|_| IdentityError::Time);
    Ok(Date { year: date.year().into(), month: part(date.month())?, day: part(date.day())? })
}
