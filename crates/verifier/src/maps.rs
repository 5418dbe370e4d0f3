//! What is known about the maps of a program: sizes, rights, special fields of their values, the
//! contents of read-only data. Reads the object, decides nothing about accesses.

use abide_api::map_types::map_type_name;
use abide_object::{Map, MapOrigin, Object};

use crate::fields::{Fields, MAX_SPECIAL, Special};

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
    /// As a map inside of others it stands for maps of other sizes, too.
    pub(crate) resized: bool,
    /// Its values have no BTF.
    pub(crate) untyped: bool,
}

/// `BPF_F_RDONLY_PROG` and `BPF_F_WRONLY_PROG`.
const RDONLY_PROG: u32 = 1 << 7;
const WRONLY_PROG: u32 = 1 << 8;

/// `BPF_F_INNER_MAP`.
const INNER_MAP: u32 = 1 << 12;

impl MapFacts {
    /// Of the maps that a program uses, in its order; maps inside of others after them.
    pub(crate) fn of(
        object: &Object,
        fields: Option<&Fields<'_>>,
        maps: &[abide_object::MapId],
    ) -> Vec<MapFacts> {
        let mut all: Vec<MapFacts> = Vec::new();
        let mut inner = Vec::new();
        for id in maps {
            let map = &object.maps[id.index()];
            if let Some(inside) = &map.inner {
                inner.push((all.len(), &**inside));
            }
            all.push(Self::one(fields, map));
        }
        for (outer, map) in inner {
            let facts = Self::one(fields, map);
            all[outer].inner = Some(all.len() as u32);
            all.push(facts);
        }
        all
    }

    fn one(fields: Option<&Fields<'_>>, map: &Map) -> MapFacts {
        let (frozen, readonly, data) = match &map.origin {
            MapOrigin::Data { bytes, readonly: true, .. } => (Some(bytes.clone()), true, true),
            MapOrigin::Data { .. } => (None, false, true),
            // Its bytes are the host's configuration, which is not known here.
            MapOrigin::Kconfig(_) => (None, true, true),
            _ => (None, false, false),
        };
        let frozen = frozen.filter(|_| map.initial_slots.is_empty());
        let typed = fields.zip(map.value_type);
        let special = typed.map(|(fields, ty)| fields.of(ty)).unwrap_or_default();
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
            resized: map.flags & INNER_MAP != 0,
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

    /// Those that functions can use: hosts know of so many in a value and no more.
    pub(crate) fn usable(&self) -> &[Special] {
        if self.special.len() <= MAX_SPECIAL { &self.special } else { &[] }
    }

    /// The one of these that begins at an offset.
    pub(crate) fn usable_at(&self, offset: i64) -> Option<&Special> {
        self.usable().iter().find(|field| i64::from(field.offset) == offset)
    }

    /// Its values hold a lock.
    pub(crate) fn has_lock(&self) -> bool {
        self.special.iter().any(Special::is_lock)
    }
}
