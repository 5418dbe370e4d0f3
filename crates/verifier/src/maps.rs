//! What is known about the maps of a program: sizes, rights, special fields of their values, the
//! contents of read-only data. Reads the object, decides nothing about accesses.

use abide_api::map_types::map_type_name;
use abide_btf::{Btf, Type, TypeId};
use abide_object::{Map, MapOrigin, Object};

/// A field of a value or an object that only functions may touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpecialKind {
    /// `struct bpf_spin_lock`.
    SpinLock,
    /// `struct bpf_res_spin_lock`.
    ResSpinLock,
    /// `struct bpf_timer`, `struct bpf_wq`, `struct bpf_task_work`: by that name.
    Opaque(&'static str),
    /// A pointer to an object that the map owns.
    Kptr {
        /// The struct, in the object's BTF.
        to: TypeId,
        /// `__kptr_untrusted`: loads and stores are allowed, what it points to may be gone.
        untrusted: bool,
        percpu: bool,
    },
}

/// Where a special field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Special {
    pub(crate) offset: u32,
    pub(crate) size: u32,
    pub(crate) kind: SpecialKind,
}

/// Structs with a meaning of their own inside of values, by name.
const OPAQUE: &[&str] = &[
    "bpf_timer",
    "bpf_wq",
    "bpf_task_work",
    "bpf_list_head",
    "bpf_list_node",
    "bpf_rb_root",
    "bpf_rb_node",
    "bpf_refcount",
];

/// A map of the program, or one inside of another.
#[derive(Debug, Clone)]
pub(crate) struct MapFacts {
    pub(crate) name: String,
    /// The name of its type: `hash`.
    pub(crate) kind: &'static str,
    pub(crate) key_size: u32,
    pub(crate) value_size: u32,
    pub(crate) max_entries: u32,
    /// Programs may not store to values, or not load from them.
    pub(crate) readonly: bool,
    pub(crate) writeonly: bool,
    /// The contents that never change.
    pub(crate) frozen: Option<Vec<u8>>,
    pub(crate) special: Vec<Special>,
    /// The map inside, by index.
    pub(crate) inner: Option<u32>,
    /// Its values have no BTF.
    pub(crate) untyped: bool,
}

/// Fields with a state of their own in one value: more, and no host knows of any.
const MAX_SPECIAL: usize = 11;

/// `BPF_F_RDONLY_PROG` and `BPF_F_WRONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;
const WRONLY_PROG: u32 = 1 << 8;

impl MapFacts {
    /// Of the maps that a program uses, in its order; maps inside of others after them.
    pub(crate) fn of(object: &Object, maps: &[abide_object::MapId]) -> Vec<MapFacts> {
        let mut all: Vec<MapFacts> = Vec::new();
        let mut inner = Vec::new();
        for id in maps {
            let map = &object.maps[id.index()];
            if let Some(inside) = &map.inner {
                inner.push((all.len(), &**inside));
            }
            all.push(Self::one(object.btf.as_ref(), map));
        }
        for (outer, map) in inner {
            let facts = Self::one(object.btf.as_ref(), map);
            all[outer].inner = Some(all.len() as u32);
            all.push(facts);
        }
        all
    }

    fn one(btf: Option<&Btf>, map: &Map) -> MapFacts {
        let (frozen, readonly, data) = match &map.origin {
            MapOrigin::Data { bytes, readonly: true, .. } => (Some(bytes.clone()), true, true),
            MapOrigin::Data { .. } => (None, false, true),
            // Its bytes are the host's configuration, which is not known here.
            MapOrigin::Kconfig(_) => (None, true, true),
            _ => (None, false, false),
        };
        let frozen = frozen.filter(|_| map.initial_slots.is_empty());
        let mut special = Vec::new();
        if let (Some(btf), Some(ty)) = (btf, map.value_type) {
            find_special(btf, ty, 0, 0, &mut special);
            special.sort_by_key(|field| field.offset);
        }
        MapFacts {
            name: map.name.clone(),
            kind: map_type_name(map.kind).unwrap_or("unknown"),
            key_size: map.key_size,
            value_size: map.value_size,
            max_entries: if data { 1 } else { map.max_entries },
            readonly: readonly || map.flags & RDONLY_PROG != 0,
            writeonly: map.flags & WRONLY_PROG != 0,
            frozen,
            special,
            inner: None,
            untyped: map.value_type.is_none(),
        }
    }

    /// Whether a pointer into its value stands for the whole map: an array of one value.
    pub(crate) fn direct(&self) -> bool {
        self.kind == "array" || self.kind == "arena"
    }

    /// The special field that bytes of a value touch.
    pub(crate) fn touched(&self, from: i64, to: i64) -> Option<&Special> {
        self.special.iter().find(|field| {
            i64::from(field.offset) < to && from < i64::from(field.offset) + i64::from(field.size)
        })
    }

    /// The special field that begins at an offset.
    pub(crate) fn special_at(&self, offset: i64) -> Option<&Special> {
        self.special.iter().find(|field| i64::from(field.offset) == offset)
    }

    /// The same, for functions to use: hosts know of so many in a value and no more.
    pub(crate) fn usable_at(&self, offset: i64) -> Option<&Special> {
        (self.special.len() <= MAX_SPECIAL).then(|| self.special_at(offset)).flatten()
    }

    /// Its values hold a lock.
    pub(crate) fn has_lock(&self) -> bool {
        self.special
            .iter()
            .any(|field| matches!(field.kind, SpecialKind::SpinLock | SpecialKind::ResSpinLock))
    }
}

/// Special fields of a type, at a known offset. Types nest a bounded number of times.
pub(crate) fn find_special(btf: &Btf, ty: TypeId, base: u32, depth: u32, out: &mut Vec<Special>) {
    if depth > 8 || out.len() > 64 {
        return;
    }
    let id = btf.strip(ty);
    let size = btf.size_of(id).unwrap_or(0) as u32;
    let mut add = |kind| out.push(Special { offset: base, size, kind });
    match btf.get(id) {
        Some(Type::Struct(of)) => {
            match of.name {
                "bpf_spin_lock" => return add(SpecialKind::SpinLock),
                "bpf_res_spin_lock" => return add(SpecialKind::ResSpinLock),
                name => {
                    if let Some(name) = OPAQUE.iter().find(|known| **known == name) {
                        return add(SpecialKind::Opaque(name));
                    }
                }
            }
            for member in of.members.iter().filter(|member| member.bitfield_size == 0) {
                find_special(btf, member.ty, base + member.bit_offset / 8, depth + 1, out);
            }
        }
        Some(Type::Array { elem, len, .. }) => {
            let each = btf.size_of(elem).unwrap_or(0) as u32;
            for at in 0..len.min(64) {
                find_special(btf, elem, base + at * each, depth + 1, out);
            }
        }
        Some(Type::DataSec { vars, .. }) => {
            for var in vars {
                let Some(Type::Var { ty, .. }) = btf.get(var.ty) else { continue };
                find_special(btf, ty, base + var.offset, depth + 1, out);
            }
        }
        Some(Type::Ptr { to }) => {
            let Some(Type::TypeTag { name, to, .. }) = btf.get(to) else { return };
            let (untrusted, percpu) = match name {
                "kptr_untrusted" => (true, false),
                "kptr" | "kptr_ref" => (false, false),
                "percpu_kptr" => (false, true),
                _ => return,
            };
            add(SpecialKind::Kptr { to: btf.unqualified(to), untrusted, percpu });
        }
        _ => {}
    }
}
