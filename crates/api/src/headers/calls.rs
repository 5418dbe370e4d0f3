//! What can be called: helpers as functions around `call N`, kfuncs as externs.

use std::fmt::Write;

use super::names::{comment, filled, fixed, list, parameter, quoted};
use super::types::spelled;
use super::{At, HeaderError};
use crate::ctype::CType;
use crate::model::{Caller, DefId, DefKind, Param, Prototype, Suffix};
use crate::print::listed;
use crate::query::Namespace;

/// How many arguments a call has at most.
const REGISTERS: usize = 5;

/// More program types than these are counted, not named.
const NAMED: usize = 8;

/// `__attribute__((deprecated("…")))`
pub(super) fn deprecated(text: &str) -> String {
    format!("__attribute__((deprecated({})))", quoted(text))
}

/// One helper with one number of arguments.
struct Stub {
    /// What C calls it.
    name: String,
    number: u32,
    returns: CType,
    params: Vec<(String, CType)>,
    deprecated: Option<String>,
}

/// All helpers, in both forms.
pub(super) fn helpers(at: &At<'_>, out: &mut String) -> Result<(), HeaderError> {
    let (mut functions, mut names, mut macros) = (String::new(), String::new(), String::new());
    for id in at.definitions(Namespace::Callable) {
        let definition = at.api.definition(id);
        let DefKind::Helper { number, prototype } = &definition.kind else { continue };
        let name = fixed(&definition.name, "helper")?;
        comment(&mut functions, "", "/**", &documentation(at, id, prototype));
        let stubs = stubs(at, name, id, *number, prototype);
        for stub in &stubs {
            stub.function(at, &mut functions);
            stub.pointer(&mut names);
        }
        if prototype.variadic {
            by_count(name, prototype, &stubs, &mut macros);
        }
    }
    if functions.is_empty() {
        return Ok(());
    }
    let _ = write!(
        out,
        "/* Helpers. */\n\n#if ABIDE_INLINE\n\n{functions}#else\n\n{names}\n#endif /* ABIDE_INLINE */\n\n"
    );
    out.push_str(&macros);
    Ok(())
}

/// One stub, or one for each number of arguments that a variadic helper may be given.
fn stubs(at: &At<'_>, name: &str, id: DefId, number: u32, prototype: &Prototype) -> Vec<Stub> {
    let params: Vec<(String, CType)> =
        prototype.passed().map(|param| (parameter(&param.name), argument(at, &param.ty))).collect();
    let deprecated = at.farewell(Namespace::Callable, &at.api.definition(id).name, id);
    let stub = |name: String, params: Vec<(String, CType)>| Stub {
        name,
        number,
        returns: prototype.returns.unqualified().clone(),
        params,
        deprecated: deprecated.clone(),
    };
    if !prototype.variadic {
        return vec![stub(name.to_owned(), params)];
    }
    let u64 = CType::int("u64").unwrap_or(CType::Void);
    let counts = params.len()..=REGISTERS;
    counts
        .map(|count| {
            let mut params = params.clone();
            for index in params.len()..count {
                params.push((format!("value{}", index + 1), u64.clone()));
            }
            stub(format!("abide_{name}_{count}"), params)
        })
        .collect()
}

/// The macro that picks a stub by the number of its arguments.
fn by_count(name: &str, prototype: &Prototype, stubs: &[Stub], out: &mut String) {
    let fixed = prototype.passed().count();
    for stub in stubs {
        let names: Vec<&str> = ["a", "b", "c", "d", "e"][..stub.params.len()].to_vec();
        let values: Vec<String> = names
            .iter()
            .enumerate()
            .map(|(index, name)| match index < fixed {
                true => (*name).to_owned(),
                false => format!("(u64)({name})"),
            })
            .collect();
        let _ = writeln!(
            out,
            "#define abide_{name}_of_{}({}) {}({})",
            stub.params.len(),
            names.join(", "),
            stub.name,
            values.join(", ")
        );
    }
    let _ = writeln!(
        out,
        "#define {name}(...) ABIDE_JOIN(abide_{name}_of_, ABIDE_COUNT(__VA_ARGS__))(__VA_ARGS__)\n"
    );
}

