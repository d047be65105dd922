use std::fmt;

use rustls::CertificateError;

/// What was wrong with a TLS handshake.
///
/// A fault of the certificate lasts until its owner does something; a failed handshake may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsFault {
    /// The certificate, or one above it, is no longer valid.
    Expired,
    /// The certificate, or one above it, is not valid yet.
    NotYetValid,
    /// The certificate is for other names.
    WrongName,
    /// Nobody who is trusted vouches for the certificate: an unknown or self-signed root, a wrong
    /// signature, a certificate for another purpose or one that cannot be read.
    Untrusted,
    /// The certificate was taken back. No revocation list is asked for, so this comes only from a
    /// caller's own configuration of the libraries below.
    Revoked,
    /// No handshake: no TLS at all, no version or cipher in common, an alert, a connection that
    /// was closed in the middle.
    Handshake,
}

impl TlsFault {
    /// A stable code, for programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Expired => "tls_expired",
            Self::NotYetValid => "tls_not_yet_valid",
            Self::WrongName => "tls_name",
            Self::Untrusted => "tls_untrusted",
            Self::Revoked => "tls_revoked",
            Self::Handshake => "tls_handshake",
        }
    }

    /// Whether it is the certificate's, and lasts.
    pub const fn is_lasting(self) -> bool {
        !matches!(self, Self::Handshake)
    }

    pub(crate) const fn of(error: &rustls::Error) -> Self {
        use CertificateError as Certificate;
        let rustls::Error::InvalidCertificate(certificate) = error else {
            return Self::Handshake;
        };
        match certificate {
            Certificate::Expired | Certificate::ExpiredContext { .. } => Self::Expired,
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => Self::NotYetValid,
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                Self::WrongName
            }
            Certificate::Revoked => Self::Revoked,
            _ => Self::Untrusted,
        }
    }
}

impl fmt::Display for TlsFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "the certificate has expired",
            Self::NotYetValid => "the certificate is not valid yet",
            Self::WrongName => "the certificate is for another name",
            Self::Untrusted => "the certificate is not from an authority that is trusted",
            Self::Revoked => "the certificate was revoked",
            Self::Handshake => "the TLS handshake failed",
        })
    }
}
