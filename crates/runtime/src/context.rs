//! The context that a program is handed: laid out by the API's struct, filled by the host, with the
//! packet if there is one. Knows no program type: what a field means is in the API file.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use abide_api::ctype::CType;
use abide_api::model::{Api, DefId, DefKind, Field, FieldRole};
use abide_diag::{Diagnostic, Report};

use crate::codes;
use crate::memory::{GuestMemory, MapSpace, PACKET, Packet, address};
use crate::trap::Trap;

/// No field at this byte.
const PADDING: u16 = u16::MAX;

/// The rules of a context struct, by byte.
#[derive(Debug)]
pub(crate) struct ContextLayout {
    name: String,
    size: u32,
    fields: Vec<Rule>,
    by_byte: Vec<u16>,
    packet_writable: bool,
}

#[derive(Debug)]
struct Rule {
    name: String,
    offset: u32,
    size: u32,
    role: FieldRole,
    writable: bool,
}

impl ContextLayout {
    /// Of a struct definition; `None` if it is none, or opaque.
    pub(crate) fn of(api: &Api, id: DefId) -> Option<Self> {
        let definition = api.definition(id);
        let DefKind::Struct(body) = &definition.kind else { return None };
        if body.opaque {
            return None;
        }
        Some(Self::new(&definition.name, body.size, &body.fields))
    }

    pub(crate) fn new(name: &str, size: u32, fields: &[Field]) -> Self {
        let mut by_byte = vec![PADDING; size as usize];
        for (index, field) in fields.iter().enumerate().take(usize::from(PADDING)) {
            let bytes = by_byte.iter_mut().skip(field.offset as usize).take(field.size as usize);
            bytes.for_each(|byte| *byte = index as u16);
        }
        let constant = |ty: &CType| matches!(ty.pointee(), Some(CType::Const(_)));
        let packet_writable =
            fields.iter().all(|field| field.role != FieldRole::Packet || !constant(&field.ty));
        let fields = fields
            .iter()
            .map(|field| Rule {
                name: field.name.clone(),
                offset: field.offset,
                size: field.size,
                role: field.role,
                writable: field.writable,
            })
            .collect();
        ContextLayout { name: name.to_owned(), size, fields, by_byte, packet_writable }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    pub(crate) fn packet_writable(&self) -> bool {
        self.packet_writable
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Where a plain field is.
    pub(crate) fn plain(&self, name: &str) -> Result<Range<usize>, ContextError> {
        let (context, field) = (self.name.clone(), name.to_owned());
        let Some(rule) = self.fields.iter().find(|field| field.name == name) else {
            let known = self.fields.iter().map(|rule| rule.name.clone()).collect();
            return Err(ContextError::NoField { context, field, known });
        };
        if rule.role != FieldRole::Plain {
            return Err(ContextError::PacketField { context, field });
        }
        Ok(rule.offset as usize..(rule.offset + rule.size) as usize)
    }

    /// The field that an access lies in, or why there is none.
    fn field_at(&self, offset: u32, size: u32, verb: &str) -> Result<&Rule, Trap> {
        let refuse = |why: &str| {
            let message = format!("{verb} of {size} bytes at offset {offset} of the context");
            Trap::new(&codes::T_CONTEXT, message).note(why.to_owned())
        };
        let name = &self.name;
        if u64::from(offset) + u64::from(size) > u64::from(self.size) {
            return Err(refuse(&format!("`struct {name}` has {} bytes", self.size)));
        }
        let field = self.by_byte.get(offset as usize).copied().unwrap_or(PADDING);
        let Some(field) = self.fields.get(usize::from(field)) else {
            return Err(refuse(&format!("`struct {name}` has no field there")));
        };
        if offset + size > field.offset + field.size {
            return Err(refuse(&format!("it goes beyond the field `{}`", field.name)));
        }
        if !offset.is_multiple_of(size) {
            return Err(refuse("it is not aligned"));
        }
        Ok(field)
    }

    #[inline]
    pub(crate) fn load(
        &self,
        bytes: &[u8],
        packet: Option<&Packet>,
        offset: u32,
        size: u32,
    ) -> Result<u64, Trap> {
        let field = self.field_at(offset, size, "read")?;
        if field.role == FieldRole::Plain {
            let start = offset as usize;
            return Ok(match size {
                1 => bytes.get(start).map(|byte| u64::from(*byte)),
                2 => word(bytes, start).map(|word| u64::from(u16::from_ne_bytes(word))),
                4 => word(bytes, start).map(|word| u64::from(u32::from_ne_bytes(word))),
                _ => word(bytes, start).map(u64::from_ne_bytes),
            }
            .unwrap_or(0));
        }
        if offset != field.offset || size != field.size {
            let message = format!("read of {size} of the {} bytes of `{}`", field.size, field.name);
            return Err(Trap::new(&codes::T_CONTEXT, message)
                .note("the field is a pointer into the packet, and can only be read as a whole"));
        }
        let Some(packet) = packet else { return Ok(0) };
        Ok(address(
            PACKET,
            match field.role {
                FieldRole::PacketEnd => packet.end,
                FieldRole::PacketMeta => packet.meta,
                FieldRole::Packet | FieldRole::Plain => packet.data,
            },
        ))
    }

    pub(crate) fn store(
        &self,
        bytes: &mut [u8],
        offset: u32,
        size: u32,
        value: u64,
    ) -> Result<(), Trap> {
        let field = self.field_at(offset, size, "write")?;
        if !field.writable || field.role != FieldRole::Plain {
            let message = format!("write to the field `{}` of the context", field.name);
            return Err(Trap::new(&codes::T_CONTEXT, message)
                .note(format!("`{}.{}` is not declared `writable`", self.name, field.name)));
        }
        let start = offset as usize;
        if let Some(target) = bytes.get_mut(start..start + size as usize) {
            match size {
                1 => target.copy_from_slice(&(value as u8).to_ne_bytes()),
                2 => target.copy_from_slice(&(value as u16).to_ne_bytes()),
                4 => target.copy_from_slice(&(value as u32).to_ne_bytes()),
                _ => target.copy_from_slice(&value.to_ne_bytes()),
            }
        }
        Ok(())
    }
}

fn word<const N: usize>(bytes: &[u8], start: usize) -> Option<[u8; N]> {
    bytes.get(start..start + N)?.try_into().ok()
}

/// The host used a context wrongly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContextError {
    /// There is no such field.
    #[error("`{context}` has no field `{field}`")]
    NoField {
        /// The struct.
        context: String,
        /// The field asked for.
        field: String,
        /// The fields that it has.
        known: Vec<String>,
    },
    /// The field is a pointer into the packet.
    #[error("the field `{field}` of `{context}` follows from the packet")]
    PacketField {
        /// The struct.
        context: String,
        /// The field.
        field: String,
    },
    /// The value does not fit into the field.
    #[error("{value} does not fit into the {size} bytes of `{context}.{field}`")]
    Range {
        /// The struct.
        context: String,
        /// The field.
        field: String,
        /// Its size.
        size: u32,
        /// The value, or a size in words.
        value: String,
    },
}

impl Report for ContextError {
    fn report(&self) -> Diagnostic {
        let error = Diagnostic::error(&codes::T_CONTEXT_VALUE, self.to_string());
        match self {
            ContextError::NoField { known, .. } => {
                error.help(format!("its fields are {}", known.join(", ")))
            }
            ContextError::PacketField { .. } => error.help("give the context a packet instead"),
            ContextError::Range { .. } => error,
        }
    }
}

/// What a program is handed, and what it leaves. Made by [`Program::context`](crate::Program::context),
/// and good for any number of runs.
pub struct Context {
    pub(crate) memory: GuestMemory,
    pub(crate) space: Arc<MapSpace>,
    pub(crate) cpu: u32,
    pub(crate) fuel: Option<u64>,
}

impl Context {
    pub(crate) fn new(layout: Option<Arc<ContextLayout>>, space: Arc<MapSpace>) -> Self {
        Context { memory: GuestMemory::new(layout, &space), space, cpu: 0, fuel: None }
    }

