//! Types and constants of a node, each after what it needs, and the program types as a table.

use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::ops::Range;

use super::names::{comment, filled, fixed, upper};
use super::{At, HeaderError};
use crate::ctype::CType;
use crate::model::{DefId, DefKind, EnumType, Group, ProgramType, StructType};
use crate::query::Namespace;

/// What the type of an API file is called when it is used in a prototype.
pub(super) fn spelled(at: &At<'_>, ty: &CType) -> CType {
    // Typedefs of functions may be newer than the types that a program takes from elsewhere.
    if let CType::Named(name) = ty
        && let Some(id) = at.lookup(Namespace::Typedef, name)
        && let DefKind::Typedef(to @ CType::Function(..)) = &at.api.definition(id).kind
    {
        return to.clone();
    }
    ty.clone()
}

/// All types and constants.
pub(super) fn types(at: &At<'_>, out: &mut String) -> Result<(), HeaderError> {
    forward(at, out);
    let mut text = String::new();
    let mut constants = String::new();
    let mut known: HashMap<&str, (i64, &str)> = HashMap::new();
    for id in at.definitions(Namespace::Tag) {
        let DefKind::Enum(body) = &at.api.definition(id).kind else { continue };
        let name = at.api.definition(id).name.as_str();
        let mut new = Vec::new();
        for (constant, value) in &body.values {
            fixed(constant, "constant")?;
            match known.get(constant.as_str()) {
                None => {
                    known.insert(constant, (*value, name));
                    new.push((constant.as_str(), *value));
                }
                Some((other, _)) if other == value => {}
                Some((_, other)) => {
                    let enums = ((*other).to_owned(), name.to_owned());
                    return Err(HeaderError::TwoValues { name: constant.clone(), enums });
                }
            }
        }
        enumeration(at, id, body, &new, &mut text)?;
        if body.unnamed {
            for (constant, value) in new {
                let _ = writeln!(
                    constants,
                    "#ifndef {constant}\n#define {constant} {}\n#endif",
                    in_macro(value)
                );
            }
        }
    }
    let mut order = Order { at, done: HashSet::new(), out: String::new() };
    for namespace in [Namespace::Tag, Namespace::Typedef] {
        for id in at.definitions(namespace) {
            order.define(id)?;
        }
    }
    text.push_str(&order.out);
    if text.is_empty() {
        return Ok(());
    }
    let elsewhere = if at.is_linux() {
        "defined(ABIDE_NO_TYPES) || defined(__VMLINUX_H__) || defined(__LINUX_BPF_H__)"
    } else {
        "defined(ABIDE_NO_TYPES)"
    };
    let _ = write!(out, "#if !({elsewhere})\n\n{text}");
    if !constants.is_empty() {
        out.push_str("#else\n\n/* Constants that stand in no enum with a name. */\n");
        out.push_str(&constants);
        out.push('\n');
    }
    out.push_str("#endif\n\n");
    Ok(())
}

/// Structs and unions that something points to.
fn forward(at: &At<'_>, out: &mut String) {
    let mut found: Vec<String> = Vec::new();
    for namespace in [Namespace::Tag, Namespace::Typedef, Namespace::Callable, Namespace::Program] {
        for id in at.definitions(namespace) {
            let mut see = |ty: &CType| pointed(ty, false, &mut found);
            match &at.api.definition(id).kind {
                DefKind::Struct(body) => body.fields.iter().for_each(|field| see(&field.ty)),
                DefKind::Typedef(ty) => pointed(ty, true, &mut found),
                DefKind::Program(program) => {
                    program.params.iter().for_each(|param| see(&param.ty));
                }
                kind => {
                    let Some(prototype) = kind.prototype() else { continue };
                    see(&spelled(at, &prototype.returns));
                    prototype.params.iter().for_each(|param| see(&spelled(at, &param.ty)));
                }
            }
        }
    }
    if found.is_empty() {
        return;
    }
    out.push_str("/* Types that are pointed to. */\n");
    for tag in found {
        let _ = writeln!(out, "{tag};");
    }
    out.push('\n');
}

