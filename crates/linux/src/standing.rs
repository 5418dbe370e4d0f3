//! A kernel in the words of an API: the node that it stands on, what it has besides and what it lacks.
//!
//! The node is the newest whose own additions are mostly there, or the one that the release names if
//! that is newer: what a kernel lacks of it was not built. Behaviour that changed under one prototype is
//! nothing that BTF shows: it is taken from the node.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use abide_api::model::{EnumType, HostStatement, StructType};
use abide_api::{Api, DefId, DefKind, Definition, HostProfile, Namespace, NodeId};
use jiff::civil::Date;

use crate::defect::Defect;
use crate::error::ProfileError;
use crate::evidence;
use crate::kfuncs::{Fitting, ends_in_aux, fitting, named_as_kfunc};
use crate::profile::{Kfunc, Profile};
use crate::release::Release;

/// Where a kernel stands.
#[derive(Debug, Clone)]
pub struct Standing {
    api: Arc<Api>,
    /// The node that it stands on.
    pub node: NodeId,
    /// The node that its release names, if a release was given and the API has that node.
    pub named: Option<NodeId>,
    /// How much of what each node brought is there, in the order of the API; nodes that brought nothing
    /// that BTF shows are left out.
    pub own: Vec<OwnAdditions>,
    /// What it has besides, in the order of the API.
    pub adds: Vec<DefId>,
    /// What its node has and it lacks.
    pub lacks: Vec<Lack>,
    /// Helpers that have another number here.
    pub numbers: Vec<(u32, String)>,
    /// Instructions and features of its verifier, and whether BTF shows them; the others follow from
    /// the node.
    pub abilities: Vec<(DefId, bool)>,
    /// What is wrong with its BTF.
    pub defects: Vec<Defect>,
    /// What BTF does not tell.
    pub unsure: Vec<Unsure>,
    /// Helpers, and functions tagged as kfuncs, that the API does not know.
    pub unknown: Vec<String>,
}

/// How much of what a node brought a kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnAdditions {
    /// The node.
    pub node: NodeId,
    /// How many of its additions are there. Kfuncs of one family (`scx_bpf_…`) count once.
    pub seen: usize,
    /// How many BTF could show.
    pub of: usize,
}

/// Something that a kernel lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lack {
    /// Its name.
    pub name: String,
    /// What it is.
    pub namespace: Namespace,
    /// Why, in few words.
    pub why: String,
}

/// Something that BTF does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsure {
    /// Its name.
    pub name: String,
    /// Why not.
    pub why: &'static str,
}

impl Standing {
    /// Compares a kernel with the API. With a `release` the node is not older than that says.
    ///
    /// # Errors
    /// If no node of the API fits.
    pub fn of(
        profile: &Profile<'_>,
        api: &Arc<Api>,
        release: Option<&Release>,
    ) -> Result<Standing, ProfileError> {
        let look = Look { profile, api };
        let own = look.own_additions();
        let newest = own.iter().rfind(|own| own.seen * 2 > own.of).map(|own| own.node);
        let Some(shown) = newest else {
            return Err(ProfileError::NoNode { api: api.name.clone() });
        };
        let named = release.and_then(|release| release.node(api));
        // Backports make a kernel newer than its release, nothing makes it older.
        let node = named.filter(|named| api.is_ancestor(shown, *named)).unwrap_or(shown);
        let mut standing = Standing {
            api: Arc::clone(api),
            node,
            named,
            own,
            adds: Vec::new(),
            lacks: Vec::new(),
            numbers: Vec::new(),
            abilities: Vec::new(),
            defects: Vec::new(),
            unsure: Vec::new(),
            unknown: Vec::new(),
        };
        standing.callables(&look);
        standing.others(&look);
        standing.strangers(profile);
        if profile.program_types().is_none() {
            standing.defects.push(Defect::NoProgramTypes);
        }
        standing.adds.sort_unstable();
        standing
            .lacks
            .sort_by(|a, b| (&a.why, a.namespace, &a.name).cmp(&(&b.why, b.namespace, &b.name)));
        Ok(standing)
    }

    /// The API that it was compared with.
    pub fn api(&self) -> &Arc<Api> {
        &self.api
    }

    /// The release date of its node: all that BTF tells of its own.
    pub fn released(&self) -> Date {
        self.api.node_ref(self.node).released
    }

