//! Ids that are not drawn but follow from something, so that who derives one twice has the same.

use jobs::JobId;

/// Begins with a time (UUIDv7, RFC 9562 §5.7).
pub(crate) const BY_TIME: u8 = 7;
/// Is what its maker likes (UUIDv8, §5.8).
pub(crate) const CUSTOM: u8 = 8;

/// The id of these bytes, but for the bits that say of which version and variant it is (§4).
pub(crate) fn id(mut bytes: [u8; 16], version: u8) -> JobId {
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    JobId::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_of_which_version_it_is_and_keeps_the_rest() {
        let text = |version| id([0xff; 16], version).to_string();
        assert_eq!(text(BY_TIME), "ffffffff-ffff-7fff-bfff-ffffffffffff");
        assert_eq!(text(CUSTOM), "ffffffff-ffff-8fff-bfff-ffffffffffff");
    }
}
