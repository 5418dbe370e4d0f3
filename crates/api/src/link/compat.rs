//! A compat body as a piece of the stream: its text assembled, its `call NAME` and `goto NAME`
//! bound to the definitions that the node that wrote it means.

use abide_asm::{Assembled, RefKind, SymbolRef};
use abide_diag::{Diagnostic, nearest, printable};
use abide_isa::{Insn, Kind, Op, Raw, decode, encode};

use super::{BoundCall, Fix, LinkError, Piece, Unit, length};
use crate::bind::codes::L_COMPAT;
use crate::host::{HostProfile, Service};
use crate::model::{Api, CompatBody, DefId, DefKind};
use crate::query::Namespace;

/// A compat body with its calls by name still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Body {
    /// Its instructions; each `goto NAME` has become a call and `exit`.
    pub(crate) slots: Vec<Raw>,
    /// The slot of each call, and the definition that it means.
    pub(crate) calls: Vec<(u32, DefId)>,
}

/// Assembles the compat body of a definition and binds it on a host.
pub(super) fn piece(host: &HostProfile, id: DefId) -> Result<Piece, LinkError> {
    let api = host.api();
    let label = api.label(id);
    let fail = |errors| LinkError::Compat { label: label.clone(), errors };
    let mut body = assemble(api, id).map_err(fail)?;
    let mut fixes = Vec::new();
    for (slot, callee) in &body.calls {
        let fix = match host.service(*callee) {
            Ok(Service::Adapted { .. }) => Fix::Call(Unit::Compat(*callee)),
            Ok(service) => Fix::Bound(BoundCall { definition: *callee, service, renumbered: None }),
            Err(_) => {
                let what = format!(
                    "it calls {}, which {} does not serve",
                    api.label(*callee),
                    host.label()
                );
                return Err(fail(vec![Diagnostic::error(&L_COMPAT, what)]));
            }
        };
        // A helper is called by its number; for the others `fill` sets all that matters.
        let raw = &mut body.slots[*slot as usize];
        *raw = match &api.definition(*callee).kind {
            DefKind::Helper { number, .. } => Raw { src: 0, off: 0, imm: *number as i32, ..*raw },
            _ => Raw { src: 2, off: 0, imm: 0, ..*raw },
        };
        fixes.push((*slot, fix));
    }
    Ok(Piece { name: label.clone(), slots: body.slots, fixes, lines: Vec::new() })
}

/// Assembles the compat body of a definition and finds what it calls: the newest definitions in the
/// node that wrote it or its ancestors.
pub(crate) fn assemble(api: &Api, id: DefId) -> Result<Body, Vec<Diagnostic>> {
    let wrong = |what: String| vec![Diagnostic::error(&L_COMPAT, what)];
    let Some(body) = &api.definition(id).compat else {
        return Err(wrong("there is none".to_owned()));
    };
    let assembled = abide_asm::assemble(&body.text, &abide_asm::Options::default())?;
    let (slots, names) = expand_gotos(&assembled).map_err(wrong)?;
    let mut calls = Vec::new();
    for (slot, at) in names {
        let callee = callee(api, id, body, &assembled.refs[at]);
        calls.push((slot, callee.map_err(|error| vec![*error])?));
    }
    match slots.last().map(|last| decode(std::slice::from_ref(last))) {
        Some(Ok(last)) if !last.may_fall_through() => Ok(Body { slots, calls }),
        _ => Err(wrong("it does not end in `exit` or `goto`".to_owned())),
    }
}

fn callee(
    api: &Api,
    id: DefId,
    body: &CompatBody,
    found: &SymbolRef,
) -> Result<DefId, Box<Diagnostic>> {
    let name = found.name.as_str();
    let all = api.definitions_of(Namespace::Callable, name);
    let here = |id: DefId| api.is_ancestor(api.definition(id).node, body.node);
    if let Some(callee) = all.iter().copied().rfind(|other| *other != id && here(*other)) {
        return Ok(callee);
    }
    let node = &api.node_ref(body.node).name;
    let error = Diagnostic::error(
        &L_COMPAT,
        format!("it calls `{}`, which {node} does not have", printable(name)),
    )
    .at(found.span.clone(), "");
    let known = || {
        let names = api.names(Namespace::Callable);
        names.filter(|name| api.lookup(Namespace::Callable, name, body.node).is_some())
    };
    Err(Box::new(match all.iter().find(|other| **other != id) {
        Some(other) => {
            let later = &api.node_ref(api.definition(*other).node).name;
            error.help(format!("its first other definition is in {later}"))
        }
        None if all.contains(&id) => error.help("a body cannot call the definition that it serves"),
        None => match nearest(name, known()) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error,
        },
    }))
}

/// A body without `goto NAME`: its slots, and at each call the place of the name among the references.
type Expanded = (Vec<Raw>, Vec<(u32, usize)>);

/// Makes a call and `exit` of each `goto NAME`, and moves the jumps over them accordingly.
fn expand_gotos(assembled: &Assembled) -> Result<Expanded, String> {
    let is_goto = |slot: u32| {
        let slot = slot as usize;
        assembled.refs.iter().any(|found| found.slot == slot && found.kind == RefKind::Goto)
    };
    let count = length(assembled.slots.len());
    let mut moved = Vec::with_capacity(assembled.slots.len() + 1);
    let mut at = 0_u32;
    for slot in 0..count {
        moved.push(at);
        at += if is_goto(slot) { 2 } else { 1 };
    }
    moved.push(at);
    let mut slots = Vec::with_capacity(at as usize);
    let mut slot = 0;
    while slot < count {
        let raw = &assembled.slots[slot as usize..];
        if is_goto(slot) {
            slots.extend([encoded(Insn::new(Op::CallKfunc))?, encoded(Insn::new(Op::Exit))?]);
            slot += 1;
            continue;
        }
        let mut insn = decode(raw).map_err(|error| error.to_string())?;
        if let Some(jump) = insn.jump() {
            let old = i64::from(slot) + 1 + i64::from(jump);
            let target = usize::try_from(old).ok().and_then(|to| moved.get(to));
            let target = target.ok_or("a branch leaves the body")?;
            let new = i64::from(*target) - i64::from(moved[slot as usize]) - 1;
            if matches!(insn.kind(), Kind::Jump { long: true }) {
                insn.imm = new;
            } else {
                insn.off = i16::try_from(new).map_err(|_| "a branch is too far")?;
            }
        }
        let again = encode(&insn).map_err(|error| error.to_string())?;
        slots.extend_from_slice(&again);
        slot += length(insn.slots());
    }
    let mut names = Vec::new();
    for (at, found) in assembled.refs.iter().enumerate() {
        match found.kind {
            RefKind::Call | RefKind::Goto => names.push((moved[found.slot], at)),
            _ => return Err(format!("`{}` is neither called nor a label", found.name)),
        }
    }
    Ok((slots, names))
}

fn encoded(insn: Insn) -> Result<Raw, String> {
    let encoded = encode(&insn).map_err(|error| error.to_string())?;
    encoded.first().copied().ok_or_else(|| "an empty instruction".to_owned())
}