/// The type of a parameter. A function of the program is passed by its address, whatever it is declared
/// to take: the verifier, not C, says what it is called with.
fn argument(at: &At<'_>, ty: &CType) -> CType {
    match spelled(at, ty.unqualified()).unqualified() {
        CType::Function(..) => CType::Pointer(Box::new(CType::Void)),
        other => other.clone(),
    }
}

/// What a value is in a register.
enum Held {
    /// `void`.
    Nothing,
    /// A pointer or 64 bits.
    Whole,
    /// 32 bits: the other half is not cleared.
    Half,
    /// Fewer bits: as 32, extended as C does it. Signed or not.
    Part(bool),
}

fn held(at: &At<'_>, ty: &CType) -> Held {
    match ty.unqualified() {
        CType::Void => Held::Nothing,
        CType::Int(int) => match int.size {
            8 => Held::Whole,
            4 => Held::Half,
            _ => Held::Part(int.signed),
        },
        CType::Named(name) => {
            let id = at.lookup(Namespace::Typedef, name);
            match id.map(|id| &at.api.definition(id).kind) {
                Some(DefKind::Typedef(to)) => held(at, to),
                _ => Held::Whole,
            }
        }
        CType::Enum(_) => Held::Half,
        _ => Held::Whole,
    }
}

impl Stub {
    fn declared(&self) -> Vec<String> {
        let params = self.params.iter().map(|(name, ty)| ty.declare(name));
        let params: Vec<String> = params.collect();
        if params.is_empty() { vec!["void".to_owned()] } else { params }
    }

    /// A function that holds nothing but the call.
    fn function(&self, at: &At<'_>, out: &mut String) {
        if let Some(text) = &self.deprecated {
            let _ = writeln!(out, "{}", deprecated(text));
        }
        let returns = self.returns.declare(&format!("{}(", self.name));
        let head = format!("static __always_inline ABIDE_CALLER {returns}");
        let _ = writeln!(out, "{}\n{{", list(&head, &self.declared(), ")"));
        let returned = held(at, &self.returns);
        match returned {
            Held::Nothing => {}
            Held::Whole | Held::Half => {
                let result = self.returns.declare("abide_r0");
                let _ = writeln!(out, "\tregister {result} __asm__(\"r0\");");
            }
            Held::Part(_) => out.push_str("\tregister u32 abide_r0 __asm__(\"r0\");\n"),
        }
        for (index, (name, ty)) in self.params.iter().enumerate() {
            let n = index + 1;
            let local = format!("abide_r{n}");
            let (declared, register) = match held(at, ty) {
                Held::Part(signed) => {
                    let word = if signed { "s32" } else { "u32" };
                    (format!("{word} {local}"), format!("ABIDE_R32({n})"))
                }
                Held::Half => (ty.declare(&local), format!("ABIDE_R32({n})")),
                _ => (ty.declare(&local), format!("__asm__(\"r{n}\")")),
            };
            let _ = writeln!(out, "\tregister {declared} {register} = {name};");
        }
        let (number, arity) = (self.number, self.params.len());
        let _ = match returned {
            Held::Nothing => writeln!(out, "\tABIDE_CALL_VOID({number}, {arity});\n}}\n"),
            Held::Whole | Held::Half => {
                writeln!(out, "\tABIDE_CALL({number}, {arity});\n\treturn abide_r0;\n}}\n")
            }
            Held::Part(_) => {
                let ty = self.returns.unqualified();
                let boolean = matches!(ty, CType::Int(int) if int.boolean);
                let value = if boolean { "abide_r0 & 1" } else { "abide_r0" };
                writeln!(out, "\tABIDE_CALL({number}, {arity});\n\treturn ({ty})({value});\n}}\n")
            }
        };
    }

    /// A name for the number.
    fn pointer(&self, out: &mut String) {
        let attribute = self.deprecated.as_deref().map(deprecated).unwrap_or_default();
        let returns = self.returns.to_string();
        let head = format!("ABIDE_HELPER({}, {returns}, {}, (", self.number, self.name);
        let space = if attribute.is_empty() { "" } else { " " };
        let tail = format!("),{space}{attribute});");
        let _ = writeln!(out, "{}", list(&head, &self.declared(), &tail));
    }
}

