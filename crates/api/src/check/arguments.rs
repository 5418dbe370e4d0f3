//! Whether what a program is attached to has all arguments that the program looks at: by the types of the
//! kernel, which lets it look at no others.

use abide_btf::{Btf, Kind, Type, TypeId};
use abide_object::{AttachTarget, AttachType, MapOrigin, Object, ProgramType, Target};

use super::{Host, Status};
use crate::bind::codes as c;
use crate::flow::{Access, Reached};
use crate::refusal::Refusal;
use crate::require::ARGUMENT;

/// What is called with the program's context as arguments.
struct Called {
    name: String,
    /// How many arguments, as places of eight bytes.
    places: u32,
    /// The result stands after them.
    result: bool,
}

/// A refusal and the first access that it is about, if there is one.
pub(super) fn missing(
    object: &Object,
    host: &Host<'_>,
    index: usize,
    reached: &Reached,
) -> Option<(Access, Status)> {
    let called = called(object, host.types?.btf(), index)?;
    let end = (called.places + u32::from(called.result)) * ARGUMENT;
    let outside = |access: &&Access| u32::try_from(access.offset).is_ok_and(|offset| offset >= end);
    let first = reached.context.iter().find(outside)?;
    let name = abide_diag::printable(&called.name).into_owned();
    let (on, wanted) = (host.profile.name(), first.offset.cast_unsigned() / ARGUMENT + 1);
    let has = match called.places {
        1 => "1 argument".to_owned(),
        count => format!("{count} arguments"),
    };
    let message = format!("`{name}` has {has} on {on}, and the program looks at number {wanted}");
    let refusal = Refusal::new(&c::R_NO_ARGUMENT, name, message)
        .help("ask for the kernel first, and leave the access out where it has fewer");
    Some((*first, Status::Refused(refusal)))
}

fn called(object: &Object, btf: &Btf, index: usize) -> Option<Called> {
    let program = &object.programs[index];
    if program.program_type == Some(ProgramType::StructOps) {
        return member(object, btf, index);
    }
    let attach = program.attach_type?;
    let traced = matches!(
        attach,
        AttachType::TraceFentry
            | AttachType::TraceFexit
            | AttachType::TraceFsession
            | AttachType::ModifyReturn
            | AttachType::TraceRawTp
            | AttachType::LsmMac
            | AttachType::LsmCgroup
    );
    let Some(AttachTarget::Btf { kind, name, .. }) = program.attach.as_ref().filter(|_| traced)
    else {
        return None;
    };
    let id = btf.by_name(*kind, name)?;
    let tracepoint = attach == AttachType::TraceRawTp;
    let proto = match btf.get(id)? {
        Type::Func { proto, .. } if *kind == Kind::Func => proto,
        Type::Typedef { .. } => pointee(btf, id)?,
        _ => return None,
    };
    // The first argument of a tracepoint's function is not the program's.
    let places = places(btf, proto, usize::from(tracepoint))?;
    let result = !matches!(attach, AttachType::TraceFentry | AttachType::TraceRawTp);
    let shown = name.strip_prefix("btf_trace_").filter(|_| tracepoint).unwrap_or(name);
    Some(Called { name: shown.to_owned(), places, result })
}

/// The member of the host's struct that a program of operations is put into.
fn member(object: &Object, btf: &Btf, index: usize) -> Option<Called> {
    let function = Target::Function(object.programs[index].function);
    let tables = object.maps.iter().filter(|map| matches!(map.origin, MapOrigin::StructOps { .. }));
    for map in tables {
        let Some((number, _)) = map.initial_slots.iter().find(|(_, target)| *target == function)
        else {
            continue;
        };
        let own = object.btf.as_ref()?;
        let Some(Type::Struct(body)) = own.get(own.strip(map.value_type?)) else { return None };
        let name = body.members.iter().nth(*number as usize)?.name;
        let structure = abide_btf::core::essential(body.name);
        let id = btf.by_name(Kind::Struct, structure)?;
        let Some(Type::Struct(theirs)) = btf.get(id) else { return None };
        let member = theirs.members.iter().find(|member| member.name == name)?;
        let places = places(btf, pointee(btf, member.ty)?, 0)?;
        return Some(Called { name: format!("{structure}.{name}"), places, result: false });
    }
    None
}

/// What a pointer points to, names and qualifiers left out.
fn pointee(btf: &Btf, id: TypeId) -> Option<TypeId> {
    match btf.get(btf.strip(id))? {
        Type::Ptr { to } => Some(btf.strip(to)),
        _ => None,
    }
}

/// How many places the arguments of a function take; `None` if BTF does not tell.
fn places(btf: &Btf, proto: TypeId, skipped: usize) -> Option<u32> {
    let Type::FuncProto { params, .. } = btf.get(proto)? else { return None };
    let mut places = 0;
    for param in params.iter().skip(skipped) {
        let size = u32::try_from(btf.size_of(param.ty)?).ok()?;
        places += size.div_ceil(ARGUMENT);
    }
    Some(places)
}
