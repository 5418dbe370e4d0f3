//! Fields of values and objects that only functions may touch: locks, timers, kernel pointers, lists
//! and trees with what they contain. Read from the object's types and their tags; decides nothing
//! about accesses.

use std::collections::HashMap;

use abide_btf::{Btf, Kind, Type, TypeId};

/// What such a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SpecialKind {
    /// `struct bpf_spin_lock`.
    SpinLock,
    /// `struct bpf_res_spin_lock`.
    ResSpinLock,
    /// `struct bpf_timer`, `struct bpf_wq`, `struct bpf_list_node`: by that name.
    Opaque(&'static str),
    /// A pointer to an object that the map owns.
    Kptr {
        /// The struct, in the object's BTF.
        to: TypeId,
        /// `__kptr_untrusted`: loads and stores are allowed, what it points to may be gone.
        untrusted: bool,
        percpu: bool,
    },
    /// The head of a list or the root of a tree.
    Root(Root),
}

/// A list or tree: `contains:STRUCT:NODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Root {
    /// A tree; a list otherwise.
    pub(crate) tree: bool,
    /// The struct that it owns, in the object's BTF.
    pub(crate) of: TypeId,
    /// Where the node is in that.
    pub(crate) node: u32,
}

impl Root {
    /// The struct that it is.
    pub(crate) fn name(self) -> &'static str {
        if self.tree { "bpf_rb_root" } else { "bpf_list_head" }
    }

    /// The struct of its nodes.
    pub(crate) fn node_name(self) -> &'static str {
        if self.tree { "bpf_rb_node" } else { "bpf_list_node" }
    }
}

/// Where a special field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Special {
    pub(crate) offset: u32,
    pub(crate) size: u32,
    pub(crate) kind: SpecialKind,
}

impl Special {
    /// Whether it is the lock of what it is in.
    pub(crate) fn is_lock(&self) -> bool {
        matches!(self.kind, SpecialKind::SpinLock | SpecialKind::ResSpinLock)
    }

    /// Whether functions take it as this struct.
    pub(crate) fn is(&self, name: &str) -> bool {
        match self.kind {
            SpecialKind::SpinLock => name == "bpf_spin_lock",
            SpecialKind::ResSpinLock => name == "bpf_res_spin_lock",
            SpecialKind::Opaque(is) => is == name,
            SpecialKind::Root(root) => root.name() == name,
            SpecialKind::Kptr { .. } => false,
        }
    }
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

/// Whether functions take a pointer to such a struct to do something with its state. A count of owners
/// they find in the object that it is in.
pub(crate) fn is_passed(name: &str) -> bool {
    matches!(name, "bpf_spin_lock" | "bpf_res_spin_lock")
        || name != "bpf_refcount" && OPAQUE.contains(&name)
}

/// Fields with a state of their own in one value: more, and no host knows of any.
pub(crate) const MAX_SPECIAL: usize = 11;

/// The types of an object, with what its tags say of lists and trees.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    btf: &'a Btf,
    /// By the struct and member, or the variable: the struct and the node that are contained.
    contains: HashMap<(TypeId, Option<u32>), (&'a str, &'a str)>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(btf: &'a Btf) -> Self {
        let of = |ty| match ty {
            Type::DeclTag { name, ty, component, .. } => {
                let (of, node) = name.strip_prefix("contains:")?.split_once(':')?;
                Some(((ty, component), (of, node)))
            }
            _ => None,
        };
        Fields { btf, contains: btf.iter().filter_map(|(_, ty)| of(ty)).collect() }
    }

    /// The special fields of a type, by offset.
    pub(crate) fn of(&self, ty: TypeId) -> Vec<Special> {
        let mut all = Vec::new();
        self.find(ty, None, 0, 0, &mut all);
        all.sort_by_key(|field| field.offset);
        // What is owned by others and owns what owns again could own itself.
        if all.iter().any(is_node) {
            for field in &mut all {
                if let SpecialKind::Root(root) = field.kind
                    && self.owns(root.of)
                {
                    field.kind = SpecialKind::Opaque(root.name());
                }
            }
        }
        all
    }