/// All kfuncs.
pub(super) fn kfuncs(at: &At<'_>, out: &mut String) -> Result<(), HeaderError> {
    let mut text = String::new();
    for id in at.definitions(Namespace::Callable) {
        let definition = at.api.definition(id);
        let DefKind::Kfunc { prototype } = &definition.kind else { continue };
        let name = fixed(&definition.name, "kfunc")?;
        comment(&mut text, "", "/**", &documentation(at, id, prototype));
        let params: Vec<String> = declared(prototype)
            .iter()
            .map(|param| spelled(at, &param.ty).declare(&parameter(&param.name)))
            .collect();
        let params = if params.is_empty() { vec!["void".to_owned()] } else { params };
        let returns = spelled(at, &prototype.returns).declare(&format!("{name}("));
        if let Some(farewell) = at.farewell(Namespace::Callable, name, id) {
            let _ = writeln!(text, "{}", deprecated(&farewell));
        }
        let declared = list(&format!("extern {returns}"), &params, ") __ksym;");
        let _ = writeln!(text, "{declared}\n");
    }
    if !text.is_empty() {
        let _ = write!(out, "/* Kfuncs. */\n\n{text}");
    }
    Ok(())
}

/// The parameters that a program declares. Kernels compare its declaration with theirs, which has what
/// the host fills in by `__prog`; the program may pass anything for it.
fn declared(prototype: &Prototype) -> Vec<&Param> {
    let all: Vec<&Param> =
        prototype.params.iter().filter(|param| !param.has(Suffix::Implicit)).collect();
    if all.len() > REGISTERS { prototype.passed().collect() } else { all }
}

/// The documentation of a helper or kfunc, and what the file says besides: its label, who may call it, its
/// contract, what becomes of it.
fn documentation(at: &At<'_>, id: DefId, prototype: &Prototype) -> String {
    let (api, definition) = (at.api, at.api.definition(id));
    let mut text = definition.doc.clone().map(|doc| doc + "\n\n").unwrap_or_default();
    let mut line = api.label(id);
    if let DefKind::Helper { number, .. } = definition.kind {
        let _ = write!(line, ", helper {number}");
    }
    line.push('.');
    let words = prototype.contract.words();
    if !words.is_empty() {
        let _ = write!(line, " Contract: {}.", words.join(", "));
    }
    line.push_str(&callers(at, id));
    text.push_str(&filled(&line));
    for param in &prototype.params {
        if let CType::Function(..) = spelled(at, param.ty.unqualified()) {
            let declared = spelled(at, &param.ty).declare(&param.name);
            let _ = write!(text, "\nCalls {declared}.");
        }
    }
    if let Some(later) = superseded(at, id) {
        text.push('\n');
        text.push_str(&filled(&later));
    }
    text
}

/// Who may call it here, if not everyone may.
fn callers(at: &At<'_>, id: DefId) -> String {
    let Some(callers) = at.api.callers(id, at.node) else { return String::new() };
    let all: Vec<&str> = at
        .definitions(Namespace::Program)
        .map(|program| at.api.definition(program).name.as_str())
        .collect();
    let (whole, some): (Vec<Caller>, Vec<Caller>) = callers
        .into_iter()
        .filter(|caller| all.contains(&caller.program.as_str()))
        .partition(|caller| caller.sections.is_empty());
    let mut text = match whole.len() {
        0 if some.is_empty() => " No program type may call it.".to_owned(),
        0 => String::new(),
        count if count == all.len() => String::new(),
        count if count <= NAMED => format!(" For {}.", listed(&whole)),
        count => format!(" For {count} of {} program types.", all.len()),
    };
    // Of what only some sections may call, each is named.
    for caller in some {
        let _ = write!(text, " Of {} only {}.", caller.program, caller.sections.join(", "));
    }
    text
}

/// What a later node makes of it, and until when this definition is served then.
fn superseded(at: &At<'_>, id: DefId) -> Option<String> {
    let api = at.api;
    let name = &api.definition(id).name;
    let later = api.definitions_of(Namespace::Callable, name).iter().copied().find(|later| {
        let node = api.definition(*later).node;
        node != at.node && api.is_ancestor(at.node, node)
    })?;
    let later = api.definition(later);
    let mut text = format!("{} defines it anew", api.node_ref(later.node).name);
    if let Some(changed) = &later.changed {
        let _ = write!(text, ": {changed}");
    }
    match at.end_of(id, later.node) {
        Some(end) => {
            let _ = write!(text, ". This definition is then {end}.");
        }
        None => text.push_str(". This definition is served for ever."),
    }
    Some(text)
}
