//! The source lines of a section of code, from `.BTF.ext`, as comments.

use std::collections::HashMap;

use abide_btf::{Btf, BtfExt, LineInfo};
use abide_diag::printable;

use super::image::Image;

/// Which comments stand before the instructions at which offsets, in their order.
#[derive(Debug, Default)]
pub(super) struct Lines {
    at: Vec<(u64, String)>,
}

impl Lines {
    /// With their offsets.
    pub(super) fn all(&self) -> &[(u64, String)] {
        &self.at
    }

    fn new(records: &[LineInfo], btf: &Btf) -> Lines {
        let mut records: Vec<_> = records.iter().collect();
        records.sort_by_key(|record| record.insn_off);
        let mut at: Vec<(u64, String)> = Vec::new();
        let mut last = None;
        for record in records {
            // A line counts until another one begins.
            if last.replace((record.file, record.line)) == Some((record.file, record.line)) {
                continue;
            }
            let path = btf.string(record.file).unwrap_or_default();
            let file = path.rsplit('/').next().unwrap_or(path);
            let text = btf.string(record.text).unwrap_or_default().trim();
            let comment = format!("{}:{}  {}", printable(file), record.line, printable(text));
            let offset = u64::from(record.insn_off);
            // Of several at one place the last one holds.
            if at.last().is_some_and(|(last, _)| *last == offset) {
                at.pop();
            }
            at.push((offset, comment.trim_end().to_owned()));
        }
        Lines { at }
    }
}

/// The lines of all sections by the section's name; or why there are none although there should be.
pub(super) fn read(image: &Image<'_>) -> Result<HashMap<String, Lines>, String> {
    let (Some(btf), Some(ext)) = (image.section(".BTF"), image.section(".BTF.ext")) else {
        return Ok(HashMap::new());
    };
    let why = |error: abide_btf::BtfError| printable(&error.to_string()).into_owned();
    let btf = Btf::parse(btf.data).map_err(why)?;
    let ext = BtfExt::parse(ext.data, &btf).map_err(why)?;
    let lines = ext.lines.iter().map(|one| (one.name.clone(), Lines::new(&one.records, &btf)));
    Ok(lines.collect())
}
