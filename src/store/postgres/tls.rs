//! TLS for connections over a network.
//!
//! SECURITY: unless `sslmode` says otherwise, the server's certificate must be of a known authority and for the name that was
//! asked for. libpq's own default, `prefer`, is one that anybody in between can turn off.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};

use super::address::Protection;
use super::server::Server;
use crate::domain::SafePath;
use crate::error::{Error, Kind, Result};

/// What a connection to this server is protected by.
pub(super) fn configuration(server: &Server) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let broken = |error: rustls::Error| Error::new(Kind::Io, "TLS cannot be used").because(error);
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(broken)?;
    let lax = |verifier| {
        let verifier = Arc::new(Lax { provider: Arc::clone(&provider), verifier });
        ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map(|builder| builder.dangerous().with_custom_certificate_verifier(verifier))
            .map_err(broken)
    };
    let configuration = match server.protection {
        Protection::Full => builder.with_root_certificates(roots(server)?),
        Protection::Authority => {
            let roots = Arc::new(roots(server)?);
            let verifier =
                WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&provider)).build();
            let verifier = verifier
                .map_err(|error| Error::new(Kind::Io, "TLS cannot be used").because(error))?;
            return lax(Some(verifier)).map(|lax| lax.with_no_client_auth());
        }
        Protection::Unverified | Protection::Preferred | Protection::Plain => {
            return lax(None).map(|lax| lax.with_no_client_auth());
        }
    };
    Ok(configuration.with_no_client_auth())
}

/// The certificates of the authorities that a server's may be of.
fn roots(server: &Server) -> Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let Some(file) = &server.roots else {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::usage(format!("no certificates can be read from \"{}\": {error}", SafePath(file)))
    };
    let text = std::fs::read(file).map_err(|error| unreadable(&error))?;
    for certificate in CertificateDer::pem_slice_iter(&text) {
        let certificate = certificate.map_err(|error| unreadable(&error))?;
        roots.add(certificate).map_err(|error| unreadable(&error))?;
    }
    if roots.is_empty() {
        return Err(unreadable(&"there are none"));
    }
    Ok(roots)
}

/// Takes a certificate for any name, or any certificate at all, as an explicit `sslmode` asks.
#[derive(Debug)]
struct Lax {
    provider: Arc<CryptoProvider>,
    /// What looks whose it is.
    verifier: Option<Arc<WebPkiServerVerifier>>,
}

impl ServerCertVerifier for Lax {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(verifier) = &self.verifier else {
            return Ok(ServerCertVerified::assertion());
        };
        match verifier.verify_server_cert(certificate, intermediates, name, response, now) {
            // The chain was looked at before the name.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