/// The tags behind pointers in a type, and what it is itself if that is asked for.
fn pointed(ty: &CType, this: bool, found: &mut Vec<String>) {
    match ty {
        CType::Pointer(to) => pointed(to, true, found),
        CType::Const(inner) | CType::Array(inner, _) => pointed(inner, this, found),
        CType::Function(returns, params) => {
            pointed(returns, true, found);
            params.iter().for_each(|param| pointed(param, true, found));
        }
        CType::Struct(_) | CType::Union(_) if this => {
            let tag = ty.to_string();
            if !found.contains(&tag) {
                found.push(tag);
            }
        }
        _ => {}
    }
}

/// A number as C writes it, without a change of its sign.
fn number(value: i64) -> String {
    match value {
        i64::MIN => "(-0x7fffffffffffffffLL - 1)".to_owned(),
        value if i32::try_from(value).is_ok() => value.to_string(),
        value if value > 0 => format!("{value:#x}ULL"),
        value => format!("{value}LL"),
    }
}

/// The same for the body of a macro.
fn in_macro(value: i64) -> String {
    if value < 0 { format!("({})", number(value)) } else { number(value) }
}

fn enumeration(
    at: &At<'_>,
    id: DefId,
    body: &EnumType,
    values: &[(&str, i64)],
    out: &mut String,
) -> Result<(), HeaderError> {
    let definition = at.api.definition(id);
    if values.is_empty() {
        return Ok(());
    }
    if let Some(doc) = documentation(at, id) {
        comment(out, "", "/**", &doc);
    }
    // Beyond `int` is C23, and an extension before.
    let wide = values.iter().any(|(_, value)| i32::try_from(*value).is_err());
    let extension = if wide { "__extension__ " } else { "" };
    let name = match body.unnamed {
        true => String::new(),
        false => format!("{} ", fixed(&definition.name, "enum")?),
    };
    let _ = writeln!(out, "{extension}enum {name}{{");
    for (constant, value) in values {
        let _ = writeln!(out, "\t{constant}{} = {},", map_type(at, constant), number(*value));
    }
    out.push_str("};\n\n");
    Ok(())
}

/// The attribute of a constant that names a map type which is to go.
fn map_type(at: &At<'_>, constant: &str) -> String {
    let Some((_, word)) = constant.split_once("_MAP_TYPE_") else { return String::new() };
    let names = at.definitions(Namespace::Map);
    let found =
        names.map(|id| (id, &at.api.definition(id).name)).find(|(_, name)| upper(name) == word);
    let text = found.and_then(|(id, name)| at.farewell(Namespace::Map, name, id));
    text.map_or_else(String::new, |text| format!(" {}", super::calls::deprecated(&text)))
}

/// The documentation of a type, and what is to be known of its name.
fn documentation(at: &At<'_>, id: DefId) -> Option<String> {
    let definition = at.api.definition(id);
    // An `extend` says what it adds; the type was explained where it came.
    let all = at.api.definitions_of(Namespace::of(&definition.kind), &definition.name);
    let mut earlier = all.iter().rev().skip_while(|other| **other != id);
    earlier.find_map(|id| at.api.definition(*id).doc.clone())
}

/// Structs, unions and typedefs, each after what it needs.
struct Order<'a, 'b> {
    at: &'b At<'a>,
    done: HashSet<DefId>,
    out: String,
}

impl Order<'_, '_> {
    fn define(&mut self, id: DefId) -> Result<(), HeaderError> {
        if !self.done.insert(id) {
            return Ok(());
        }
        let definition = self.at.api.definition(id);
        match &definition.kind {
            DefKind::Struct(body) if !body.opaque => {
                for field in &body.fields {
                    self.need(&field.ty, true)?;
                }
                if let Some(doc) = documentation(self.at, id) {
                    comment(&mut self.out, "", "/**", &doc);
                }
                let word = if body.is_union { "union" } else { "struct" };
                let name = fixed(&definition.name, "struct")?;
                let _ = writeln!(self.out, "{word} {name} {{");
                let (all, mut groups) = (0..body.fields.len() as u32, &body.groups[..]);
                fields(body, all, &mut groups, 1, &mut self.out)?;
                self.out.push_str("};\n\n");
            }
            DefKind::Typedef(ty) => {
                self.need(ty, false)?;
                if let Some(doc) = documentation(self.at, id) {
                    comment(&mut self.out, "", "/**", &doc);
                }
                let name = fixed(&definition.name, "typedef")?;
                let _ = writeln!(self.out, "typedef {};\n", ty.declare(name));
            }
            _ => {}
        }
        Ok(())
    }

