//! What the words `__nz`, `__zero` and `no_packet` of a definition say of one argument.

use abide_isa::Reg;

use super::contract::{Contract, Parameter, Takes};
use crate::codes as c;
use crate::reject::Rejection;
use crate::state::value::{Kind, Value};
use crate::walk::Refused;

/// `__zero`: a number that is known to be 0.
pub(super) fn zero(
    contract: &Contract,
    param: &Parameter,
    reg: Reg,
    value: &Value,
) -> Result<(), Refused> {
    if value.as_constant() == Some(0) {
        return Ok(());
    }
    let text = format!("`{}` of {} must be 0; {reg} is {value}", param.name, contract.name);
    Err(Rejection::new(&c::V_CONSTANT, text)
        .kernel(format!("{} doesn't support non-zero {}", contract.name, param.name)))
}

/// `__nz`: a size that is never 0, of the memory that is the argument at a place.
pub(super) fn size(
    contract: &Contract,
    at: usize,
    reg: Reg,
    (least, most): (u64, u64),
) -> Result<(), Refused> {
    let size = contract.params.get(at + 1).map(|size| &size.takes);
    if least > 0 || !matches!(size, Some(Takes::Size { not_zero: true, .. })) {
        return Ok(());
    }
    let text = format!("the size in {reg} may be 0, which {} does not take", contract.name);
    Err(Rejection::new(&c::V_SIZE, text)
        .kernel(format!("R{} invalid zero-sized read: u64=[{least},{most}]", reg.number()))
        .help("check that it is not 0"))
}

/// `no_packet`: memory that is not a packet's.
pub(super) fn packet(contract: &Contract, param: &Parameter, value: &Value) -> Result<(), Refused> {
    if !contract.words.no_packet || !matches!(value.kind, Kind::Packet | Kind::PacketMeta) {
        return Ok(());
    }
    let text = format!("`{}` of {} may not be memory of a packet", param.name, contract.name);
    Err(Rejection::new(&c::V_ARGUMENT, text)
        .kernel("helper access to the packet is not allowed")
        .help("copy it to the stack first"))
}
