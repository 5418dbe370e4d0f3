//! The linter: the laws of the language, and warnings about what is legal but hardly meant.
//!
//! It judges a resolved API. Whether names are known was asked before, in `syntax`, where compat
//! bodies find their definitions too. What law 6 wants of a verifier is not asked yet.

mod compat;
mod hints;
mod laws;
pub(crate) use laws::same_c;
mod since;

use abide_diag::Diagnostic;

use crate::model::{Api, NodeId, Window};

impl Api {
    /// What is wrong with this API by laws 2 to 7, and what is merely suspicious.
    /// [`Api::parse`] has asked this already.
    pub fn lint(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        laws::numbers(self, &mut found);
        laws::redefinitions(self, &mut found);
        laws::removals(self, &mut found);
        laws::layouts(self, &mut found);
        compat::bodies(self, &mut found);
        hints::hints(self, &mut found);
        found
    }

    /// Law 1: what changed in nodes that the older text of this API had already. Places are in the
    /// text of this one.
    pub fn lint_since(&self, old: &Api) -> Vec<Diagnostic> {
        since::since(self, old)
    }

    /// Whether a window that was opened by one node is over in a later one.
    pub(crate) fn over(&self, window: Window, opened: NodeId, at: NodeId) -> bool {
        match window {
            Window::Forever => false,
            Window::Nodes(count) => {
                let passed = self.ancestors(at).take_while(|node| *node != opened).count();
                passed >= usize::from(count)
            }
            Window::Span { .. } => window
                .after(self.node_ref(opened).released)
                .is_some_and(|end| self.node_ref(at).released >= end),
        }
    }
}