    /// The host statement that says all this.
    pub fn statement(&self, name: &str, released: Date, doc: Option<String>) -> HostStatement {
        let adds_written = self.adds.iter().map(|id| self.api.label(*id));
        // One label stands for all that a node says of a name.
        let adds_written: BTreeSet<String> = adds_written.collect();
        HostStatement {
            name: name.to_owned(),
            node: self.node,
            released,
            adds: adds_written.iter().flat_map(|label| self.api.labelled(label)).collect(),
            adds_written: adds_written.into_iter().collect(),
            withdraws: Vec::new(),
            lacks: self
                .lacks
                .iter()
                .map(|lack| (lack.name.clone(), Some(lack.why.clone())))
                .collect(),
            numbers: self.numbers.clone(),
            doc,
            span: 0..0,
        }
    }

    /// A file with the statement, as `hosts/` has them: [`Api::read_hosts`] reads it.
    pub fn file(&self, name: &str, released: Date, release: Option<&Release>) -> String {
        let doc = release.map(|release| format!("Linux {}.", abide_diag::printable(&release.text)));
        let statement = self.api.host_text(&self.statement(name, released, doc));
        format!(
            "// Made by `abide probe` from the BTF of the kernel.\napi {};\n\n{statement}",
            self.api.name
        )
    }

    /// The host that this kernel is, under a name and on a day: with one body for each name.
    pub fn host(&self, name: &str, date: Date) -> HostProfile {
        HostProfile::stated(&self.api, &self.statement(name, date, None)).as_kernel()
    }

    fn callables(&mut self, look: &Look<'_, '_>) {
        let api = Arc::clone(&self.api);
        let (mut untagged, mut hidden) = (Vec::new(), Vec::new());
        for name in api.names(Namespace::Callable) {
            let all = api.definitions_of(Namespace::Callable, name);
            let current = api.lookup(Namespace::Callable, name, self.node);
            if let DefKind::Helper { number, .. } = api.definition(all[0]).kind {
                self.helper(look.profile, name, number, all, current);
                continue;
            }
            let Some(function) = look.kfunc(name, current.is_some()) else {
                if current.is_some() {
                    self.lack(Namespace::Callable, name, absent(name));
                }
                continue;
            };
            if current.is_none()
                && !function.tagged
                && !look.profile.has_tags()
                && !named_as_kfunc(name)
            {
                let why =
                    "a function has this name, but no function of this kernel is tagged as a kfunc";
                self.unsure.push(Unsure { name: name.to_owned(), why });
                continue;
            }
            match look.served(all, current, function) {
                Some((id, how)) => {
                    if how == Fitting::ButHidden {
                        hidden.push(name.to_owned());
                    }
                    if current != Some(id) && !self.gone_for_good(name, id) {
                        self.adds.push(id);
                    }
                }
                None if current.is_some() => {
                    let declared = look.profile.btf().declaration(function.id, name);
                    let declared = abide_diag::printable(&declared).into_owned();
                    self.lack(
                        Namespace::Callable,
                        name,
                        format!("its prototype is no known one: {declared}"),
                    );
                }
                None => self.unknown.push(name.to_owned()),
            }
            // What was once `X` and is called `X_impl` where `X` hides an argument is not tagged.
            let is_whole =
                name.strip_suffix("_impl").is_some_and(|name| look.profile.has_function(name));
            if !function.tagged && look.profile.has_tags() && current.is_some() && !is_whole {
                untagged.push(name.to_owned());
            }
        }
        if !look.profile.has_tags() {
            self.defects.push(Defect::NoTags);
        }
        if !untagged.is_empty() {
            self.defects.push(Defect::MissingTags(untagged));
        }
        if !hidden.is_empty() {
            self.defects.push(Defect::HiddenArgument(hidden));
        }
    }

    fn helper(
        &mut self,
        profile: &Profile<'_>,
        name: &str,
        number: u32,
        all: &[DefId],
        current: Option<DefId>,
    ) {
        match (profile.helpers().get(name), current) {
            (None, Some(_)) => {
                self.lack(Namespace::Callable, name, "it has no number".to_owned());
            }
            (None, None) => {}
            (Some(here), current) => {
                if current.is_none() {
                    self.adds.push(all[0]);
                }
                if *here != number {
                    self.numbers.push((*here, name.to_owned()));
                }
            }
        }
    }

    /// Definitions of a name that was removed are not served again by adding them.
    fn gone_for_good(&self, name: &str, id: DefId) -> bool {
        let gone = self.api.gone(Namespace::Callable, name, self.node);
        gone.is_some_and(|event| self.api.definition(id).node < event.node)
    }

