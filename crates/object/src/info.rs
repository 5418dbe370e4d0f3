//! What `.BTF.ext` says of functions: their types, source lines, CO-RE relocations.
//!
//! Code without it is as good; only the CO-RE records change what a program does.

use std::collections::HashMap;
use std::sync::Arc;

use abide_btf::{Btf, BtfExt, Kind};

use crate::budget::{Budget, LINE};
use crate::elf::Elf;
use crate::error::{ObjectError, Place, Problem};
use crate::functions::Functions;
use crate::model::{CoreRelocation, FunctionId, Line};

/// Gives the functions their types and source lines, and returns the CO-RE relocations.
pub(crate) fn attach(
    elf: &Elf<'_>,
    btf: &Btf,
    ext: &BtfExt,
    functions: &mut Functions,
    budget: &mut Budget,
) -> Result<Vec<CoreRelocation>, ObjectError> {
    let mut sections: HashMap<&str, usize> = HashMap::new();
    for (index, section) in elf.sections.iter().enumerate().filter(|(_, one)| one.is_code) {
        sections.entry(section.name).or_insert(index);
    }
    for part in &ext.functions {
        let Some(section) = sections.get(part.name.as_str()) else { continue };
        for record in &part.records {
            let offset = u64::from(record.insn_off);
            for id in functions.holding(*section, offset) {
                let function = &mut functions.list[id as usize];
                if function.offset == offset {
                    function.proto = Some(record.ty);
                }
            }
        }
    }
    // gcc before 16 says nothing of where functions begin.
    for function in &mut functions.list {
        if function.proto.is_none() {
            function.proto = btf.by_name(Kind::Func, &function.name);
        }
    }
    lines(&sections, btf, ext, functions, budget)?;
    core(&sections, btf, ext, functions, budget)
}

fn lines(
    sections: &HashMap<&str, usize>,
    btf: &Btf,
    ext: &BtfExt,
    functions: &mut Functions,
    budget: &mut Budget,
) -> Result<(), ObjectError> {
    let mut texts: HashMap<u32, Arc<str>> = HashMap::new();
    let mut text = |offset: u32, budget: &mut Budget| {
        let known = texts.entry(offset).or_insert_with(|| {
            let whole = btf.string(offset).unwrap_or_default();
            let short = &whole[..whole.floor_char_boundary(LINE)];
            // Lines may overlap in the file. When the memory is used up, the numbers remain.
            if budget.spare(short.len()) { short.into() } else { "".into() }
        });
        Arc::clone(known)
    };
    for part in &ext.lines {
        let Some(section) = sections.get(part.name.as_str()) else { continue };
        for record in &part.records {
            let offset = u64::from(record.insn_off);
            for id in functions.holding(*section, offset) {
                budget.take(size_of::<Line>() as u64)?;
                let (file, line) = (text(record.file, budget), text(record.text, budget));
                let function = &mut functions.list[id as usize];
                function.lines.push(Line {
                    slot: ((offset - function.offset) / 8) as u32,
                    file,
                    line: record.line,
                    column: record.column,
                    text: line,
                });
            }
        }
    }
    for function in &mut functions.list {
        function.lines.sort_by_key(|line| line.slot);
        function.lines.dedup_by_key(|line| line.slot);
    }
    Ok(())
}

fn core(
    sections: &HashMap<&str, usize>,
    btf: &Btf,
    ext: &BtfExt,
    functions: &Functions,
    budget: &mut Budget,
) -> Result<Vec<CoreRelocation>, ObjectError> {
    let mut core = Vec::new();
    for part in &ext.core {
        let error = |insn_off: u32| {
            let place = Place::section(&part.name).with_insn(u64::from(insn_off) / 8);
            Problem::Relocation("a CO-RE record belongs to no instruction").at(place)
        };
        for record in &part.records {
            let section = sections.get(part.name.as_str()).ok_or_else(|| error(record.insn_off))?;
            let offset = u64::from(record.insn_off);
            if !offset.is_multiple_of(8) {
                return Err(error(record.insn_off));
            }
            // Linkers leave the code of weak functions that others override without a name; nobody
            // can reach it.
            let holding = functions.holding(*section, offset);
            let access = btf.string(record.access).unwrap_or_default();
            for id in holding {
                budget.take((size_of::<CoreRelocation>() + access.len()) as u64)?;
                core.push(CoreRelocation {
                    function: FunctionId(id),
                    slot: ((offset - functions.list[id as usize].offset) / 8) as u32,
                    ty: record.ty,
                    access: access.to_owned(),
                    kind: record.kind,
                });
            }
        }
    }
    core.sort_by_key(|relocation| (relocation.function, relocation.slot));
    Ok(core)
}
