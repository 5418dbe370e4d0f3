//! Who may call a helper or kfunc: program types, or some of their sections, by the words of its definition
//! and of what extends it. Answers follow from the file alone.

use crate::model::{Api, Caller, DefId, DefKind, NodeId, ProgramType};
use crate::query::Namespace;

/// Whether a section is another one, or stands below it: `xdp` holds `xdp` and `xdp/…`.
fn holds(above: &str, section: &str) -> bool {
    section.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A section without the mark that loaders leave its programs alone unless asked.
fn plain(section: &str) -> &str {
    section.strip_prefix('?').unwrap_or(section)
}

impl ProgramType {
    /// Whether a section name means this type: `xdp` is also meant by `xdp/…` and by `?xdp`.
    pub fn has_section(&self, section: &str) -> bool {
        self.sections.iter().any(|own| holds(own, plain(section)))
    }
}

impl Caller {
    /// Whether a program of a type in a section may be one of these. What the section does not say may be
    /// anything: `iter` may be `iter/tcp`, and `""` any of the type.
    pub fn may_be(&self, program: &str, section: &str) -> bool {
        let section = plain(section);
        self.program == program
            && (self.sections.is_empty()
                || section.is_empty()
                || self.sections.iter().any(|own| holds(own, section) || holds(section, own)))
    }

    /// Adds more programs of its type.
    fn add(&mut self, sections: &[String]) {
        if sections.is_empty() {
            self.sections.clear();
        } else if !self.sections.is_empty() {
            let new = sections.iter().filter(|section| !self.sections.contains(section));
            let new: Vec<String> = new.cloned().collect();
            self.sections.extend(new);
        }
    }
}

impl Api {
    /// The callers that a definition itself names: of something callable none if all may.
    pub fn callers_of(&self, id: DefId) -> &[Caller] {
        match &self.definition(id).kind {
            DefKind::Rights(callers) => callers,
            kind => kind.prototype().map_or(&[], |prototype| &prototype.contract.callers),
        }
    }

    /// The extensions of who may call a definition, before another takes its place.
    fn extensions(&self, id: DefId) -> impl Iterator<Item = DefId> + '_ {
        let definition = self.definition(id);
        let all = self.definitions_of(Namespace::Rights, &definition.name).iter().copied();
        all.filter(move |right| {
            let node = self.definition(*right).node;
            self.is_ancestor(definition.node, node) && self.superseded_by(id, node).is_none()
        })
    }

    /// The statement by which a program may call a definition: the definition's own, or the first `extend`
    /// that names the program before another definition takes its place. `None` if it may never. A section of
    /// which nothing is known is `""`.
    pub fn right(&self, id: DefId, program: &str, section: &str) -> Option<DefId> {
        let own = &self.definition(id).kind.prototype()?.contract.callers;
        let names =
            |callers: &[Caller]| callers.iter().any(|caller| caller.may_be(program, section));
        if own.is_empty() || names(own) {
            return Some(id);
        }
        self.extensions(id).find(|right| names(self.callers_of(*right)))
    }

    /// Everyone who may call a definition at a node; `None` if all may.
    pub fn callers(&self, id: DefId, node: NodeId) -> Option<Vec<Caller>> {
        self.merged(id, |right| self.is_ancestor(right, node))
    }

    /// Everyone who may call a definition at some node; `None` if all may.
    pub fn callers_ever(&self, id: DefId) -> Option<Vec<Caller>> {
        self.merged(id, |_| true)
    }

    fn merged(&self, id: DefId, counts: impl Fn(NodeId) -> bool) -> Option<Vec<Caller>> {
        let own = &self.definition(id).kind.prototype()?.contract.callers;
        if own.is_empty() {
            return None;
        }
        let mut all = own.clone();
        let rights = self.extensions(id).filter(|right| counts(self.definition(*right).node));
        for caller in rights.flat_map(|right| self.callers_of(right)) {
            match all.iter_mut().find(|known| known.program == caller.program) {
                Some(known) => known.add(&caller.sections),
                None => all.push(caller.clone()),
            }
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::Caller;

    #[test]
    fn a_section_may_say_less() {
        let caller = |sections: &[&str]| Caller {
            program: "iter".to_owned(),
            sections: sections.iter().map(|one| (*one).to_owned()).collect(),
        };
        let tcp = caller(&["iter/tcp"]);
        for section in ["iter/tcp", "?iter/tcp", "iter/tcp/more", "iter", ""] {
            assert!(tcp.may_be("iter", section), "{section}");
        }
        for section in ["iter/tcp6", "iter/udp", "iter.s", "iter.s/tcp"] {
            assert!(!tcp.may_be("iter", section), "{section}");
        }
        assert!(!tcp.may_be("lsm", "iter/tcp"));
        assert!(caller(&[]).may_be("iter", "iter/udp"));
    }
}