    /// Program and map types, abilities, constants and fields.
    fn others(&mut self, look: &Look<'_, '_>) {
        let api = Arc::clone(&self.api);
        for id in api.ids() {
            let definition = api.definition(id);
            let namespace = Namespace::of(&definition.kind);
            let own = api.is_ancestor(definition.node, self.node);
            match &definition.kind {
                DefKind::Map | DefKind::Program(_) | DefKind::Ability(_) => {
                    if api.definitions_of(namespace, &definition.name).first() != Some(&id) {
                        continue;
                    }
                    let seen = look.has(definition);
                    let has = seen.unwrap_or(own);
                    if has && matches!(definition.kind, DefKind::Ability(_)) {
                        self.abilities.push((id, seen.is_some()));
                    }
                    match (seen, own) {
                        (Some(true), false) => self.adds.push(id),
                        (Some(false), true) => {
                            self.lack(namespace, &definition.name, "not built".to_owned());
                        }
                        _ => {}
                    }
                }
                DefKind::Struct(StructType { ops: Some(_), inherited: None, .. })
                    if own
                        && api.definitions_of(namespace, &definition.name).first() == Some(&id)
                        && !look.profile.takes_operations(&definition.name) =>
                {
                    self.lack(namespace, &definition.name, "not built".to_owned());
                }
                DefKind::Struct(_) | DefKind::Enum(_) if !own => {
                    let (seen, of) = look.additions(id);
                    if of > 0 && seen == of {
                        self.adds.push(id);
                    }
                }
                _ => {}
            }
        }
    }

    /// What the kernel has and the API does not know.
    fn strangers(&mut self, profile: &Profile<'_>) {
        let known = |name: &str| !self.api.definitions_of(Namespace::Callable, name).is_empty();
        let helpers = profile.helpers().keys().map(String::as_str);
        let kfuncs = profile.tagged_kfuncs().map(|(name, _)| name);
        let strangers = helpers.chain(kfuncs).filter(|name| !known(name));
        let strangers: Vec<String> =
            strangers.map(|name| abide_diag::printable(name).into_owned()).collect();
        self.unknown.extend(strangers);
    }

    fn lack(&mut self, namespace: Namespace, name: &str, why: String) {
        self.lacks.push(Lack { name: name.to_owned(), namespace, why });
    }
}

/// What kfuncs that are built together begin with: `scx_bpf`, `bpf_qdisc`.
fn family(kfunc: &str) -> &str {
    let start = kfunc.len() - kfunc.trim_start_matches('_').len();
    let words = kfunc[start..].match_indices('_').nth(1);
    words.map_or(&kfunc[start..], |(end, _)| &kfunc[start..start + end])
}

/// Why a kfunc is not in the BTF of a kernel.
fn absent(name: &str) -> String {
    match evidence::module_of(name) {
        Some(module) => format!("in the module {module}, or not built"),
        None => "not built".to_owned(),
    }
}

/// A kernel and an API, side by side.
struct Look<'a, 'b> {
    profile: &'a Profile<'b>,
    api: &'a Api,
}

impl Look<'_, '_> {
    /// The function that may be a kfunc: one that is tagged, or one whose lack of a tag says nothing.
    fn kfunc(&self, name: &str, expected: bool) -> Option<Kfunc> {
        let function = self.profile.function(name)?;
        let believed = function.tagged || expected || !self.profile.has_tags();
        believed.then_some(function)
    }

    /// The definition that a function serves: the one that is expected if it fits, else the oldest that
    /// fits and came later, else the newest that came before.
    fn served(
        &self,
        all: &[DefId],
        expected: Option<DefId>,
        function: Kfunc,
    ) -> Option<(DefId, Fitting)> {
        let fits = |id: DefId| Some((id, fitting(self.profile, self.api, id, function)?));
        if let Some(found) = expected.and_then(fits) {
            return Some(found);
        }
        let at = expected.and_then(|id| all.iter().position(|known| *known == id)).unwrap_or(0);
        let later = all[at..].iter().copied().find_map(fits);
        later.or_else(|| all[..at].iter().rev().copied().find_map(fits))
    }

    /// Whether a program type, map type or ability is there; `None` if BTF does not tell.
    fn has(&self, definition: &Definition) -> Option<bool> {
        let name = definition.name.as_str();
        let number = |prefix: &str| {
            let constant = format!("{prefix}{}", name.to_ascii_uppercase());
            self.profile.constant(&constant).is_some()
        };
        match definition.kind {
            DefKind::Map => {
                let listed = number("BPF_MAP_TYPE_");
                Some(listed && evidence::map_built(self.profile, name) != Some(false))
            }
            DefKind::Program(_) => evidence::program_built(self.profile, name),
            DefKind::Ability(_) => {
                evidence::of_ability(name).and_then(|evidence| evidence.seen(self.profile))
            }
            _ => None,
        }
    }

