//! The records of `.BTF.ext`, moved: only the offsets of instructions change, and records go whose
//! instruction does.

use abide_isa::Endian;

use crate::error::{ObjectError, Place, Problem};

/// A table of records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Functions,
    Lines,
    Core,
}

/// The contents of `.BTF.ext` after the slots of one section of code went to where `to` says.
pub(super) fn moved(
    bytes: &[u8],
    types: &[u8],
    endian: Endian,
    section: &str,
    to: impl Fn(Table, u32) -> Option<u32>,
) -> Result<Vec<u8>, ObjectError> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    walk(bytes, types, endian, section, to).ok_or_else(|| {
        Problem::Patch("the records of source lines cannot be read").at(Place::section(".BTF.ext"))
    })
}

fn walk(
    bytes: &[u8],
    types: &[u8],
    endian: Endian,
    section: &str,
    to: impl Fn(Table, u32) -> Option<u32>,
) -> Option<Vec<u8>> {
    let read = |bytes: &[u8], at: usize| {
        let word = bytes.get(at..)?.first_chunk::<4>()?;
        Some(endian.read(word) as u32)
    };
    let word = |at| read(bytes, at);
    let write = |number| endian.word(number);
    let strings = read(types, 4)?.checked_add(read(types, 16)?)? as usize;
    let is_here = |offset: u32| {
        let name = types.get(strings.checked_add(offset as usize)?..)?;
        Some(name.strip_prefix(section.as_bytes())?.first() == Some(&0))
    };
    let head = word(4)? as usize;
    let (mut out, mut body) = (bytes.get(..head)?.to_vec(), Vec::new());
    for (at, table) in [(8, Table::Functions), (16, Table::Lines), (24, Table::Core)] {
        if head < at + 8 {
            continue;
        }
        let (start, len) = (word(at)? as usize, word(at + 4)? as usize);
        let data = bytes.get(head.checked_add(start)?..)?.get(..len)?;
        let begin = body.len();
        if len > 0 {
            let size = read(data, 0)? as usize;
            if size < 4 {
                return None;
            }
            body.extend(write(size as u32));
            let mut at = 4;
            while at < len {
                let (name, count) = (read(data, at)?, read(data, at + 4)?);
                at += 8;
                let end = size.checked_mul(count as usize)?.checked_add(at)?;
                let records = data.get(at..end)?.chunks_exact(size);
                at = end;
                let mut kept: Vec<(u32, u32, &[u8])> = Vec::with_capacity(records.len());
                for record in records {
                    let offset = read(record, 0)?;
                    let new = match is_here(name) == Some(true) {
                        true => to(table, offset / 8).map(|slot| slot * 8 + offset % 8),
                        false => Some(offset),
                    };
                    let Some(new) = new else { continue };
                    // Of several that come to the same place, the last holds for what follows.
                    kept.pop_if(|(to, from, _)| *to == new && *from != offset);
                    kept.push((new, offset, record));
                }
                if kept.is_empty() {
                    continue;
                }
                body.extend(write(name));
                body.extend(write(kept.len() as u32));
                for (offset, _, record) in kept {
                    body.extend(write(offset));
                    body.extend(&record[4..]);
                }
            }
        }
        out.get_mut(at..at + 4)?.copy_from_slice(&write(begin as u32));
        out.get_mut(at + 4..at + 8)?.copy_from_slice(&write((body.len() - begin) as u32));
    }
    out.extend(body);
    Some(out)
}
