//! What a kernel's BTF says by itself: numbers of helpers, kfuncs, constants, program types that were
//! built, fields. Knows no API file; `standing` compares with one.

use std::collections::{BTreeMap, HashMap, HashSet};

use abide_btf::{Btf, Enumeration, Kind, Type, TypeId};

use crate::error::ProfileError;

/// The tag by which pahole marks kfuncs.
const KFUNC_TAG: &str = "bpf_kfunc";
/// What the names of helper numbers begin with.
const HELPER: &str = "BPF_FUNC_";

/// What a kernel says of itself. Borrows its names from the BTF.
#[derive(Debug)]
pub struct Profile<'b> {
    btf: &'b Btf,
    helpers: BTreeMap<String, u32>,
    constants: HashMap<&'b str, i64>,
    kfuncs: BTreeMap<&'b str, TypeId>,
    program_types: Option<HashSet<String>>,
}

/// A function of the kernel that programs may be able to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kfunc {
    /// The `FUNC`.
    pub id: TypeId,
    /// It is tagged as a kfunc.
    pub tagged: bool,
}

impl<'b> Profile<'b> {
    /// Reads a kernel's BTF.
    ///
    /// # Errors
    /// If it is not the BTF of a whole kernel.
    pub fn of(btf: &'b Btf) -> Result<Profile<'b>, ProfileError> {
        let helpers = helpers(btf).ok_or(ProfileError::NotAKernel)?;
        let mut constants = HashMap::new();
        let mut kfuncs = BTreeMap::new();
        for (_, ty) in btf.iter() {
            match ty {
                Type::Enum(body) | Type::Enum64(body) => {
                    for value in body.values.iter() {
                        constants.entry(value.name).or_insert(value.value);
                    }
                }
                Type::DeclTag { name: KFUNC_TAG, ty, component: None, .. } => {
                    if let Some(Type::Func { name, .. }) = btf.get(ty) {
                        kfuncs.insert(name, ty);
                    }
                }
                _ => {}
            }
        }
        Ok(Profile { btf, helpers, constants, kfuncs, program_types: program_types(btf) })
    }

    /// The BTF.
    pub fn btf(&self) -> &'b Btf {
        self.btf
    }

    /// Helpers by name (`bpf_map_lookup_elem`), with their numbers here.
    pub fn helpers(&self) -> &BTreeMap<String, u32> {
        &self.helpers
    }

    /// The value of an enumeration constant, in whatever enum it stands.
    pub fn constant(&self, name: &str) -> Option<i64> {
        self.constants.get(name).copied()
    }

    /// The constants of an enum of the UAPI (`bpf_attach_type`), in their order.
    pub fn constants_of(&self, name: &str) -> Vec<(&'b str, i64)> {
        let values = enumeration(self.btf, name).map(|found| found.values.iter());
        values.into_iter().flatten().map(|value| (value.name, value.value)).collect()
    }

    /// Functions that are tagged as kfuncs, by name. Builds by old paholes have none.
    pub fn tagged_kfuncs(&self) -> impl ExactSizeIterator<Item = (&'b str, TypeId)> + '_ {
        self.kfuncs.iter().map(|(name, id)| (*name, *id))
    }

    /// Whether any function is tagged: only then does the lack of a tag mean anything.
    pub fn has_tags(&self) -> bool {
        !self.kfuncs.is_empty()
    }

    /// A function by its name, tagged or not.
    pub fn function(&self, name: &str) -> Option<Kfunc> {
        if let Some(id) = self.kfuncs.get(name) {
            return Some(Kfunc { id: *id, tagged: true });
        }
        let id = self.btf.by_name(Kind::Func, name)?;
        Some(Kfunc { id, tagged: false })
    }

    /// The program types that were built (`xdp`, `sched_cls`), as `struct bpf_ctx_convert` of the
    /// kernel lists them; `None` if it is not there.
    pub fn program_types(&self) -> Option<&HashSet<String>> {
        self.program_types.as_ref()
    }

    /// Whether a struct or union of this name has a field of that name, in whatever depth of anonymous
    /// members; `None` if there is no such struct.
    pub fn has_field(&self, structure: &str, field: &str) -> Option<bool> {
        let btf = self.btf;
        let id = btf.by_name(Kind::Struct, structure).or(btf.by_name(Kind::Union, structure))?;
        Some(has_field(btf, id, field, &mut HashSet::new()))
    }

    /// Whether a struct of this name is there with its fields.
    pub fn has_struct(&self, name: &str) -> bool {
        self.btf.by_name(Kind::Struct, name).is_some()
    }

    /// Whether programs can be put into a struct of this name: the kernel has another around it then.
    pub fn takes_operations(&self, name: &str) -> bool {
        self.has_struct(name) && self.has_struct(&format!("bpf_struct_ops_{name}"))
    }

    /// Whether a function of this name is there.
    pub fn has_function(&self, name: &str) -> bool {
        self.btf.by_name(Kind::Func, name).is_some()
    }
}

fn enumeration<'b>(btf: &'b Btf, name: &str) -> Option<Enumeration<'b>> {
    let id = btf.by_name(Kind::Enum, name).or(btf.by_name(Kind::Enum64, name))?;
    match btf.get(id) {
        Some(Type::Enum(body) | Type::Enum64(body)) => Some(body),
        _ => None,
    }
}

/// The numbers of helpers, if this is a kernel: the number of the first helper has never changed.
fn helpers(btf: &Btf) -> Option<BTreeMap<String, u32>> {
    let mut found = BTreeMap::new();
    for value in enumeration(btf, "bpf_func_id")?.values.iter() {
        let Some(name) = value.name.strip_prefix(HELPER) else { continue };
        if let Ok(number @ 1..) = u32::try_from(value.value) {
            found.insert(format!("bpf_{name}"), number);
        }
    }
    (found.get("bpf_map_lookup_elem") == Some(&1)).then_some(found)
}

/// Each program type that is built has the members `BPF_PROG_TYPE_…_prog` and `…_kern` there.
fn program_types(btf: &Btf) -> Option<HashSet<String>> {
    let id = btf.by_name(Kind::Struct, "bpf_ctx_convert")?;
    let Some(Type::Struct(body)) = btf.get(id) else { return None };
    let names = body.members.iter().filter_map(|member| {
        let name = member.name.strip_prefix("BPF_PROG_TYPE_")?.strip_suffix("_prog")?;
        Some(name.to_ascii_lowercase())
    });
    Some(names.collect())
}

/// `seen` keeps a file in which anonymous members have many paths to one type from taking for ever.
fn has_field(btf: &Btf, id: TypeId, field: &str, seen: &mut HashSet<TypeId>) -> bool {
    let id = btf.strip(id);
    let Some(Type::Struct(body) | Type::Union(body)) = btf.get(id) else { return false };
    seen.insert(id)
        && body.members.iter().any(|member| {
            member.name == field || member.name.is_empty() && has_field(btf, member.ty, field, seen)
        })
}