    /// Sets a field of 1, 2, 4 or 8 bytes. Whether programs may write it does not matter to the host.
    pub fn set(&mut self, field: &str, value: impl Into<i128>) -> Result<&mut Self, ContextError> {
        self.memory.set_field(field, value.into())?;
        Ok(self)
    }

    /// Sets all bytes of a field: of an array, a struct.
    pub fn set_bytes(&mut self, field: &str, bytes: &[u8]) -> Result<&mut Self, ContextError> {
        self.memory.set_field_bytes(field, bytes)?;
        Ok(self)
    }

    /// The value of a field of up to 8 bytes, zero-extended.
    pub fn get(&self, field: &str) -> Result<u64, ContextError> {
        self.memory.field(field)
    }

    /// All bytes of the context struct.
    pub fn bytes(&self) -> &[u8] {
        self.memory.context()
    }

    /// Sets all bytes of the context struct at once; more are cut off, fewer leave the rest.
    pub fn fill(&mut self, bytes: &[u8]) -> &mut Self {
        let target = self.memory.context_mut();
        let size = bytes.len().min(target.len());
        target[..size].copy_from_slice(&bytes[..size]);
        self
    }

    /// Gives it a packet: a copy, with room before and after it for functions that move its bounds.
    pub fn packet(&mut self, bytes: &[u8]) -> &mut Self {
        self.memory.set_packet(bytes);
        self
    }

    /// The packet as it is now.
    pub fn packet_bytes(&self) -> Option<&[u8]> {
        self.memory.packet_bytes()
    }

    /// Runs on this CPU from now on: which copy of per-CPU values the program sees.
    pub fn on_cpu(&mut self, cpu: u32) -> &mut Self {
        self.cpu = cpu;
        self
    }

    /// How many instructions one run may execute, instead of the host's limit.
    pub fn fuel(&mut self, instructions: u64) -> &mut Self {
        self.fuel = Some(instructions);
        self
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("bytes", &self.bytes())
            .field("packet", &self.packet_bytes().map(<[u8]>::len))
            .field("cpu", &self.cpu)
            .finish_non_exhaustive()
    }
}
