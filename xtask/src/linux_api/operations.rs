//! Structs by which the kernel calls programs (struct_ops): `--operations` reads their members from the BTF of
//! the kernels in the shared data into `apis/facts/operations.tsv`, which the file is made of.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;

use abide_api::ctype::CType;
use abide_btf::{Btf, Kind, Type, TypeId};

use super::tables::{Table, Version};
use super::write::File;
use crate::{Failure, tree};

/// The table.
const TABLE: &str = "operations.tsv";
/// What is known of releases between those kernels.
const SINCE: &str = "operations_since.tsv";

/// What the kernel calls the struct around one of these.
const WRAPPER: &str = "bpf_struct_ops_";

/// The types of programs in structs that have one of their own.
const TYPES: &[(&str, &str)] =
    &[("sched_ext_ops", "sched_ext"), ("sched_ext_ops_cid", "sched_ext")];

/// Reads the BTF of all kernels, and writes the table.
pub(crate) fn measure() -> Result<(), Failure> {
    let path = tree::root().join("apis/facts").join(TABLE);
    fs::write(&path, measured()?).map_err(|error| format!("{}: {error}", path.display()))
}

fn measured() -> Result<String, Failure> {
    let kernels = abide_testkit::kernels();
    let mut rows: BTreeMap<(String, usize, String), Vec<bool>> = BTreeMap::new();
    let mut built: BTreeMap<String, Vec<bool>> = BTreeMap::new();
    for (at, kernel) in kernels.iter().enumerate() {
        let bytes = abide_testkit::kernel_btf(kernel).ok_or("the types of kernels are missing")?;
        let btf = Btf::parse(&bytes).map_err(|error| format!("{kernel}: {error}"))?;
        for (structure, id) in structs(&btf) {
            let Some(Type::Struct(body)) = btf.get(id) else { continue };
            built.entry(structure.to_owned()).or_insert_with(|| vec![false; kernels.len()])[at] =
                true;
            for (order, member) in body.members.iter().enumerate() {
                // Pointers to anything but functions are the kernel's own.
                let ty = spelled(&btf, member.ty, 0);
                let Some(ty) = ty.filter(|ty| !matches!(ty, CType::Pointer(_))) else { continue };
                let declared = ty.declare(member.name);
                let known =
                    rows.keys().find(|(name, _, text)| name == structure && *text == declared);
                let key = known.cloned().unwrap_or_else(|| (structure.to_owned(), order, declared));
                rows.entry(key).or_insert_with(|| vec![false; kernels.len()])[at] = true;
            }
        }
    }
    let mut text = format!("struct\tmember\t{}\tdeclaration\n", kernels.join(","));
    for ((structure, _, declared), has) in &rows {
        let here: String = has
            .iter()
            .zip(&built[structure])
            .map(|answer| match answer {
                (true, _) => '1',
                (false, true) => '0',
                (false, false) => '-',
            })
            .collect();
        let _ = writeln!(text, "{structure}\t{}\t{here}\t{declared}", member(declared));
    }
    Ok(text)
}

/// The structs that programs can be put into, with their types.
fn structs(btf: &Btf) -> Vec<(&str, TypeId)> {
    let wrapped = btf.iter().filter_map(|(_, ty)| match ty {
        Type::Struct(body) => body.name.strip_prefix(WRAPPER),
        _ => None,
    });
    wrapped.filter_map(|name| Some((name, btf.by_name(Kind::Struct, name)?))).collect()
}

/// The name in a declaration of a member: what stands before the parameters or the size, or last.
fn member(declared: &str) -> &str {
    let end = match declared.split_once("(*") {
        Some((_, rest)) => return rest.split(')').next().unwrap_or(rest),
        None => declared.split('[').next().unwrap_or(declared),
    };
    end.rsplit([' ', '*']).next().unwrap_or(end)
}

/// A type in the words of the language: typedefs as what they stand for, enums as numbers. `None` for what
/// programs cannot set: structs, and what the language has no word for.
fn spelled(btf: &Btf, id: TypeId, depth: u32) -> Option<CType> {
    if depth > 16 {
        return None;
    }
    let next = |id| spelled(btf, id, depth + 1);
    let pointed_to = |id| match btf.get(id) {
        None => Some(CType::Void),
        Some(Type::Struct(body)) if !body.name.is_empty() => {
            Some(CType::Struct(body.name.to_owned()))
        }
        Some(Type::Union(body)) if !body.name.is_empty() => {
            Some(CType::Union(body.name.to_owned()))
        }
        Some(Type::Fwd { name, is_union: false }) => Some(CType::Struct(name.to_owned())),
        _ => next(id),
    };
    if id.0 == 0 {
        return Some(CType::Void);
    }
    match btf.get(id)? {
        Type::Int { size, signed, is_bool, name, .. } => CType::int(match (size, signed) {
            _ if is_bool => "bool",
            (1, _) if name == "char" => "char",
            (1, true) => "s8",
            (1, false) => "u8",
            (2, true) => "s16",
            (2, false) => "u16",
            (4, true) => "int",
            (4, false) => "u32",
            (8, true) => "s64",
            (8, false) => "u64",
            _ => return None,
        }),
        Type::Enum(body) if body.size == 4 => CType::int(if body.signed { "int" } else { "u32" }),
        Type::Typedef { name, to } => CType::int(name).or_else(|| next(to)),
        Type::Volatile { to } | Type::Restrict { to } | Type::TypeTag { to, .. } => next(to),
        Type::Const { to } => Some(CType::Const(Box::new(pointed_to(to)?))),
        Type::Array { elem, len: len @ 1.., .. } => Some(CType::Array(Box::new(next(elem)?), len)),
        Type::Ptr { to } => match btf.get(btf.strip(to)) {
            Some(Type::FuncProto { ret, params }) => {
                let params: Option<Vec<CType>> =
                    params.iter().map(|param| spelled(btf, param.ty, depth + 1)).collect();
                Some(CType::Function(Box::new(next(ret)?), params?))
            }
            _ => Some(CType::Pointer(Box::new(pointed_to(to)?))),
        },
        _ => None,
    }
}

