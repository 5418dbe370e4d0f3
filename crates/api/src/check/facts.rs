//! What is known of a host before the code of a program is followed: which externs it has, and which
//! values of the configuration are certain.

use abide_btf::Kind;
use abide_object::{ExternKind, Object};

use super::{Code, Host, outside, serve};
use crate::flow::Facts;
use crate::query::Namespace;
use crate::require::{Callee, Requirements};

pub(super) fn of<'a>(
    object: &Object,
    needs: &Requirements,
    host: &Host<'_>,
    code: Code<'a>,
) -> Facts<'a> {
    let mut facts = Facts { code, ..Facts::default() };
    for (number, found) in (0..).zip(&object.externs) {
        let id = abide_object::ExternId(number);
        match found.kind {
            ExternKind::Function { .. } => {
                // What it means is the same for all programs that call it.
                let need = needs
                    .programs
                    .iter()
                    .flat_map(|program| &program.calls)
                    .find(|need| need.callee == Callee::Kfunc(id));
                let Some(need) = need else { continue };
                facts.present.insert(id, serve::exists(host, need));
            }
            ExternKind::Ksym { .. } => {
                if let Some(there) = outside::variable(object, host, id) {
                    facts.present.insert(id, there);
                }
            }
            ExternKind::Kconfig { .. } => {
                if let Some(value) = value(needs, host, &found.name) {
                    facts.values.insert(id, value);
                }
            }
        }
    }
    facts
}

/// A value that loaders find out themselves. Those of the configuration are not known.
fn value(needs: &Requirements, host: &Host<'_>, name: &str) -> Option<u64> {
    match name {
        "LINUX_KERNEL_VERSION" => host.release.map(u64::from),
        "LINUX_HAS_BPF_COOKIE" => {
            let api = &needs.api;
            let cookie = api.definitions_of(Namespace::Callable, "bpf_get_attach_cookie");
            let has = cookie.iter().any(|id| host.profile.service(*id).is_ok());
            (!cookie.is_empty()).then_some(u64::from(has))
        }
        "LINUX_HAS_SYSCALL_WRAPPER" => {
            let btf = host.types?.btf();
            let wrapped = ["__x64_sys_bpf", "__arm64_sys_bpf", "__s390x_sys_bpf"];
            let has = wrapped.iter().any(|name| btf.by_name(Kind::Func, name).is_some());
            Some(u64::from(has))
        }
        _ => None,
    }
}
