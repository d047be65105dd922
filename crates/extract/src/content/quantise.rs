//! Numbers as single bytes: what the trees compare.

/// Says that there is nothing to measure.
pub(crate) const NONE: u8 = 255;

/// A count: exact below 16, then eight steps to each doubling.
pub(crate) fn log(count: u32) -> u8 {
    if count < 16 {
        return count as u8;
    }
    let exponent = count.ilog2();
    let step = (count >> (exponent - 3)) & 7;
    (16 + (exponent - 4) * 8 + step) as u8
}

/// A part of a whole in steps of 1/254; [`NONE`] of nothing.
pub(crate) fn share(part: u32, whole: u32) -> u8 {
    if whole == 0 {
        return NONE;
    }
    (u64::from(part.min(whole)) * 254 / u64::from(whole)) as u8
}

/// A number between 0 and 1 in steps of 1/254.
pub(crate) fn unit(value: f32) -> u8 {
    (value.clamp(0.0, 1.0) * 254.0) as u8
}

/// A small number as it is.
pub(crate) fn small(count: u32) -> u8 {
    count.min(254) as u8
}

/// The mean of `sum` over `count`, as [`log`]; [`NONE`] of nothing.
pub(crate) fn mean(sum: u32, count: u32) -> u8 {
    sum.checked_div(count).map_or(NONE, log)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_keep_their_order() {
        let mut before = 0;
        for count in (0..5_000).chain([100_000, 1 << 24, u32::MAX]) {
            let now = log(count);
            assert!(now >= before, "{count}");
            before = now;
        }
        assert!(before < NONE);
    }

    #[test]
    fn shares_span_the_byte() {
        assert_eq!(share(0, 7), 0);
        assert_eq!(share(7, 7), 254);
        assert_eq!(share(9, 7), 254);
        assert_eq!(share(1, 0), NONE);
        assert_eq!(unit(2.0), 254);
    }
}
