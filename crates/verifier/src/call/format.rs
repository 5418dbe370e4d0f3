//! Formats of strings, where the host reads them when a program is loaded: each specification has an
//! argument, and is one that the host knows. By the kernel's documentation of `bpf_snprintf`.

/// Letters after `%p` that stand for an address alone, and those that stand for a string.
const ADDRESSES: &[u8] = b"KxsSB";
const STRINGS: &[u8] = b"ku";

/// How many arguments a format takes; `None` if a specification in it is not known.
pub(super) fn arguments(format: &[u8]) -> Option<usize> {
    let text = format.split(|byte| *byte == 0).next()?;
    let plain = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace() || *byte == 0x0b;
    if !text.iter().all(plain) {
        return None;
    }
    let mut count = 0;
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| *byte == b'%') {
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(b"%") {
            rest = after;
            continue;
        }
        rest = specification(rest)?;
        count += 1;
    }
    Some(count)
}

/// What comes after one specification.
fn specification(text: &[u8]) -> Option<&[u8]> {
    let flags = text.iter().take_while(|byte| b"0+- ".contains(byte)).count();
    let text = &text[flags..];
    let width = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &text[width..] {
        [b'p', kind, rest @ ..] if ADDRESSES.contains(kind) => Some(rest),
        [b'p', kind, b's', rest @ ..] if STRINGS.contains(kind) => ends(rest),
        [b'p', b'i' | b'I', b'4' | b'6', rest @ ..] => Some(rest),
        [b'p' | b's', rest @ ..] => ends(rest),
        [b'c' | b'd' | b'i' | b'u' | b'x' | b'X', rest @ ..]
        | [b'l', b'd' | b'i' | b'u' | b'x' | b'X', rest @ ..]
        | [b'l', b'l', b'd' | b'i' | b'u' | b'x' | b'X', rest @ ..] => Some(rest),
        _ => None,
    }
}

/// No letter or digit may follow.
fn ends(rest: &[u8]) -> Option<&[u8]> {
    rest.first().is_none_or(|next| !next.is_ascii_alphanumeric()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::arguments;

    #[test]
    fn formats() {
        for (text, count) in [
            ("%d %s", Some(2)),
            ("100 %%", Some(0)),
            ("%-08lx|%llu", Some(2)),
            ("%pI4 %pi6 %ps %pks", Some(4)),
            ("%p, %p", Some(2)),
            ("%pz", None),
            ("%q", None),
            ("%sd", None),
            ("%", None),
            ("\u{1}", None),
            ("%d\0%q", Some(1)),
        ] {
            assert_eq!(arguments(text.as_bytes()), count, "{text}");
        }
    }
}
