//! Programs of loaders without privileges: they may do less (`rules`), and must not learn addresses, not even
//! while a processor runs ahead by mistake (`speculation`). Looks at no program of others.

mod rules;
pub(crate) mod speculation;

pub(crate) use self::rules::BARRIERS;

use abide_isa::{Imm64Kind, Kind as Op, Reg};

use crate::codes as c;
use crate::reject::Rejection;
use crate::state::value::Value;
use crate::walk::{Refused, Walk};

impl Walk<'_> {
    /// What follows from the program as a whole: its type and size, its maps, functions and loops.
    pub(crate) fn check_unprivileged(&mut self) -> Result<(), Refused> {
        if !self.options.unprivileged || !self.linux() {
            return Ok(());
        }
        let kind = &self.definition;
        if !rules::program(kind) {
            return Err(privileged(&format!("programs of the type {kind}")).kernel("EPERM"));
        }
        let count = self.program.slots.len();
        if count > rules::MAX_SLOTS {
            let text = format!("programs of more than {} instructions", rules::MAX_SLOTS);
            return Err(privileged(&text).known(format!("this one has {count}")).kernel("E2BIG"));
        }
        if let Some(map) = self.maps.iter().find(|map| !rules::map(map.kind)) {
            let text = format!("maps of the kind {}, as `{}` is,", map.kind, map.name);
            return Err(privileged(&text).kernel("EPERM"));
        }
        let code = std::rc::Rc::clone(&self.code);
        let function = |slot: &u32| {
            let kind = code.insn(*slot).map(abide_isa::Insn::kind);
            matches!(kind, Some(Op::CallLocal | Op::CallKfunc | Op::LdImm64(Imm64Kind::CodeAddr)))
        };
        if let Some(slot) = (0..code.insns.len() as u32).find(function) {
            self.slot = slot;
            return Err(privileged("functions, of the program or of the kernel,")
                .kernel("loading/calling other bpf or kernel functions are allowed for CAP_BPF and CAP_SYS_ADMIN")
                .help("make the functions `static __always_inline`"));
        }
        if let Some((from, to)) = code.back_edge() {
            self.slot = from;
            return Err(privileged("loops")
                .kernel(format!("back-edge from insn {from} to {to}"))
                .help("unroll the loop: #pragma unroll"));
        }
        Ok(())
    }

    /// Whether a program may call a helper.
    pub(crate) fn check_unprivileged_call(&self, name: &str) -> Result<(), Refused> {
        if !self.options.unprivileged || !self.linux() || rules::helper(name) {
            return Ok(());
        }
        Err(privileged(name).kernel(format!("program of this type cannot use helper {name}")))
    }

    /// Whether numbers on the stack, and numbers that differ by a constant, are kept in mind: Linux does so for
    /// loaders with privileges.
    pub(crate) fn keeps_in_mind(&self) -> bool {
        !self.options.unprivileged || !self.linux()
    }

    /// What is left of a pointer to something that is gone: a number, which must not be learned either.
    pub(crate) fn gone(&self) -> Value {
        if self.options.unprivileged { Value::UNINIT } else { Value::UNKNOWN }
    }

    /// What is in a register must not be an address. `what` happens to it; the kernel's words follow its name of
    /// the register.
    pub(crate) fn secret(
        &self,
        value: &Value,
        reg: Reg,
        what: &str,
        kernel: &str,
    ) -> Result<(), Refused> {
        if !self.options.unprivileged || !value.is_pointer() {
            return Ok(());
        }
        Err(disclosed(format!("{reg} is {value}, and {what}"))
            .kernel(format!("R{} {kernel}", reg.number())))
    }
}

/// Something would disclose an address.
pub(crate) fn disclosed(text: String) -> Refused {
    Rejection::new(&c::V_DISCLOSED, text)
        .help("a program that is loaded without privileges must not learn addresses")
}

/// Something is for loaders with privileges.
fn privileged(what: &str) -> Refused {
    Rejection::new(&c::V_PRIVILEGED, format!("{what} need a loader with privileges"))
}
