//! What is tagged in a file: the tags of each declaration, by its id. Compares nothing.

use crate::{Btf, Kind, Type, TypeId};

/// The `btf_decl_tag`s of a file, sorted by what they are on.
#[derive(Debug, Default)]
pub(super) struct Tags<'a> {
    list: Vec<(TypeId, Option<u32>, &'a str)>,
}

impl<'a> Tags<'a> {
    pub(super) fn new(btf: &'a Btf) -> Tags<'a> {
        let mut list = Vec::new();
        for id in btf.ids() {
            if !matches!(btf.head(id), Some((_, Kind::DeclTag))) {
                continue;
            }
            if let Some(Type::DeclTag { name, ty, component, .. }) = btf.get(id) {
                list.push((ty, component, name));
            }
        }
        list.sort_unstable();
        list.dedup();
        Tags { list }
    }

    /// The tags on a type itself, or on one of its members or parameters, with blanks between them.
    pub(super) fn on(&self, id: TypeId, component: Option<u32>) -> String {
        let start = self.list.partition_point(|(ty, place, _)| (*ty, *place) < (id, component));
        let found =
            self.list[start..].iter().take_while(|(ty, place, _)| (*ty, *place) == (id, component));
        let names: Vec<&str> = found.map(|(_, _, name)| *name).collect();
        names.join(" ")
    }
}
