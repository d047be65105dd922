use bytes::Bytes;

use crate::{Bounds, Error, ErrorKind, Result};

/// Where a document is: its space and key.
pub(crate) type Place = (&'static str, String);

/// Refuses a document that is too long.
pub(crate) fn check((space, key): &Place, value: Option<&Bytes>) -> Result<()> {
    let most = Bounds::DOCUMENT_BYTES;
    let bytes = value.map_or(0, Bytes::len);
    if bytes <= most {
        return Ok(());
    }
    let what = format!("document `{key}` of `{space}` has {bytes} bytes, more than {most}");
    Err(Error::new(ErrorKind::Invalid, what))
}