/// One version of a struct: its members with their declarations, in the kernel's order.
type Members = Vec<(String, String)>;

/// The structs as statements: each release that changed one.
pub(super) fn write(file: &mut File) -> Result<(), Failure> {
    let table = Table::read(TABLE)?;
    let kernels: Vec<Version> = table.column(2).split(',').filter_map(Version::parse).collect();
    let since = Table::read(SINCE)?;
    let mut names: Vec<&str> = table.rows().map(|row| row.get("struct")).collect();
    names.dedup();
    for name in names {
        let mut before: Option<(Version, Members)> = None;
        for (at, kernel) in kernels.iter().enumerate() {
            let has = |row: &super::Row<'_>| {
                row.get("struct") == name && row.at(2).chars().nth(at) == Some('1')
            };
            let here: Members = table
                .rows()
                .filter(has)
                .map(|row| (row.get("member").to_owned(), row.get("declaration").to_owned()))
                .collect();
            if here.is_empty() {
                continue;
            }
            let (low, old) = match &before {
                Some((low, old)) => (Some(*low), old.as_slice()),
                None => (kernels[..at].last().copied(), &[][..]),
            };
            // Releases between two kernels that are known to have brought a part of it.
            let mut parts: BTreeMap<Version, Members> = BTreeMap::new();
            let changed = here.iter().filter(|member| !old.contains(member));
            for (member, declaration) in changed {
                let known = since.rows().find(|row| {
                    row.get("struct") == name
                        && (row.get("member") == member
                            || before.is_none() && row.get("member").is_empty())
                        && Version::parse(row.get("since")).is_some_and(|since| {
                            // A kernel without the struct may be one that was built without it.
                            since <= *kernel
                                && (old.is_empty() || low.is_none_or(|low| low < since))
                        })
                });
                let when = known.and_then(|row| Version::parse(row.get("since")));
                parts
                    .entry(when.unwrap_or(*kernel))
                    .or_default()
                    .push((member.clone(), declaration.clone()));
            }
            if old.iter().any(|(member, _)| !here.iter().any(|(new, _)| new == member)) {
                parts.entry(*kernel).or_default();
            }
            let mut now = old.to_vec();
            for (when, new) in parts {
                let last = when == *kernel;
                let known = since.rows().any(|row| {
                    row.get("struct") == name && Version::parse(row.get("since")) == Some(when)
                });
                let after = match low.filter(|_| !known) {
                    Some(low) => file.since(low, when),
                    None => String::new(),
                };
                let gone: Members = match last {
                    true => now
                        .iter()
                        .filter(|(old, _)| !here.iter().any(|(new, _)| new == old))
                        .cloned()
                        .collect(),
                    false => Vec::new(),
                };
                file.add_text(when, statement(name, &mut now, &new, &gone, &after));
            }
            before = Some((*kernel, here));
        }
    }
    Ok(())
}

/// The statement that brings new members, changes those of the same name, and takes others away.
fn statement(
    name: &str,
    now: &mut Members,
    new: &[(String, String)],
    gone: &[(String, String)],
    after: &str,
) -> String {
    let text = |head: &str, members: &[(String, String)], words: &str| {
        let lines = members.iter().map(|(_, declaration)| format!("        {declaration};\n"));
        format!("    {head} {{\n{}    }}{words};\n", lines.collect::<String>())
    };
    let first = now.is_empty();
    let mut changes = Vec::new();
    for (member, declaration) in new {
        if let Some((_, old)) = now.iter_mut().find(|(known, _)| known == member) {
            changes.push(format!("{member} is `{declaration}`, was `{old}`"));
            old.clone_from(declaration);
        } else {
            now.push((member.clone(), declaration.clone()));
        }
    }
    changes.extend(gone.iter().map(|(member, _)| format!("{member} is gone")));
    now.retain(|member| !gone.contains(member));
    let program = TYPES.iter().find(|(known, _)| *known == name).map_or("struct_ops", |(_, ty)| ty);
    match (first, changes.is_empty()) {
        (true, _) => text(&format!("struct {name}"), now, &format!(" ops {program}{after}")),
        (false, true) => text(&format!("extend struct {name}"), new, after),
        (false, false) => {
            let changed = changes.join("; ").replace('"', "'");
            let words = format!(" ops {program}{after} changed\n        \"{changed}\"");
            text(&format!("struct {name}"), now, &words)
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_table_is_what_kernels_have() {
        if abide_testkit::shared("btf").is_none() {
            return;
        }
        let path = crate::tree::root().join("apis/facts").join(super::TABLE);
        assert!(std::fs::read_to_string(path).unwrap() == super::measured().unwrap());
    }

    #[test]
    fn a_member_has_the_name_that_is_declared() {
        for (declared, name) in [
            ("u32 (*ssthresh)(struct sock *)", "ssthresh"),
            ("char name[128]", "name"),
            ("void *priv", "priv"),
            ("u64 flags", "flags"),
        ] {
            assert_eq!(super::member(declared), name);
        }
    }
}