    /// What must stand before a type is used: all of what it holds, the names of typedefs.
    fn need(&mut self, ty: &CType, held: bool) -> Result<(), HeaderError> {
        let found = match ty {
            CType::Pointer(to) => return self.need(to, false),
            CType::Const(inner) | CType::Array(inner, _) => return self.need(inner, held),
            CType::Function(returns, params) => {
                self.need(returns, false)?;
                return params.iter().try_for_each(|param| self.need(param, false));
            }
            CType::Struct(name) | CType::Union(name) if held => {
                self.at.lookup(Namespace::Tag, name)
            }
            CType::Named(name) => {
                let id = self.at.lookup(Namespace::Typedef, name);
                if let Some(DefKind::Typedef(to)) = id.map(|id| &self.at.api.definition(id).kind) {
                    // Typedefs make no circles, structs behind pointers may.
                    self.need(to, held)?;
                }
                id
            }
            _ => None,
        };
        found.map_or(Ok(()), |id| self.define(id))
    }
}

fn fields(
    body: &StructType,
    range: Range<u32>,
    groups: &mut &[Group],
    depth: usize,
    out: &mut String,
) -> Result<(), HeaderError> {
    let indent = "\t".repeat(depth);
    let mut index = range.start;
    while index < range.end {
        if let Some(group) = groups.first().filter(|group| group.fields.start == index).cloned() {
            *groups = &groups[1..];
            let word = if group.is_union { "union" } else { "struct" };
            let _ = writeln!(out, "{indent}{word} {{");
            index = group.fields.end;
            fields(body, group.fields, groups, depth + 1, out)?;
            let _ = writeln!(out, "{indent}}};");
            continue;
        }
        let field = &body.fields[index as usize];
        if let Some(doc) = &field.doc {
            comment(out, &indent, "/**", doc);
        }
        let _ = writeln!(out, "{indent}{};", field.ty.declare(fixed(&field.name, "field")?));
        index += 1;
    }
    Ok(())
}

/// The program types, as a comment: what `SEC` may say, and what stands behind it.
pub(super) fn programs(at: &At<'_>, out: &mut String) {
    let mut text = String::new();
    for id in at.definitions(Namespace::Program) {
        let definition = at.api.definition(id);
        let DefKind::Program(program) = &definition.kind else { continue };
        let _ = write!(text, "\n\n{}", definition.name);
        let sections: Vec<String> =
            program.sections.iter().map(|section| format!("SEC(\"{section}\")")).collect();
        if !sections.is_empty() {
            let _ = write!(text, ": {}", sections.join(", "));
        }
        let context = program.params.first().map(|param| param.ty.declare(&param.name));
        let _ = match context.filter(|context| !context.starts_with("void")) {
            Some(context) => write!(text, "\n    takes {context}"),
            None => write!(text, "\n    takes a context that depends on what it is attached to"),
        };
        text.push_str(&returned(at, program));
        if let Some(doc) = &definition.doc {
            text.push_str("\n    ");
            text.push_str(&doc.replace('\n', "\n    "));
        }
    }
    if !text.is_empty() {
        let text: Vec<String> = text
            .split('\n')
            .map(|line| match line.starts_with(' ') {
                true => line.to_owned(),
                false => filled(line),
            })
            .collect();
        comment(out, "", "/*", &format!("Program types.{}", text.join("\n")));
        out.push('\n');
    }
}

fn returned(at: &At<'_>, program: &ProgramType) -> String {
    match (&program.verdicts, program.returns) {
        (Some(verdicts), _) => {
            let id = at.lookup(Namespace::Tag, verdicts);
            match id.map(|id| &at.api.definition(id).kind) {
                Some(DefKind::Enum(EnumType { unnamed: true, values, .. })) => {
                    let first = values.first().map_or("", |(name, _)| name.as_str());
                    format!(", returns {first} or what follows it")
                }
                _ => format!(", returns enum {verdicts}"),
            }
        }
        (None, Some((low, high))) if low == high => format!(", returns {low}"),
        (None, Some((low, high))) => format!(", returns {low} to {high}"),
        (None, None) => String::new(),
    }
}
