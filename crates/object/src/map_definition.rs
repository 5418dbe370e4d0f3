//! The definition of a map by the type of a variable in `.maps`.
//!
//! Numbers are written as array lengths (`int (*max_entries)[256]`), types as pointers to them.
//! Reads types only; where the variable lies and what its initial values are is not known here.

use abide_btf::{Btf, Member, Type, TypeId};

use crate::error::{ObjectError, Place, Problem};
use crate::model::Map;

/// `BPF_MAP_TYPE_PROG_ARRAY`.
const PROG_ARRAY: u32 = 3;
/// `BPF_MAP_TYPE_ARRAY_OF_MAPS` and `BPF_MAP_TYPE_HASH_OF_MAPS`.
pub(crate) const MAPS_OF_MAPS: [u32; 2] = [12, 13];

/// No definition has anywhere near as many fields.
const FIELDS: usize = 32;

/// A definition, and where in it the initial values are.
pub(crate) struct Definition {
    pub(crate) map: Map,
    /// Bytes from the start of the variable.
    pub(crate) values: Option<u32>,
}

/// Reads the type of a variable as a definition.
pub(crate) fn read(btf: &Btf, name: &str, ty: TypeId) -> Result<Definition, ObjectError> {
    Reader { btf, name }.map(ty, false)
}

struct Reader<'a> {
    btf: &'a Btf,
    name: &'a str,
}

impl Reader<'_> {
    fn map(&self, ty: TypeId, is_inner: bool) -> Result<Definition, ObjectError> {
        let Some(Type::Struct(definition)) = self.btf.get(self.btf.strip(ty)) else {
            return Err(self.map_error("its type is not a struct"));
        };
        if definition.members.len() > FIELDS {
            return Err(self.map_error("it has far too many fields"));
        }
        let mut map = Map {
            name: if is_inner { format!("{}.inner", self.name) } else { self.name.to_owned() },
            ..Map::empty()
        };
        let mut values = None;
        let mut of_programs = false;
        for (number, field) in definition.members.into_iter().enumerate() {
            match field.name {
                "type" => map.kind = self.number(&field)?,
                "max_entries" => map.max_entries = self.number(&field)?,
                "map_flags" => map.flags = self.number(&field)?,
                "numa_node" => map.numa_node = self.number(&field)?,
                "map_extra" => map.extra = self.long(&field)?,
                "key_size" => {
                    let size = self.number(&field)?;
                    self.size(&field, &mut map.key_size, size)?;
                }
                "value_size" => {
                    let size = self.number(&field)?;
                    self.size(&field, &mut map.value_size, size)?;
                }
                "key" => {
                    let (ty, size) = self.pointed(&field)?;
                    self.size(&field, &mut map.key_size, size)?;
                    map.key_type = Some(ty);
                }
                "value" => {
                    let (ty, size) = self.pointed(&field)?;
                    self.size(&field, &mut map.value_size, size)?;
                    map.value_type = Some(ty);
                }
                "pinning" => {
                    map.pinning = self.number(&field)?;
                    if is_inner {
                        return Err(self.field_error(&field, "an inner map cannot be pinned"));
                    }
                    if map.pinning > 1 {
                        return Err(
                            self.field_error(&field, "it can only be 0 (none) or 1 (by name)")
                        );
                    }
                }
                "values" => {
                    if is_inner {
                        return Err(self.field_error(&field, "an inner map cannot hold maps"));
                    }
                    if number + 1 != definition.members.len() {
                        return Err(self.field_error(&field, "it is not the last one"));
                    }
                    match self.values(&field)? {
                        Some(inner) => map.inner = Some(Box::new(inner)),
                        None => of_programs = true,
                    }
                    self.size(&field, &mut map.value_size, 4)?;
                    values = Some(field.bit_offset / 8);
                }
                _ => return Err(self.field_error(&field, "no such field is known")),
            }
        }
        if map.kind == 0 {
            return Err(self.map_error("it has no type"));
        }
        if map.inner.is_some() && !MAPS_OF_MAPS.contains(&map.kind)
            || of_programs && map.kind != PROG_ARRAY
        {
            return Err(self.map_error("its type cannot hold such values"));
        }
        Ok(Definition { map, values })
    }

    fn map_error(&self, what: &'static str) -> ObjectError {
        Problem::Map(what).at(self.place())
    }

    fn field_error(&self, field: &Member<'_>, why: &'static str) -> ObjectError {
        Problem::MapField { field: field.name.to_owned(), why }.at(self.place())
    }

    fn place(&self) -> Place {
        Place::section(".maps").with_symbol(self.name)
    }

    /// What the type of a field points to.
    fn target(&self, field: &Member<'_>) -> Option<TypeId> {
        match self.btf.get(self.btf.strip(field.ty))? {
            Type::Ptr { to } => Some(to),
            _ => None,
        }
    }

    /// `int (*field)[NUMBER]`.
    fn number(&self, field: &Member<'_>) -> Result<u32, ObjectError> {
        let array = self.target(field).and_then(|to| self.btf.get(self.btf.strip(to)));
        match array {
            Some(Type::Array { len, .. }) => Ok(len),
            _ => Err(self.field_error(field, "it is not a number as `__uint` writes it")),
        }
    }

    /// The same, or `enum { NAME = NUMBER } field` for what does not fit 32 bits.
    fn long(&self, field: &Member<'_>) -> Result<u64, ObjectError> {
        match self.btf.get(self.btf.strip(field.ty)) {
            Some(Type::Enum(list) | Type::Enum64(list)) => match list.values.get(0) {
                Some(value) if list.values.len() == 1 => Ok(value.value.cast_unsigned()),
                _ => Err(self.field_error(field, "it is not a number as `__ulong` writes it")),
            },
            _ => self.number(field).map(u64::from),
        }
    }

    /// The type that a field points to, and its size.
    fn pointed(&self, field: &Member<'_>) -> Result<(TypeId, u32), ObjectError> {
        let Some(ty) = self.target(field) else {
            return Err(self.field_error(field, "it is not a type as `__type` writes it"));
        };
        match self.btf.size_of(ty).map(u32::try_from) {
            Some(Ok(size)) => Ok((ty, size)),
            _ => Err(self.field_error(field, "its type has no size")),
        }
    }

    /// A size that may be given twice, but not differently.
    fn size(&self, field: &Member<'_>, known: &mut u32, size: u32) -> Result<(), ObjectError> {
        if *known != 0 && *known != size {
            return Err(self.field_error(field, "it contradicts the size given before"));
        }
        *known = size;
        Ok(())
    }

    /// `struct inner *values[]`, or for programs `void (*values[])(…)`, for which there is no inner map.
    fn values(&self, field: &Member<'_>) -> Result<Option<Map>, ObjectError> {
        let wrong = || self.field_error(field, "it is not an array of maps or functions");
        let Some(Type::Array { elem, .. }) = self.btf.get(self.btf.strip(field.ty)) else {
            return Err(wrong());
        };
        let Some(Type::Ptr { to }) = self.btf.get(self.btf.strip(elem)) else {
            return Err(wrong());
        };
        match self.btf.get(self.btf.strip(to)) {
            Some(Type::Struct(_)) => Ok(Some(self.map(to, true)?.map)),
            Some(Type::FuncProto { .. }) => Ok(None),
            _ => Err(wrong()),
        }
    }
}
