//! What an object needs: each callee with the definition that it means (binding rules 1 and 2), maps,
//! program and attach types, fields of the context, instructions, features of the verifier.
//!
//! Host-free and deterministic: the object and the API decide, nothing else. What a host makes of
//! it is `bind`'s and `check`'s.

mod features;
mod operations;
mod reach;
mod reader;
mod version;

use std::sync::Arc;

use abide_object::{ExternId, FunctionId, Object, ProgramId};

pub(crate) use self::features::is_typed;
pub use self::features::{Feature, What};
pub(crate) use self::operations::ARGUMENT;
pub use self::operations::Operation;
pub use self::reach::reachable;
use crate::host::HostProfile;
use crate::model::{Api, DefId, NodeId};
use crate::refusal::{Refusal, Site};

/// How an object names what it calls.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Callee {
    /// By number.
    Helper(u32),
    /// By name.
    Kfunc(ExternId),
}

/// One thing that a program calls.
#[derive(Debug, Clone)]
pub struct Need {
    /// How the object names it.
    pub callee: Callee,
    /// The name, or `helper 6` if the API does not know the number.
    pub name: String,
    /// The definition meant, or why there is none.
    pub meaning: Result<DefId, Refusal>,
    /// Other definitions that an object without a stamp may mean as well, newest first: those that fit the
    /// prototype that it declares; of a helper, which objects declare no prototype of, all.
    pub also: Vec<DefId>,
    /// The statement that lets programs of this type call it: the definition itself, or a later
    /// `extend` of its rights.
    pub right: Option<DefId>,
    /// The extern is weak: the program can do without it.
    pub weak: bool,
    /// Every call of it, in program order; at least one.
    pub sites: Vec<Site>,
}

/// What one program needs.
#[derive(Debug, Clone)]
pub struct ProgramNeeds {
    /// Which program of the object.
    pub id: ProgramId,
    /// Its name.
    pub name: String,
    /// Its section as written.
    pub section: String,
    /// Whether loaders load it without being asked.
    pub autoload: bool,
    /// Its program type, or why it has none.
    pub program_type: Result<DefId, Refusal>,
    /// What it calls, itself and through its subprograms.
    pub calls: Vec<Need>,
    /// Map types that it uses (not those that hold global data), or why the API has none.
    pub maps: Vec<(String, Result<DefId, Refusal>)>,
    /// What it needs besides callees and maps, as far as the API has a name for it.
    pub features: Vec<Feature>,
    /// The functions that it reaches, its own first.
    pub functions: Vec<FunctionId>,
    /// How many bytes of its context it looks at, from the start.
    pub context: u32,
}

/// A map that has to be made.
#[derive(Debug, Clone)]
pub struct MapNeed {
    /// Its name.
    pub name: String,
    /// Its type, by name or number.
    pub kind: String,
    /// The definition of its type, or why the API has none.
    pub meaning: Result<DefId, Refusal>,
    /// Its flags that the API knows, with the definition that has each.
    pub flags: Vec<(&'static str, DefId)>,
}

/// What an object needs of its API.
#[derive(Debug, Clone)]
pub struct Requirements {
    /// The API that it speaks.
    pub api: Arc<Api>,
    /// The version that it was stamped with.
    pub declared: Option<NodeId>,
    /// Its programs.
    pub programs: Vec<ProgramNeeds>,
    /// Its maps: a loader makes all of them before it loads the first program.
    pub maps: Vec<MapNeed>,
    /// What it sets in structs that the host calls programs by.
    pub operations: Vec<Operation>,
    /// The licence is compatible with the GPL, by the kernel's list.
    pub gpl: bool,
}

/// Licences that the kernel takes as compatible with the GPL (`license_is_gpl_compatible`).
const GPL_COMPATIBLE: &[&str] =
    &["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

impl Requirements {
    /// Reads an object against the APIs that it may speak.
    pub fn of(object: &Object, apis: &[Arc<Api>]) -> Result<Self, Refusal> {
        let (api, declared) = version::declared_version(object, apis)?;
        reach::bounded(object)?;
        let gpl = object.license.as_deref().is_some_and(|text| GPL_COMPATIBLE.contains(&text));
        let reader = reader::Reader { object, api: &api, declared, gpl };
        let programs =
            (0..object.programs.len()).map(|index| reader.program(index)).collect::<Vec<_>>();
        let maps = reader.all_maps();
        let operations = operations::of(object, &api, &programs);
        Ok(Requirements { api, declared, programs, maps, operations, gpl })
    }

    /// The needs of the program with this name.
    pub fn program(&self, name: &str) -> Option<&ProgramNeeds> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// Binding rule 4: the oldest node (by release) whose host binds all programs of the object; `None`
    /// if no node does.
    pub fn oldest_node(&self) -> Option<NodeId> {
        if self.refusals().next().is_some() {
            return None;
        }
        let mut nodes: Vec<_> = self.api.nodes.iter().collect();
        nodes.sort_by_key(|node| node.released);
        nodes.into_iter().find_map(|node| {
            let host = HostProfile::at(&self.api, &node.name).ok()?;
            host.bind_programs(self, &self.programs).is_ok().then(|| host.node())
        })
    }

    /// The refusals that follow from the object alone.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        self.programs.iter().flat_map(ProgramNeeds::refusals)
    }
}

impl ProgramNeeds {
    /// What is wrong with it on every host.
    pub fn refusals(&self) -> impl Iterator<Item = &Refusal> {
        let calls = self.calls.iter().filter(|need| !need.weak);
        self.program_type
            .as_ref()
            .err()
            .into_iter()
            .chain(self.maps.iter().filter_map(|(_, map)| map.as_ref().err()))
            .chain(calls.filter_map(|need| need.meaning.as_ref().err()))
    }
}
