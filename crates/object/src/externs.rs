//! What an object expects to find on its host. Does not look for it.

use std::collections::HashMap;

use abide_btf::{Btf, Kind, Linkage, Type, TypeId};

use crate::elf::{Elf, SymbolKind};
use crate::error::{ObjectError, Place, Problem};
use crate::model::{Extern, ExternId, ExternKind};

/// `R_BPF_64_32`.
const CALL: u32 = 10;

/// The externs of an object, and the symbols that stand for them.
#[derive(Debug, Default)]
pub(crate) struct Externs {
    pub(crate) list: Vec<Extern>,
    by_symbol: HashMap<usize, ExternId>,
}

impl Externs {
    pub(crate) fn read(elf: &Elf<'_>, btf: Option<&Btf>) -> Result<Externs, ObjectError> {
        let declared = btf.map(declared).unwrap_or_default();
        let called = called(elf);
        let mut externs = Externs::default();
        for (number, symbol) in elf.symbols.iter().enumerate() {
            let is_thing = matches!(symbol.kind, SymbolKind::Other | SymbolKind::Function);
            let is_named = is_thing && !symbol.name.is_empty();
            if !symbol.undefined || symbol.local || !is_named {
                continue;
            }
            let declaration = declared.get(symbol.name);
            let section = declaration.and_then(|declaration| declaration.section);
            let kind = match declaration {
                Some(Declaration { is_function: true, ty, .. }) => {
                    ExternKind::Function { proto: Some(*ty) }
                }
                Some(Declaration { ty, section, .. }) => match *section {
                    Some(".kconfig") => ExternKind::Kconfig { ty: Some(*ty) },
                    // Of an object that this one will be linked with, or of the host.
                    None | Some(".ksyms" | ".maps") => ExternKind::Ksym { ty: Some(*ty) },
                    Some(other) if is_data(other) => ExternKind::Ksym { ty: Some(*ty) },
                    Some(other) => {
                        let problem = Problem::Extern { section: other.to_owned() };
                        return Err(problem.at(Place::symbol(symbol.name)));
                    }
                },
                None if called.get(number) == Some(&true) => ExternKind::Function { proto: None },
                None => ExternKind::Ksym { ty: None },
            };
            externs.by_symbol.insert(number, ExternId(externs.list.len() as u32));
            externs.list.push(Extern {
                name: symbol.name.to_owned(),
                weak: symbol.weak,
                section: section.map(str::to_owned),
                kind,
            });
        }
        Ok(externs)
    }

    /// The extern that a symbol stands for.
    pub(crate) fn of_symbol(&self, symbol: usize) -> Option<ExternId> {
        self.by_symbol.get(&symbol).copied()
    }
}

fn is_data(section: &str) -> bool {
    [".data", ".rodata", ".bss"].iter().any(|family| {
        section.strip_prefix(family).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

/// What the type information says of an extern.
struct Declaration<'a> {
    is_function: bool,
    /// Of a function its prototype.
    ty: TypeId,
    section: Option<&'a str>,
}

/// All declarations by name. gcc 12 calls extern functions static and puts them in no section, so
/// linkage says nothing; only symbols that are not defined here are looked up.
fn declared(btf: &Btf) -> HashMap<&str, Declaration<'_>> {
    let mut declared = HashMap::new();
    for (_, ty) in btf.iter() {
        match ty {
            Type::Func { name, proto, .. } => {
                let function = Declaration { is_function: true, ty: proto, section: None };
                declared.entry(name).or_insert(function);
            }
            Type::Var { name, ty, linkage: Linkage::Extern } => {
                let variable = Declaration { is_function: false, ty, section: None };
                declared.entry(name).or_insert(variable);
            }
            _ => {}
        }
    }
    for (_, ty) in btf.iter().filter(|(_, ty)| ty.kind() == Kind::DataSec) {
        let Type::DataSec { name: section, vars, .. } = ty else { continue };
        for var in vars {
            let name = btf.get(var.ty).map_or("", |ty| ty.name());
            if let Some(declaration) = declared.get_mut(name) {
                declaration.section = Some(section);
            }
        }
    }
    declared
}

/// For each symbol, whether it is called: all that is known of functions that appear in assembly
/// text only.
fn called(elf: &Elf<'_>) -> Vec<bool> {
    let mut called = vec![false; elf.symbols.len()];
    for section in elf.sections.iter().filter(|section| section.is_code) {
        for relocation in section.relocations.iter().filter(|one| one.kind == CALL) {
            if let Some(symbol) = called.get_mut(relocation.symbol) {
                *symbol = true;
            }
        }
    }
    called
}
