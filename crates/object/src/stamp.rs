//! The section `.bpf.api`: which versions of which APIs an object was built against.
//!
//! Knows how a stamp is written, not which APIs and nodes there are.

use crate::error::{ObjectError, Place, Problem};
use crate::model::Stamp;

/// The section.
pub(crate) const SECTION: &str = ".bpf.api";

/// Adds the NUL-terminated strings of one section. Each stamp is kept once; empty strings are what
/// linkers leave between the parts of several objects. (A variable with the attribute `retain` gets a
/// section of its own, so that there may be several.)
pub(crate) fn read(bytes: &[u8], stamps: &mut Vec<Stamp>) -> Result<(), ObjectError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(end) = rest.iter().position(|byte| *byte == 0) else {
            return Err(malformed(rest, "no NUL byte follows it"));
        };
        let (text, after) = (&rest[..end], &rest[end + 1..]);
        rest = after;
        if text.is_empty() {
            continue;
        }
        let stamp = stamp(text)?;
        if !stamps.contains(&stamp) {
            // Enough for any object that was really linked, and a bound for searching in them.
            if stamps.len() == 64 {
                return Err(malformed(text, "there are more than 64 others"));
            }
            stamps.push(stamp);
        }
    }
    Ok(())
}

fn stamp(bytes: &[u8]) -> Result<Stamp, ObjectError> {
    if bytes.len() > 256 {
        return Err(malformed(bytes, "it is longer than 256 bytes"));
    }
    let is_word = |text: &str| {
        !text.is_empty()
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-'))
    };
    match std::str::from_utf8(bytes).ok().and_then(|text| text.split_once('@')) {
        None => Err(malformed(bytes, "there is no `@` in it")),
        Some((api, _)) if !is_word(api) => Err(malformed(bytes, "the API's name is not a name")),
        Some((_, node)) if !is_word(node) => Err(malformed(bytes, "the node's name is not a name")),
        Some((api, node)) => Ok(Stamp { api: api.to_owned(), node: node.to_owned() }),
    }
}

fn malformed(bytes: &[u8], why: &'static str) -> ObjectError {
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(64)]).into_owned();
    Problem::Stamp { text, why }.at(Place::section(SECTION))
}
