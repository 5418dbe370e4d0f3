//! Questions about types: size, what is behind the names. Follows ids, decides nothing.

use crate::Btf;
use crate::parse::{count_of, extra_words};
use crate::types::{Kind, Linkage, Type, TypeId};

impl Btf {
    /// What is behind typedefs, `const`, `volatile`, `restrict` and type tags.
    pub fn strip(&self, id: TypeId) -> TypeId {
        let mut id = id;
        // `Btf::parse` made sure that this ends.
        while let Some((record, kind)) = self.head(id) {
            match kind {
                Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                    id = TypeId(record[2]);
                }
                _ => break,
            }
        }
        id
    }

    /// What is behind `const`, `volatile`, `restrict` and type tags, typedefs left as they are.
    pub fn unqualified(&self, id: TypeId) -> TypeId {
        let mut id = id;
        while let Some((record, kind)) = self.head(id) {
            match kind {
                Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                    id = TypeId(record[2]);
                }
                _ => break,
            }
        }
        id
    }

    /// The size of a value in bytes; pointers have 8. `None` for functions, `void`, types that are
    /// only declared, and arrays beyond 64 bits.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut id = id;
        let mut count = 1_u64;
        loop {
            // Names are of no interest here, and looking them up is most of the work.
            let (record, kind) = self.head(id)?;
            let size = match kind {
                Kind::Typedef
                | Kind::Volatile
                | Kind::Const
                | Kind::Restrict
                | Kind::TypeTag
                | Kind::Var => {
                    id = TypeId(record[2]);
                    continue;
                }
                Kind::Array => {
                    count = count.checked_mul(u64::from(record[5]))?;
                    id = TypeId(record[3]);
                    continue;
                }
                Kind::Ptr => 8,
                Kind::Int
                | Kind::Float
                | Kind::Struct
                | Kind::Union
                | Kind::Enum
                | Kind::Enum64
                | Kind::DataSec => record[2],
                Kind::Fwd | Kind::Func | Kind::FuncProto | Kind::DeclTag => return None,
            };
            return count.checked_mul(u64::from(size));
        }
    }

    /// Skipped bits and width, if this is an integer type that does not fill its bytes: how
    /// compilers before the kind flag described bit fields.
    pub(crate) fn narrow_int(&self, id: TypeId) -> Option<(u32, u32)> {
        let (record, kind) = self.head(self.strip(id))?;
        if kind != Kind::Int {
            return None;
        }
        let (size, encoding) = (record[2], record[3]);
        let (bits, offset) = (encoding & 0xff, encoding >> 16 & 0xff);
        (bits != size * 8 || offset != 0).then_some((offset, bits))
    }

    /// Fills in the size of a section and the offsets of what lies in it, which compilers leave to
    /// the linker, and sorts it by them. `place` knows the offset of a variable or function by its
    /// name; what it does not know keeps its offset. Nothing happens if `id` is no section of this file.
    pub fn place_section(
        &mut self,
        id: TypeId,
        size: u32,
        mut place: impl FnMut(&str, Linkage) -> Option<u32>,
    ) {
        let own = id.0.checked_sub(self.types_below()).filter(|own| *own > 0);
        let start = own.and_then(|own| self.starts.get(own as usize));
        let Some(start) = start.map(|start| *start as usize) else { return };
        let Some(Type::DataSec { vars, .. }) = self.get(id) else { return };
        let mut placed: Vec<[u32; 3]> = Vec::with_capacity(vars.len());
        for var in vars {
            let (name, linkage) = match self.get(var.ty) {
                Some(Type::Var { name, linkage, .. } | Type::Func { name, linkage, .. }) => {
                    (name, linkage)
                }
                _ => ("", Linkage::Static),
            };
            let offset = place(name, linkage).unwrap_or(var.offset);
            placed.push([var.ty.0, offset, var.size]);
        }
        placed.sort_by_key(|[_, offset, _]| *offset);
        let count = count_of(self.words[start + 1]);
        let body = start + 3..start + 3 + extra_words(Kind::DataSec, count);
        self.words[start + 2] = size;
        self.words[body].copy_from_slice(placed.as_flattened());
    }
}
