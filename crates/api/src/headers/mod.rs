//! C headers: what a program for one node of an API is compiled with. Types, constants, helpers as
//! functions that hold nothing but `call N`, kfuncs as externs, and the stamp.
//!
//! Everything in a header but its fixed parts (the `.h` files beside) is the API file's; what a name
//! means at the node is asked of `query`. Compiles nothing, and knows no compiler but by its macros.

mod calls;
pub mod codes;
mod names;
mod types;

use std::fmt::Write;

use abide_diag::{Diagnostic, Report, printable};

use crate::model::{Api, DefId, EventKind, NodeId, Window};
use crate::query::Namespace;

/// What every header begins with, whatever its API; only the first of several in a program counts.
const PRELUDE: &str = include_str!("prelude.h");

/// What programs for Linux expect besides.
const LINUX: &str = include_str!("linux.h");

/// Macros over helpers and kfuncs: the names that they call, and those whose presence makes another one
/// the better.
const MACROS: &[(&[&str], &[&str], &str)] = &[
    (&["bpf_trace_printk"], &[], include_str!("macros/printk.h")),
    (&["bpf_trace_printk"], &["bpf_trace_vprintk"], include_str!("macros/printk_short.h")),
    (&["bpf_trace_printk", "bpf_trace_vprintk"], &[], include_str!("macros/printk_long.h")),
    (&["bpf_snprintf"], &[], include_str!("macros/snprintf.h")),
    (&["bpf_seq_printf"], &[], include_str!("macros/seq_printf.h")),
    (&["bpf_tail_call"], &[], include_str!("macros/tail_call.h")),
    (
        &["bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy"],
        &[],
        include_str!("macros/iterators.h"),
    ),
    (
        &["bpf_iter_num_new", "bpf_iter_num_next", "bpf_iter_num_destroy"],
        &[],
        include_str!("macros/numbers.h"),
    ),
];

/// Why there is no header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeaderError {
    /// A name that C keeps for itself.
    Keyword {
        /// The name.
        name: String,
        /// What it names: `field`.
        what: &'static str,
    },
    /// One constant with two values.
    TwoValues {
        /// The constant.
        name: String,
        /// The enums that say so.
        enums: (String, String),
    },
}

impl Report for HeaderError {
    fn report(&self) -> Diagnostic {
        match self {
            HeaderError::Keyword { name, what } => {
                let message = format!("the {what} `{}` is a word of C", printable(name));
                Diagnostic::error(&codes::D_KEYWORD, message)
                    .help("give it another name in the next node: no C program can say this one")
            }
            HeaderError::TwoValues { name, enums: (first, second) } => {
                let message = format!(
                    "the constant `{}` has one value in {} and another in {}",
                    printable(name),
                    printable(first),
                    printable(second)
                );
                Diagnostic::error(&codes::D_TWO_VALUES, message)
                    .help("constants of C have no namespaces: give them different names")
            }
        }
    }
}

impl Api {
    /// The C header of a node: what `abide headers API@NODE` prints. For clang and gcc, C99 with GNU's
    /// extensions.
    ///
    /// # Errors
    /// Names that C cannot have.
    ///
    /// # Panics
    /// If the node is another API's.
    pub fn header(&self, node: NodeId) -> Result<String, HeaderError> {
        let at = At { api: self, node };
        let mut out = String::new();
        let (api, name) = (&self.name, &self.node_ref(node).name);
        let guard = format!("ABIDE_{}_AT_{}_H", names::upper(api), names::upper(name));
        at.head(&mut out);
        let _ = write!(
            out,
            "#ifndef {guard}\n#define {guard}\n\n\
             #ifdef ABIDE_HEADER_{api}\n\
             #error \"this program includes a header of another version of {api} already\"\n\
             #endif\n\
             #define ABIDE_HEADER_{api} \"{name}\"\n\n{PRELUDE}\n"
        );
        if at.is_linux() {
            let _ = writeln!(out, "{LINUX}");
        }
        types::types(&at, &mut out)?;
        types::programs(&at, &mut out);
        calls::helpers(&at, &mut out)?;
        calls::kfuncs(&at, &mut out)?;
        at.macros(&mut out);
        at.gone(&mut out);
        let _ = write!(
            out,
            "/* The stamp: what this program was written for. */\n\
             #ifndef ABIDE_NO_STAMP\n\
             ABIDE_STAMP(abide_stamp_{api}, \"{api}@{name}\");\n\
             #endif\n\n\
             #endif /* {guard} */\n"
        );
        Ok(out)
    }
}

/// An API at one of its nodes.
#[derive(Clone, Copy)]
struct At<'a> {
    api: &'a Api,
    node: NodeId,
}

