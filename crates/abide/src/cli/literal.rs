//! Keys and values as people write them: hex bytes, integers, addresses. Knows no map.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The bytes of a literal for `size` bytes of memory, or why there are none.
pub(crate) fn bytes(text: &str, size: usize) -> Result<Vec<u8>, String> {
    if let Some(digits) = hex_digits(text) {
        let bytes = hex(digits)?;
        if bytes.len() != size {
            return Err(format!("it has {} bytes, and {size} are wanted", bytes.len()));
        }
        return Ok(bytes);
    }
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return match size {
            4 => Ok(address.octets().to_vec()),
            16 => Ok(address.to_ipv6_mapped().octets().to_vec()),
            _ => Err(format!("an IPv4 address has 4 bytes (16 if mapped), and {size} are wanted")),
        };
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        if size == 16 {
            return Ok(address.octets().to_vec());
        }
        return Err(format!("an IPv6 address has 16 bytes, and {size} are wanted"));
    }
    let Some(number) = integer(text) else {
        return Err("it is no hex (0x…), no integer and no address".to_owned());
    };
    let number = number.ok_or_else(|| "it does not fit into 64 bits".to_owned())?;
    if !matches!(size, 1 | 2 | 4 | 8) {
        return Err(format!("{size} bytes cannot be written as one integer: write them in hex"));
    }
    let bits = size as u32 * 8;
    let (low, high) = (-(1_i128 << (bits - 1)), (1_i128 << bits) - 1);
    if number < low || number > high {
        return Err(format!("it does not fit into {size} bytes"));
    }
    let wide = number.to_ne_bytes();
    Ok(if cfg!(target_endian = "big") {
        wide[wide.len() - size..].to_vec()
    } else {
        wide[..size].to_vec()
    })
}

/// Bytes written in hex, with or without `0x`, with `:`, `_` or blanks between them.
pub(crate) fn hex(text: &str) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut half = None;
    for character in text.chars().filter(|c| !matches!(c, ':' | '_' | ' ' | '\n' | '\r' | '\t')) {
        let digit = character
            .to_digit(16)
            .ok_or_else(|| format!("`{}` is no hex digit", character.escape_default()))?;
        match half.take() {
            None => half = Some(digit),
            Some(high) => bytes.push((high << 4 | digit) as u8),
        }
    }
    match half {
        None => Ok(bytes),
        Some(_) => Err("it has an odd number of hex digits".to_owned()),
    }
}

/// What follows `0x`.
pub(crate) fn hex_digits(text: &str) -> Option<&str> {
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
}

/// A decimal integer: `None` if it is none, `Some(None)` if it is too long.
pub(crate) fn integer(text: &str) -> Option<Option<i128>> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let in_range = |number: &i128| (i128::from(i64::MIN)..=i128::from(u64::MAX)).contains(number);
    Some(text.parse().ok().filter(in_range))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn forms() {
        assert_eq!(bytes("0x0a4d", 2).unwrap(), [0x0a, 0x4d]);
        assert_eq!(bytes("443", 2).unwrap(), 443_u16.to_ne_bytes());
        assert_eq!(bytes("-1", 8).unwrap(), [0xff; 8]);
        assert_eq!(bytes("255", 1).unwrap(), [255]);
        assert_eq!(bytes("10.77.0.66", 4).unwrap(), [10, 77, 0, 66]);
        let mapped = bytes("10.77.0.66", 16).unwrap();
        assert_eq!(mapped, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 77, 0, 66]);
        assert_eq!(bytes("::1", 16).unwrap()[15], 1);
    }

    #[test]
    fn refusals() {
        for (text, size) in [
            ("256", 1),
            ("-129", 1),
            ("0x0a4d", 4),
            ("0xabc", 2),
            ("0xzz", 1),
            ("10.77.0.66", 8),
            ("::1", 4),
            ("18446744073709551616", 8),
            ("7", 16),
            ("seven", 4),
            ("", 4),
        ] {
            assert!(bytes(text, size).is_err(), "{text} in {size} bytes");
        }
    }

    proptest! {
        #[test]
        fn never_another_size(text in "\\PC{0,24}", size in 0..40_usize) {
            if let Ok(bytes) = bytes(&text, size) {
                prop_assert_eq!(bytes.len(), size);
            }
        }

        #[test]
        fn hex_round_trip(data in proptest::collection::vec(any::<u8>(), 0..32)) {
            let text: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assert_eq!(bytes(&format!("0x{text}"), data.len()).unwrap(), data);
        }
    }
}
