//! Objects that are passed: of the type or family that the definition takes, and living as long as it
//! wants.

use abide_isa::Reg;

use super::arguments::{Passed, gap};
use super::contract::{Contract, Family, Parameter};
use crate::codes as c;
use crate::reject::Rejection;
use crate::state::value::{Flags, Kind, Value};
use crate::walk::{Refused, Walk};

/// Structs of sockets.
const SOCKETS: &[&str] = &[
    "bpf_sock",
    "sock",
    "sock_common",
    "tcp_sock",
    "bpf_tcp_sock",
    "tcp6_sock",
    "udp6_sock",
    "tcp_request_sock",
    "tcp_timewait_sock",
    "unix_sock",
    "mptcp_sock",
    "udp_sock",
    "inet_sock",
    "inet_connection_sock",
];

impl Walk<'_> {
    pub(super) fn object_argument(
        &mut self,
        contract: &Contract,
        param: &Parameter,
        reg: Reg,
        value: &Value,
        of: Option<u32>,
        passed: &mut Passed,
    ) -> Result<(), Refused> {
        let wants =
            of.map_or("an object".to_owned(), |of| format!("ptr_{}", self.types.get(of).name));
        let fits = match value.kind {
            // Its family was looked at.
            _ if of.is_none() => true,
            Kind::Object(is) => of.is_none_or(|of| {
                let at = value.fixed_offset().and_then(|at| u64::try_from(at).ok()).unwrap_or(0);
                of == is
                    || at == 0 && contract.kfunc && self.behind(of, is)
                    || at > 0 && self.types.holds(is, at, of)
                    || self.types.holds(is, 0, of)
                    || self.socket_like(of, is)
            }),
            Kind::Context => of.is_some_and(|of| {
                contract.name.starts_with("bpf_get_socket_") && self.types.get(of).name == "sock"
            }),
            // A struct that is only memory: the API or the host's types say its size.
            Kind::Frame(_) | Kind::MapValue(_) if of.is_some() && !contract.words.release => {
                let size =
                    of.and_then(|of| self.types.size(of)).and_then(|size| u32::try_from(size).ok());
                let Some(size) = size else {
                    return Err(gap(contract, param, &format!("the size of {wants} is not known")));
                };
                return self.memory_argument(contract, param, reg, value, size, (true, true));
            }
            _ => false,
        };
        if !fits {
            return Err(self.mismatch(contract, param, reg, value, &wants));
        }
        let inside = match (value.kind, of, value.fixed_offset()) {
            (Kind::Object(is), Some(of), Some(at)) => {
                u64::try_from(at).is_ok_and(|at| at > 0 && self.types.holds(is, at, of))
            }
            _ => false,
        };
        if value.fixed_offset() != Some(0) && (!inside || contract.words.release) {
            return Err(Rejection::new(
                &c::V_ARGUMENT,
                format!("{reg} does not point to the beginning of the object"),
            )
            .kernel(format!(
                "R{} must have zero offset when passed to release func or trusted arg to kfunc",
                reg.number()
            )));
        }
        let percpu = value.flags.has(Flags::PERCPU) && of.is_some();
        if value.flags.has(Flags::UNTRUSTED) || percpu {
            return Err(Rejection::new(
                &c::V_ARGUMENT,
                format!("{reg} may point to an object that is gone"),
            )
            .kernel(format!("R{} must be referenced or trusted", reg.number())));
        }
        let words = &contract.words;
        let lives = value.owner != 0
            || value.flags.has(Flags::TRUSTED)
            || value.flags.has(Flags::ALLOCATED) && !value.flags.has(Flags::RCU)
            || words.rcu && value.flags.has(Flags::RCU);
        if !lives && matches!(value.kind, Kind::Object(_)) && (words.trusted || words.rcu) {
            let (text, kernel) = match (value.flags.has(Flags::RCU), words.rcu) {
                (true, _) => (
                    "points to an object that lives only until the RCU section ends",
                    "must be referenced or trusted",
                ),
                (_, true) => ("may point to an object that is gone", "must be a rcu pointer"),
                _ => ("may point to an object that is gone", "must be referenced or trusted"),
            };
            return Err(Rejection::new(&c::V_ARGUMENT, format!("{reg} {text}"))
                .kernel(format!("R{} {kernel}", reg.number())));
        }
        passed.object = Some(*value);
        if value.owner != 0 {
            passed.owner = value.owner;
        }
        if contract.words.release && passed.released.is_none() {
            if !self.state.owns(value.owner) {
                return Err(Rejection::new(
                    &c::V_RELEASE,
                    format!("{reg} is not an object that the program owns"),
                )
                .kernel(format!(
                    "R{} must be referenced when passed to release function",
                    reg.number()
                )));
            }
            passed.released = Some(value.owner);
        }
        Ok(())
    }

    /// Whether a value is one of those that `void *` stands for.
    pub(super) fn of_family(&self, family: Family, value: &Value) -> bool {
        let flags = value.flags;
        match (family, value.kind) {
            (Family::Socket, Kind::Object(is)) => {
                SOCKETS.contains(&self.types.get(is).name.as_str())
            }
            (Family::Socket, Kind::Context) => {
                // What sockets are told about.
                matches!(
                    self.context.name.as_deref(),
                    Some("bpf_sock_addr" | "bpf_sock_ops" | "bpf_sock")
                )
            }
            (Family::Record, Kind::Memory(_)) => flags.has(Flags::RECORD),
            (Family::Allocated { percpu }, Kind::Object(_)) => {
                flags.has(Flags::ALLOCATED) && flags.has(Flags::PERCPU) == percpu
            }
            (Family::Owned, Kind::Object(_)) => value.owner != 0,
            (Family::OfCpus, Kind::Object(_) | Kind::Memory(_)) => {
                flags.has(Flags::PERCPU) && !flags.any(Flags::ALLOCATED.with(Flags::UNTRUSTED))
            }
            _ => false,
        }
    }

    /// Whether a struct is what the host keeps behind a context of programs.
    fn behind(&self, context: u32, is: u32) -> bool {
        let (context, is) = (&self.types.get(context).name, &self.types.get(is).name);
        super::objects::KERNEL.iter().any(|(seen, kernel)| context == seen && is == kernel)
    }

    /// Structs of sockets stand for each other where the kernel takes any of them.
    fn socket_like(&self, a: u32, b: u32) -> bool {
        let known = |of: u32| SOCKETS.contains(&self.types.get(of).name.as_str());
        known(a) && known(b)
    }
}