impl<'a> At<'a> {
    /// The definitions that names mean here, in the order in which the names came.
    fn definitions(self, namespace: Namespace) -> impl Iterator<Item = DefId> + 'a {
        self.api.names(namespace).filter_map(move |name| self.lookup(namespace, name))
    }

    fn lookup(self, namespace: Namespace, name: &str) -> Option<DefId> {
        self.api.lookup(namespace, name, self.node)
    }

    /// Linux has headers of its own.
    fn is_linux(self) -> bool {
        self.api.name == "linux"
    }

    fn head(self, out: &mut String) {
        let (api, node) = (&self.api.name, self.api.node_ref(self.node));
        let mut text = String::new();
        let _ = writeln!(
            text,
            "The API `{api}` at {}, released {}, for BPF programs in C.\n",
            node.name, node.released
        );
        if let Some(doc) = &self.api.doc {
            let _ = writeln!(text, "{doc}\n");
        }
        let _ = write!(
            text,
            "Made by `abide headers {api}@{}` (abide {}): what it declares and explains is the API file's; a change\n\
             belongs there. What Abide adds is licensed MIT OR Apache-2.0, as you like, and so is linux.api.\n\n\
             A program that includes it is stamped {api}@{}, unless ABIDE_NO_STAMP is defined before: each of its calls then\n\
             means the definition that this header declares, on every host. ABIDE_NO_TYPES leaves out the types of the API{}.",
            node.name,
            env!("CARGO_PKG_VERSION"),
            node.name,
            if self.is_linux() {
                ",\nas vmlinux.h or <linux/bpf.h> do when they are included before"
            } else {
                ""
            },
        );
        names::comment(out, "", "/*", &text);
        out.push('\n');
    }

    fn macros(self, out: &mut String) {
        if !self.is_linux() {
            return;
        }
        let here = |name: &&str| self.lookup(Namespace::Callable, name).is_some();
        for (needs, without, text) in MACROS {
            if needs.iter().all(here) && !without.iter().any(here) {
                let _ = writeln!(out, "{text}");
            }
        }
    }

    /// Names that a program of an older node may still call.
    fn gone(self, out: &mut String) {
        let mut text = String::new();
        for name in self.api.names(Namespace::Callable) {
            let event = self.api.gone(Namespace::Callable, name, self.node);
            let Some(event) = event.filter(|_| self.lookup(Namespace::Callable, name).is_none())
            else {
                continue;
            };
            let node = &self.api.node_ref(event.node).name;
            let _ = match &event.kind {
                EventKind::Removed { instead: Some(instead), .. } => {
                    write!(text, "\n{name}: removed in {node}; use {instead}")
                }
                EventKind::Withdrawn { reason } => {
                    write!(text, "\n{name}: withdrawn by {node}: {reason}")
                }
                _ => write!(text, "\n{name}: removed in {node}"),
            };
        }
        if !text.is_empty() {
            names::comment(out, "", "/*", &format!("Not here any more:\n{text}"));
            out.push('\n');
        }
    }

    /// What `__attribute__((deprecated))` says of a name: what to use, and until when it is served. Of a
    /// name that is withdrawn later: that no host serves it.
    fn farewell(self, namespace: Namespace, name: &str, id: DefId) -> Option<String> {
        if let Some(event) = self.api.withdrawal(namespace, name)
            && let EventKind::Withdrawn { reason } = &event.kind
        {
            let node = &self.api.node_ref(event.node).name;
            return Some(format!("withdrawn by {node}: {reason}"));
        }
        let event = self.api.deprecation(namespace, name, self.node)?;
        let EventKind::Deprecated { instead, remove } = &event.kind else { return None };
        if event.node < self.api.definition(id).node {
            return None;
        }
        let mut said = Vec::new();
        said.extend(instead.as_ref().map(|instead| format!("use {instead}")));
        if let Some(remove) = remove {
            let node = self.api.node(remove);
            said.push(match node.map(|node| self.api.node_ref(node).released) {
                Some(date) => format!("to be removed in {remove} ({date})"),
                None => format!("to be removed in {remove}"),
            });
        }
        said.extend(self.end_of(id, event.node));
        if said.is_empty() {
            let node = &self.api.node_ref(event.node).name;
            said.push(format!("since {node}"));
        }
        Some(said.join("; "))
    }

    /// Until when a definition is served whose window opened in a node.
    fn end_of(self, id: DefId, opened: NodeId) -> Option<String> {
        let window = self.api.window_of(id);
        match window {
            Window::Forever => None,
            Window::Nodes(_) => Some(format!("served for {window} from then on")),
            Window::Span { .. } => {
                let end = window.after(self.api.node_ref(opened).released)?;
                Some(format!("not served from {end} on"))
            }
        }
    }
}
