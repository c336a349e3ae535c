//! Whose certificates are trusted: those of the system's store, and of the authorities that the user names.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

/// Certificates of authorities, trusted beside the system's.
#[derive(Debug, Clone, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

/// Why a text names no authorities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthoritiesError {
    /// Nothing that begins with `-----BEGIN CERTIFICATE-----`.
    #[error("holds no certificate; it must be PEM, which begins with -----BEGIN CERTIFICATE-----")]
    None,
    /// A certificate that cannot be read.
    #[error("holds a certificate that cannot be read; export it again as PEM")]
    Broken,
}

impl Authorities {
    /// Reads PEM, or the DER of one certificate.
    ///
    /// # Errors
    /// [`AuthoritiesError`].
    pub fn parse(bytes: &[u8]) -> Result<Self, AuthoritiesError> {
        let certificates: Vec<_> = if bytes.first() == Some(&0x30) {
            vec![CertificateDer::from(bytes.to_vec())]
        } else {
            let all: Result<_, _> = CertificateDer::pem_slice_iter(bytes).collect();
            all.map_err(|_| AuthoritiesError::Broken)?
        };
        if certificates.is_empty() {
            return Err(AuthoritiesError::None);
        }
        let mut store = RootCertStore::empty();
        certificates
            .iter()
            .try_for_each(|certificate| store.add(certificate.clone()))
            .map_err(|_| AuthoritiesError::Broken)?;
        Ok(Self(certificates))
    }
}

/// Who issued the last certificate that was not trusted.
#[derive(Debug, Clone, Default)]
pub(super) struct Distrusted(Arc<Mutex<Option<String>>>);

impl Distrusted {
    pub(super) fn issuer(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// No certificate is trusted at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NothingTrusted;

/// Trusts nobody: for http on this machine, which needs nobody's certificate.
pub(super) fn nobody() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// Trusts the system's store and these authorities.
pub(super) fn system_and(
    authorities: &Authorities,
    distrusted: &Distrusted,
) -> Result<ClientConfig, NothingTrusted> {
    let provider = CryptoProvider::get_default().ok_or(NothingTrusted)?;
    let inner = Verifier::new_with_extra_roots(authorities.0.iter().cloned(), Arc::clone(provider));
    let verifier =
        WatchfulVerifier { inner: inner.map_err(|_| NothingTrusted)?, distrusted: distrusted.clone() };
    Ok(ClientConfig::builder()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth())
}

/// The platform's verifier, which remembers whom it did not trust: its errors do not say it.
#[derive(Debug)]
struct WatchfulVerifier {
    inner: Verifier,
    distrusted: Distrusted,
}

impl ServerCertVerifier for WatchfulVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if verified.is_err() {
            let last = intermediates.last().unwrap_or(end_entity);
            *self.distrusted.0.lock().unwrap_or_else(PoisonError::into_inner) = issuer_of(last);
        }
        verified
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// The name of a certificate's issuer, or of its organization.
fn issuer_of(certificate: &CertificateDer<'_>) -> Option<String> {
    let certificate = webpki::EndEntityCert::try_from(certificate).ok()?;
    let name = certificate.issuer();
    const COMMON_NAME: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x03];
    const ORGANIZATION: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x0a];
    [COMMON_NAME, ORGANIZATION].iter().find_map(|kind| attribute(name, kind))
}

/// The text of an attribute of an X.501 name in DER: it stands behind the attribute's kind, as tag, length
/// and bytes. Names are for people here, so that a form which is not known is simply no name.
fn attribute(name: &[u8], kind: &[u8]) -> Option<String> {
    const UTF8: u8 = 0x0c;
    const PRINTABLE: u8 = 0x13;
    let at = name.windows(kind.len()).position(|window| window == kind)? + kind.len();
    let [UTF8 | PRINTABLE, length, text @ ..] = name.get(at..)? else { return None };
    // Longer ones have their length in several bytes.
    let text = text.get(..usize::from(*length)).filter(|_| *length < 0x80)?;
    String::from_utf8(text.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused() {
        assert_eq!(Authorities::parse(b"hello").unwrap_err(), AuthoritiesError::None);
        assert_eq!(Authorities::parse(b"").unwrap_err(), AuthoritiesError::None);
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert_eq!(Authorities::parse(broken.as_bytes()).unwrap_err(), AuthoritiesError::Broken);
        assert_eq!(Authorities::parse(b"\x30\x01\x02").unwrap_err(), AuthoritiesError::Broken);
    }

    #[test]
    fn the_name_of_an_issuer_is_found() {
        let name = b"\x31\x10\x30\x0e\x06\x03\x55\x04\x0a\x0c\x07Example\x31\x0b\x30\x09\x06\x03\x55\x04\x03\x13\x02CA";
        assert_eq!(attribute(name, &[6, 3, 0x55, 4, 3]).as_deref(), Some("CA"));
        assert_eq!(attribute(name, &[6, 3, 0x55, 4, 10]).as_deref(), Some("Example"));
        assert_eq!(attribute(name, &[6, 3, 0x55, 4, 6]), None);
        assert_eq!(attribute(b"\x06\x03\x55\x04\x03\x13\x09CA", &[6, 3, 0x55, 4, 3]), None);
    }
}
