//! Data that is floating point numbers: `.float 1.5`, `.double 1e-3`.

use abide_diag::{Diagnostic, Span};

use crate::codes;
use crate::lexer::Lexer;
use crate::object::input::{raw, split, uncommented};
use crate::object::unit::Unit;

impl Unit<'_> {
    /// Numbers of `size` bytes each, 4 or 8; `lexer` stands after the name of the directive.
    pub(super) fn reals(&mut self, text: &str, name: &Span, size: u8, lexer: &mut Lexer<'_>) {
        let (end, next) = raw(text.as_bytes(), name.end);
        lexer.at = next;
        let list = uncommented(&text[name.end..end]);
        for written in split(list.trim()) {
            let found = real(written, size);
            match found {
                Ok(_) if !self.has_bytes(name.clone()) => return,
                Ok(bits) => self.put(i128::from(bits), size),
                Err(wrong) => {
                    let (code, why) = match wrong {
                        Wrong::Spelling => (
                            &codes::EXPECTED,
                            match written {
                                "" => "expected a number, found nothing".to_owned(),
                                _ => format!("expected a number like `-1.5e3`, found `{written}`"),
                            },
                        ),
                        Wrong::Range => (
                            &codes::NUMBER_RANGE,
                            format!("{written} cannot be told from 0 or infinity in {size} bytes"),
                        ),
                    };
                    self.error(Diagnostic::error(code, why).at(name.start..end, ""));
                    return;
                }
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    Spelling,
    Range,
}

/// The bits of a number of 4 or 8 bytes (IEEE 754). Takes what LLVM's and GNU's assemblers both read: decimal
/// numbers, `inf`, `infinity`, `nan`; and GNU's prefixes `0f`, `0d` and their like.
fn real(written: &str, size: u8) -> Result<u64, Wrong> {
    let (is_negative, digits) = match written.as_bytes() {
        [b'-', ..] => (true, &written[1..]),
        [b'+', ..] => (false, &written[1..]),
        _ => (false, written),
    };
    let digits = match digits.as_bytes() {
        [b'0', letter, ..] if b"fdrsFDRS".contains(letter) => &digits[2..],
        _ => digits,
    };
    let is_named = ["nan", "inf", "infinity"].iter().any(|name| digits.eq_ignore_ascii_case(name));
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if !is_named && !is_number {
        return Err(Wrong::Spelling);
    }
    // Both assemblers set all bits of a NaN behind the sign.
    let is_nan = digits.eq_ignore_ascii_case("nan");
    // A number that is not 0 as it is written: a digit other than 0 before the exponent.
    let mantissa = digits.split(['e', 'E']).next().unwrap_or_default();
    let is_zero = !is_named && !mantissa.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    let (bits, sign, is_finite, became_zero) = if size == 4 {
        let number: f32 = digits.parse().map_err(|_| Wrong::Spelling)?;
        let bits = if is_nan { u32::MAX >> 1 } else { number.to_bits() };
        (u64::from(bits), 1 << 31, number.is_finite(), number == 0.0)
    } else {
        let number: f64 = digits.parse().map_err(|_| Wrong::Spelling)?;
        let bits = if is_nan { u64::MAX >> 1 } else { number.to_bits() };
        (bits, 1 << 63, number.is_finite(), number == 0.0)
    };
    if !is_named && (!is_finite || (became_zero && !is_zero)) {
        return Err(Wrong::Range);
    }
    Ok(if is_negative { bits | sign } else { bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_bits_that_both_assemblers_write() {
        // As llvm-mc 22 and bpf-as 2.40 encode them.
        for (written, size, bits) in [
            ("1.5", 4, 0x3fc0_0000),
            ("-2e3", 4, 0xc4fa_0000),
            ("inf", 4, 0x7f80_0000),
            ("nan", 4, 0x7fff_ffff),
            ("3", 4, 0x4040_0000),
            ("0f1.25", 4, 0x3fa0_0000),
            (".5", 8, 0x3fe0_0000_0000_0000),
            ("1.0e-3", 8, 0x3f50_624d_d2f1_a9fc),
            ("-0.0", 8, 1 << 63),
            ("Infinity", 8, 0x7ff0_0000_0000_0000),
        ] {
            assert_eq!(real(written, size), Ok(bits), "{written}");
        }
        for written in ["", "x", "1.5.2", "1e", "--1", "0x10", "1 2", "e5", "\u{e9}"] {
            assert_eq!(real(written, 8), Err(Wrong::Spelling), "{written}");
        }
        assert_eq!(real("1e999", 8), Err(Wrong::Range));
        assert_eq!(real("1e-60", 4), Err(Wrong::Range));
        assert_eq!(real("0e-60", 4), Ok(0));
    }
}
