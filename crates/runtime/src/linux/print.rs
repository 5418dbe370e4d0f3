//! `bpf_trace_printk` in both definitions: until LINUX_5.9 what the format says, from there a line.

use std::fmt::Write;

use super::Raw;
use crate::Errno;
use crate::body::Call;
use crate::trap::Trap;

pub(super) const TABLE: &[(&str, Raw)] = &[
    ("bpf_trace_printk@LINUX_4.1", |call| print(call, "")),
    ("bpf_trace_printk@LINUX_5.7", |call| print(call, "")),
    ("bpf_trace_printk@LINUX_5.9", |call| print(call, "\n")),
];

/// The kernel's buffer for one message.
const TEXT_MAX: usize = 1023;

fn print(call: &mut Call<'_>, end: &str) -> Result<u64, Trap> {
    let [format, size, values @ ..] = call.args();
    let format = call.read(format, u64::from(size as u32))?;
    let Some(end_of_format) = format.iter().position(|byte| *byte == 0) else {
        return Ok(Errno::EINVAL.register());
    };
    let format = String::from_utf8_lossy(&format[..end_of_format]).into_owned();
    match text(call, &format, &values)? {
        Ok(mut text) => {
            let mut cut = text.len().min(TEXT_MAX);
            while !text.is_char_boundary(cut) {
                cut -= 1;
            }
            text.truncate(cut);
            let written = text.len() as u64;
            text.push_str(end);
            call.environment().services.print(&text);
            Ok(written)
        }
        Err(errno) => Ok(errno.register()),
    }
}

/// A conversion: flags, width, length, letter.
#[derive(Default)]
struct Conversion {
    left: bool,
    zeros: bool,
    plus: bool,
    alternate: bool,
    width: usize,
    bits: u32,
}

fn text(call: &Call<'_>, format: &str, values: &[u64]) -> Result<Result<String, Errno>, Trap> {
    let mut out = String::new();
    let mut values = values.iter().copied();
    let mut rest = format.chars().peekable();
    while let Some(character) = rest.next() {
        if character != '%' {
            out.push(character);
            continue;
        }
        if rest.next_if_eq(&'%').is_some() {
            out.push('%');
            continue;
        }
        let mut conversion = Conversion { bits: 32, ..Conversion::default() };
        while let Some(flag) = rest.next_if(|flag| "-0+ #".contains(*flag)) {
            match flag {
                '-' => conversion.left = true,
                '0' => conversion.zeros = true,
                '+' => conversion.plus = true,
                '#' => conversion.alternate = true,
                _ => {}
            }
        }
        while let Some(digit) = rest.next_if(char::is_ascii_digit) {
            let digit = digit.to_digit(10).unwrap_or(0) as usize;
            conversion.width = (conversion.width * 10 + digit).min(TEXT_MAX);
        }
        while rest.next_if_eq(&'l').is_some() {
            conversion.bits = 64;
        }
        let (Some(letter), Some(value)) = (rest.next(), values.next()) else {
            return Ok(Err(Errno::EINVAL));
        };
        let body = match letter {
            'd' | 'i' => {
                let value =
                    if conversion.bits == 32 { i64::from(value as i32) } else { value as i64 };
                if conversion.plus { format!("{value:+}") } else { value.to_string() }
            }
            'u' => conversion.cut(value).to_string(),
            'x' if conversion.alternate => format!("{:#x}", conversion.cut(value)),
            'x' => format!("{:x}", conversion.cut(value)),
            'X' => format!("{:X}", conversion.cut(value)),
            'c' => char::from(value as u8).to_string(),
            's' => string(call, value),
            'p' => {
                let mut kind = String::new();
                while let Some(next) = rest.next_if(char::is_ascii_alphanumeric) {
                    kind.push(next);
                }
                match pointer(call, value, &kind) {
                    Some(text) => text,
                    None => return Ok(Err(Errno::EINVAL)),
                }
            }
            _ => return Ok(Err(Errno::EINVAL)),
        };
        conversion.pad(&mut out, &body);
        if out.len() > TEXT_MAX {
            break;
        }
    }
    Ok(Ok(out))
}

impl Conversion {
    fn cut(&self, value: u64) -> u64 {
        if self.bits == 32 { u64::from(value as u32) } else { value }
    }

    fn pad(&self, out: &mut String, body: &str) {
        let width = self.width;
        // Writing to a string cannot fail.
        let _ = match (self.left, self.zeros) {
            (true, _) => write!(out, "{body:<width$}"),
            (false, true) => {
                let (sign, digits) = match body.strip_prefix('-') {
                    Some(digits) => ("-", digits),
                    None => ("", body),
                };
                let width = width.saturating_sub(sign.len());
                write!(out, "{sign}{digits:0>width$}")
            }
            (false, false) => write!(out, "{body:>width$}"),
        };
    }
}

/// What cannot be read prints as nothing, as in the kernel.
fn string(call: &Call<'_>, addr: u64) -> String {
    let mut bytes = Vec::new();
    let mut byte = [0];
    while bytes.len() < TEXT_MAX
        && call.read_into(addr.wrapping_add(bytes.len() as u64), &mut byte).is_ok()
        && byte[0] != 0
    {
        bytes.push(byte[0]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The letters after `%p`.
fn pointer(call: &Call<'_>, value: u64, kind: &str) -> Option<String> {
    match kind {
        "" | "K" | "x" | "B" | "s" | "S" => Some(format!("{value:016x}")),
        "ks" | "us" => Some(string(call, value)),
        "i4" | "I4" => {
            let mut bytes = [0; 4];
            let _ = call.read_into(value, &mut bytes);
            let [a, b, c, d] = bytes;
            Some(if kind == "i4" {
                format!("{a:03}.{b:03}.{c:03}.{d:03}")
            } else {
                format!("{a}.{b}.{c}.{d}")
            })
        }
        "i6" | "I6" => {
            let mut bytes = [0; 16];
            let _ = call.read_into(value, &mut bytes);
            let (pairs, _) = bytes.as_chunks::<2>();
            let words: Vec<String> =
                pairs.iter().map(|pair| format!("{:04x}", u16::from_be_bytes(*pair))).collect();
            Some(words.join(if kind == "i6" { "" } else { ":" }))
        }
        _ => None,
    }
}
