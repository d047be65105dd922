use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jobs::{JobId, Timestamp};
use sha2::Sha256;
use url::Url;

/// Makes and checks links to results that need no API key and expire.
///
/// A link is `{base}/v1/jobs/{id}/result?expires={seconds}&signature={signature}`: seconds since
/// the Unix epoch, and the base64url HMAC-SHA256 of `result`, the id and the seconds, with line
/// feeds between.
#[derive(Clone)]
pub struct Links {
    key: [u8; 32],
    base: Url,
}

impl std::fmt::Debug for Links {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

/// Why a link opens nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Denied {
    /// It was not made here, or not like this.
    Forged,
    /// It was good until then.
    Expired(Timestamp),
}

impl Links {
    /// Links under `base`, the address that receivers reach this server by, signed with `key`.
    pub const fn new(key: [u8; 32], base: Url) -> Self {
        Self { key, base }
    }

    /// The link to a job's result until `expires`, to the second.
    pub fn result(&self, id: JobId, expires: Timestamp) -> String {
        let base = self.base();
        let expires_s = expires.as_millis() / 1000;
        let signature = self.mac(id, expires_s).finalize().into_bytes();
        let signature = URL_SAFE_NO_PAD.encode(signature);
        format!("{base}/v1/jobs/{id}/result?expires={expires_s}&signature={signature}")
    }

    /// The address that receivers reach this server by, without a slash at its end.
    pub fn base(&self) -> String {
        let mut base = self.base.clone();
        base.set_query(None);
        base.set_fragment(None);
        base.as_str().trim_end_matches('/').to_owned()
    }

    /// Whether these parameters of a link open the job's result at `now`. Takes the same time
    /// wherever a signature is wrong.
    pub(crate) fn check(
        &self,
        id: JobId,
        expires: &str,
        signature: &str,
        now: Timestamp,
    ) -> Result<(), Denied> {
        let expires_s = seconds(expires).ok_or(Denied::Forged)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| Denied::Forged)?;
        self.mac(id, expires_s).verify_slice(&signature).map_err(|_| Denied::Forged)?;
        let expires = Timestamp::from_millis(expires_s.saturating_mul(1000));
        if now < expires { Ok(()) } else { Err(Denied::Expired(expires)) }
    }

    fn mac(&self, id: JobId, expires_s: u64) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).expect("any length will do");
        mac.update(format!("result\n{id}\n{expires_s}").as_bytes());
        mac
    }
}

/// Decimal digits only, and none too many: one moment has one spelling.
fn seconds(text: &str) -> Option<u64> {
    let canonical =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if canonical { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_795_341_600_999);

    fn links(key: u8, base: &str) -> Links {
        Links::new([key; 32], base.parse().unwrap())
    }

    /// The two parameters of a link.
    fn parts(link: &str) -> (String, String) {
        let url: Url = link.parse().unwrap();
        let pairs: Vec<_> = url.query_pairs().map(|(n, v)| (n.into(), v.into())).collect();
        let [(first, expires), (second, signature)] =
            <[(String, String); 2]>::try_from(pairs).unwrap();
        assert_eq!((first.as_str(), second.as_str()), ("expires", "signature"));
        (expires, signature)
    }

    #[test]
    fn a_link_is_as_it_is_written_down() {
        let id: JobId = "01a1f2c5-2a00-7000-8000-000000000000".parse().unwrap();
        for base in [
            "https://pages.example/in",
            "https://pages.example/in/",
            "https://pages.example/in?x=1#y",
        ] {
            let link = links(7, base).result(id, AT);
            let start = "https://pages.example/in/v1/jobs/01a1f2c5-2a00-7000-8000-000000000000/result?expires=1795341600&signature=";
            assert!(link.starts_with(start), "{link}");
        }
        let root = links(7, "https://pages.example").result(id, AT);
        assert!(root.starts_with("https://pages.example/v1/jobs/"), "{root}");
        let (_, signature) = parts(&root);
        // printf 'result\n01a1f2c5-2a00-7000-8000-000000000000\n1795341600' |
        //   openssl dgst -sha256 -mac hmac -macopt hexkey:07…07 -binary | base64
        assert_eq!(signature, "sBI7RD3Od6k9EsU7IG-h6LRAeka8vYX7lGRQJRIx22Y");
    }

    #[test]
    fn a_link_opens_one_result_until_its_time_and_nothing_else() {
        let (id, other) = (JobId::draw(), JobId::draw());
        let here = links(7, "https://pages.example");
        let (expires, signature) = parts(&here.result(id, AT));
        let end = Timestamp::from_millis(1_795_341_600_000);
        let before = Timestamp::from_millis(end.as_millis() - 1);
        assert_eq!(here.check(id, &expires, &signature, before), Ok(()));
        assert_eq!(here.check(id, &expires, &signature, end), Err(Denied::Expired(end)));
        let forged = Err(Denied::Forged);
        assert_eq!(here.check(other, &expires, &signature, before), forged);
        assert_eq!(
            links(8, "https://pages.example").check(id, &expires, &signature, before),
            forged
        );
        for expires in ["", "1795341601", "01795341600", "+1795341600", "99999999999999999999", "x"]
        {
            assert_eq!(here.check(id, expires, &signature, before), forged, "{expires}");
        }
        for cut in 0..signature.len() {
            assert_eq!(here.check(id, &expires, &signature[..cut], before), forged, "{cut}");
        }
        assert_eq!(here.check(id, &expires, &format!("{signature}A"), before), forged);
        assert!(!format!("{here:?}").contains('7'), "the key is not shown");
    }
}