    /// For each node, how much of what it brought is there.
    fn own_additions(&self) -> Vec<OwnAdditions> {
        let nodes = 0..self.api.nodes.len() as u32;
        let mut own: Vec<OwnAdditions> =
            nodes.map(|node| OwnAdditions { node: NodeId(node), seen: 0, of: 0 }).collect();
        let mut families: BTreeMap<(NodeId, &str), bool> = BTreeMap::new();
        for id in self.api.ids() {
            let definition = self.api.definition(id);
            let (seen, of) = self.additions(id);
            if of > 0 && matches!(definition.kind, DefKind::Kfunc { .. }) {
                *families.entry((definition.node, family(&definition.name))).or_default() |=
                    seen > 0;
                continue;
            }
            let own = &mut own[definition.node.0 as usize];
            own.seen += seen;
            own.of += of;
        }
        for ((node, _), seen) in families {
            let own = &mut own[node.0 as usize];
            own.seen += usize::from(seen);
            own.of += 1;
        }
        own.retain(|own| own.of > 0);
        own
    }

    /// How many of the things that a definition brought are there, and how many BTF could show.
    fn additions(&self, id: DefId) -> (usize, usize) {
        let definition = self.api.definition(id);
        let name = definition.name.as_str();
        match &definition.kind {
            DefKind::Helper { .. } if self.api.supersedes(id).is_none() => {
                (usize::from(self.profile.helpers().contains_key(name)), 1)
            }
            DefKind::Kfunc { .. } => self.kfunc_additions(id),
            DefKind::Enum(body) => self.constants(body, self.superseded(id)),
            DefKind::Struct(body) => self.fields(name, body, self.superseded(id)),
            DefKind::Ability(_) => match self.has(definition) {
                Some(seen) => (usize::from(seen), 1),
                None => (0, 0),
            },
            _ => (0, 0),
        }
    }

    fn superseded(&self, id: DefId) -> Option<&DefKind> {
        self.api.supersedes(id).map(|old| &self.api.definition(old).kind)
    }

    /// A kfunc counts where BTF could show that it came: a new name, or another prototype.
    fn kfunc_additions(&self, id: DefId) -> (usize, usize) {
        let name = self.api.definition(id).name.as_str();
        if !self.profile.has_tags() && !named_as_kfunc(name) {
            return (0, 0);
        }
        let Some(function) = self.profile.function(name) else {
            let elsewhere = evidence::module_of(name).is_some();
            return (0, usize::from(!elsewhere));
        };
        let hidden = ends_in_aux(self.profile.btf(), function.id);
        if self.profile.has_tags() && !function.tagged && !hidden {
            return (0, 1);
        }
        let fits = |id| fitting(self.profile, self.api, id, function).is_some();
        match self.api.supersedes(id) {
            // The same prototype as before: what changed is nothing that BTF shows.
            Some(old) if fits(old) == fits(id) => (0, 0),
            Some(_) => (usize::from(fits(id)), 1),
            // A later prototype of the name shows that the name came, too.
            None => (1, 1),
        }
    }

    /// Constants that a definition of an enum brought. An enum of which nothing is seen was made up of
    /// macros.
    fn constants(&self, body: &EnumType, old: Option<&DefKind>) -> (usize, usize) {
        let seen = |name: &str| self.profile.constant(name).is_some();
        if !body.values.iter().any(|(name, _)| seen(name)) {
            return (0, 0);
        }
        let known = |name: &str| match old {
            Some(DefKind::Enum(old)) => old.values.iter().any(|(known, _)| known == name),
            _ => false,
        };
        let new = body.values.iter().map(|(name, _)| name.as_str()).filter(|name| !known(name));
        new.fold((0, 0), |(found, of), name| (found + usize::from(seen(name)), of + 1))
    }

    /// Fields that a definition of a struct brought.
    fn fields(&self, name: &str, body: &StructType, old: Option<&DefKind>) -> (usize, usize) {
        // A struct of operations may be there as any other, before programs can be put into it.
        let built = match body.ops {
            Some(_) => self.profile.takes_operations(name),
            None => self.profile.has_struct(name),
        };
        if body.opaque || !built {
            return (0, 0);
        }
        let known = |name: &str| match old {
            Some(DefKind::Struct(old)) => old.fields.iter().any(|known| known.name == name),
            _ => false,
        };
        let new = body.fields.iter().map(|field| field.name.as_str()).filter(|name| !known(name));
        new.fold((0, 0), |(found, of), field| {
            let seen = self.profile.has_field(name, field) == Some(true);
            (found + usize::from(seen), of + 1)
        })
    }
}