    fn owns(&self, ty: TypeId) -> bool {
        let mut all = Vec::new();
        self.find(ty, None, 0, 0, &mut all);
        all.iter().any(|field| matches!(field.kind, SpecialKind::Root(_)))
    }

    /// What is contained in a root that is this member or variable.
    fn root(&self, at: Option<(TypeId, Option<u32>)>, tree: bool) -> Option<Root> {
        let (of, node) = self.contains.get(&at?)?;
        let id = self.btf.by_name(Kind::Struct, of)?;
        let Some(Type::Struct(found)) = self.btf.get(id) else { return None };
        let member = found.members.iter().find(|member| member.name == *node)?;
        let offset = member.bit_offset / 8;
        let root = Root { tree, of: id, node: offset };
        let fits = self.btf.get(self.btf.strip(member.ty))?.name() == root.node_name()
            && member.bitfield_size == 0
            && offset.is_multiple_of(8);
        fits.then_some(root)
    }

    /// Special fields of a type, at a known offset. Types nest a bounded number of times.
    fn find(
        &self,
        ty: TypeId,
        at: Option<(TypeId, Option<u32>)>,
        base: u32,
        depth: u32,
        out: &mut Vec<Special>,
    ) {
        if depth > 8 || out.len() > 64 {
            return;
        }
        let btf = self.btf;
        let id = btf.strip(ty);
        let size = btf.size_of(id).unwrap_or(0) as u32;
        let mut add = |kind| out.push(Special { offset: base, size, kind });
        match btf.get(id) {
            Some(Type::Struct(of)) => {
                let tree = match of.name {
                    "bpf_spin_lock" => return add(SpecialKind::SpinLock),
                    "bpf_res_spin_lock" => return add(SpecialKind::ResSpinLock),
                    "bpf_list_head" => Some(false),
                    "bpf_rb_root" => Some(true),
                    _ => None,
                };
                if let Some(root) = tree.and_then(|tree| self.root(at, tree)) {
                    return add(SpecialKind::Root(root));
                }
                if let Some(name) = OPAQUE.iter().find(|known| **known == of.name) {
                    return add(SpecialKind::Opaque(name));
                }
                for (index, member) in of.members.iter().enumerate() {
                    if member.bitfield_size == 0 {
                        let at = Some((id, Some(index as u32)));
                        self.find(member.ty, at, base + member.bit_offset / 8, depth + 1, out);
                    }
                }
            }
            Some(Type::Array { elem, len, .. }) => {
                let each = btf.size_of(elem).unwrap_or(0) as u32;
                for index in 0..len.min(64) {
                    self.find(elem, at, base + index * each, depth + 1, out);
                }
            }
            Some(Type::DataSec { vars, .. }) => {
                for var in vars {
                    let Some(Type::Var { ty, .. }) = btf.get(var.ty) else { continue };
                    self.find(ty, Some((var.ty, None)), base + var.offset, depth + 1, out);
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
}

/// Whether it can be in a list or tree by this.
pub(crate) fn is_node(field: &Special) -> bool {
    matches!(field.kind, SpecialKind::Opaque("bpf_list_node" | "bpf_rb_node"))
}

/// Whether a struct holds numbers alone, also in structs and arrays inside.
pub(crate) fn only_numbers(btf: &Btf, ty: TypeId) -> bool {
    let mut work = vec![(ty, 0)];
    while let Some((ty, depth)) = work.pop() {
        match btf.get(btf.strip(ty)) {
            Some(Type::Struct(of)) if depth < 8 => {
                work.extend(of.members.iter().map(|member| (member.ty, depth + 1)));
            }
            Some(Type::Array { elem, .. }) if depth < 8 => work.push((elem, depth + 1)),
            Some(Type::Int { .. } | Type::Enum(_) | Type::Enum64(_)) => {}
            _ => return false,
        }
    }
    true
}
