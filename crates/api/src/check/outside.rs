//! What only the types of a kernel can answer: functions to attach to, variables, CO-RE, struct_ops.

use abide_btf::core::{Patched, Poison};
use abide_btf::{Kind, Type};
use abide_diag::printable;
use abide_object::{AttachTarget, ExternId, ExternKind, MapOrigin, Object, Outcome};

use super::{Host, Status};
use crate::bind::codes as c;
use crate::refusal::Refusal;

/// Why a question is open.
pub(super) const NO_TYPES: &str = "it takes the types of the kernel (BTF) to know";
const IN_MODULE: &str = "it takes the types of the module to know";
const SYMBOLS: &str = "a symbol without a type: only the running kernel knows";
pub(super) const LEFT: &str = "the object leaves the size of its keys or values to its own loader";
pub(super) const CONFIG: &str = "a value of the kernel's configuration";

/// Whether the host has a variable, if that is known.
pub(super) fn variable(object: &Object, host: &Host<'_>, id: ExternId) -> Option<bool> {
    let types = host.types?;
    crate::require::is_typed(object, id)
        .then(|| types.btf().by_name(Kind::Var, &object.externs[id.index()].name).is_some())
}

/// An extern that is no function.
pub(super) fn external(object: &Object, host: &Host<'_>, id: ExternId) -> Status {
    let found = &object.externs[id.index()];
    if let ExternKind::Kconfig { .. } = found.kind {
        return match found.name.starts_with("LINUX_") || found.weak {
            true => Status::There,
            false => Status::Open(CONFIG),
        };
    }
    match variable(object, host, id) {
        Some(true) => Status::There,
        _ if found.weak => Status::NotNeeded,
        Some(false) => {
            let name = printable(&found.name);
            Status::Refused(Refusal::new(
                &c::R_NO_SYMBOL,
                name.clone(),
                format!("the types of {} have no variable `{name}`", host.profile.name()),
            ))
        }
        None if !crate::require::is_typed(object, id) => Status::Open(SYMBOLS),
        None => Status::Open(NO_TYPES),
    }
}

/// What a program is attached to, if its section says it and the kernel looks for it at load.
pub(super) fn target(object: &Object, host: &Host<'_>, program: usize) -> Option<Status> {
    let Some(AttachTarget::Btf { module, kind, name }) = &object.programs[program].attach else {
        return None;
    };
    let Some(types) = host.types else { return Some(Status::Open(NO_TYPES)) };
    if types.btf().by_name(*kind, name).is_some() {
        return Some(Status::There);
    }
    if module.as_ref().is_some_and(|module| module != "vmlinux") {
        return Some(Status::Open(IN_MODULE));
    }
    let shown = printable(name);
    let what = if *kind == Kind::Typedef { "type" } else { "function" };
    Some(Status::Refused(
        Refusal::new(
            &c::R_NO_SYMBOL,
            shown.clone(),
            format!("the types of {} have no {what} `{shown}` to attach to", host.profile.name()),
        )
        .note("it was built without it, or a module has it whose types are not given"),
    ))
}

/// A CO-RE relocation that an instruction which can run depends on.
pub(super) fn relocation(object: &Object, host: &Host<'_>, at: usize, outcome: &Outcome) -> Status {
    let subject = || match (&object.btf, &outcome.resolution) {
        (Some(btf), Some(resolution)) => resolution.local.show(btf).to_string(),
        (Some(btf), None) => printable(btf.declaration(object.core[at].ty, "").trim()).into_owned(),
        (None, _) => format!("relocation {at}"),
    };
    let name = host.profile.name();
    match &outcome.result {
        Ok(Patched::Value { .. }) => Status::There,
        Ok(Patched::Poisoned(why)) => {
            let subject = subject();
            let message = match why {
                Poison::NoType | Poison::NoField | Poison::NoValue => {
                    format!("the types of {name} have no `{subject}`")
                }
                Poison::Resized => format!("`{subject}` has another size on {name}"),
            };
            Status::Refused(Refusal::new(&c::R_NO_TYPE, subject, message).note(why.why()).help(
                match why {
                    Poison::NoType => "ask first, with bpf_core_type_exists()",
                    Poison::NoField => "ask first, with bpf_core_field_exists()",
                    Poison::NoValue => "ask first, with bpf_core_enum_value_exists()",
                    Poison::Resized => {
                        "read the field with bpf_core_read(), or BPF_CORE_READ_BITFIELD()"
                    }
                },
            ))
        }
        Err(error) => {
            let subject = subject();
            let message = format!("`{subject}` cannot be relocated for {name}: {error}");
            Status::Refused(Refusal::new(&c::R_NOT_RELOCATED, subject, message))
        }
    }
}

/// Whether the host's struct has a member, if its types are known.
pub(super) fn member(host: &Host<'_>, structure: &str, member: &str) -> Option<bool> {
    let btf = host.types?.btf();
    let Some(Type::Struct(body)) = btf.get(btf.by_name(Kind::Struct, structure)?) else {
        return None;
    };
    Some(body.members.iter().any(|found| found.name == member))
}

/// The kernel's type behind a struct_ops map that is made.
pub(super) fn struct_ops(object: &Object, host: &Host<'_>, map: usize) -> Option<Status> {
    let map = &object.maps[map];
    let MapOrigin::StructOps { autocreate: true, .. } = map.origin else { return None };
    let btf = object.btf.as_ref()?;
    let Some(Type::Struct(found)) = btf.get(btf.strip(map.value_type?)) else { return None };
    let Some(types) = host.types else { return Some(Status::Open(NO_TYPES)) };
    let name = abide_btf::core::essential(found.name);
    let wrapper = format!("bpf_struct_ops_{name}");
    let there =
        [name, &wrapper].iter().all(|name| types.btf().by_name(Kind::Struct, name).is_some());
    if there {
        return Some(Status::There);
    }
    let shown = printable(name);
    Some(Status::Refused(
        Refusal::new(
            &c::R_NO_TYPE,
            shown.clone(),
            format!("{} takes no struct_ops of type `{shown}`", host.profile.name()),
        )
        .note("it was built without it, or a module has it whose types are not given"),
    ))
}
