//! The codes of hosts (`H`), binding (`R`; the third character is the kind of refusal) and linking
//! (`L`).

abide_diag::codes! {
    /// A host is named by a node of its API (`kv@KV_3`) or by a `host` statement (`kv@acme_lts`).
    /// `abide api show FILE` lists both.
    H_UNKNOWN_NODE = "H0001", "unknown node or host";
    /// The date of a host is written `YYYY-MM-DD`, after a colon: `kv@KV_3:2026-05-01`.
    H_BAD_DATE = "H0002", "not a date";
    /// A backport is named by its definition (`kv_find@KV_3`) or by its feature (`KV_2/ttl`).
    H_UNKNOWN_LABEL = "H0003", "unknown definition or feature";

    /// The object calls a definition that is newer than the host. Run it on a host at the node that
    /// the message names or later, add the backport that it names to the host, or build the object
    /// for an older version of the API.
    R_TOO_NEW = "R0101", "needs a later node";

    /// The object was built for a definition that was superseded, and the window in which the old
    /// behaviour is still served is over. Build it again for a node that the host serves, and look
    /// at what changed; or run it on an older host, or a host with an earlier date.
    R_WINDOW_OVER = "R0201", "the support window is over";
    /// The object calls something that was deprecated, and then removed when its window was over.
    R_REMOVED = "R0202", "removed";

    /// The definition is on another branch of the API than the host's node.
    R_OTHER_BRANCH = "R0301", "on another branch";
    /// The description of the host says that it lacks this.
    R_LACKS = "R0302", "the host lacks it";
    /// The host would serve the definition, but nobody registered a body for it.
    R_NO_BODY = "R0303", "no body";

    /// The types of the kernel have no such type, field or value, and the program gets to an instruction
    /// that needs it. Ask first (`bpf_core_field_exists` and the like), so that it is left out where
    /// it is missing.
    R_NO_TYPE = "R0304", "no such type, field or value";
    /// The types of the kernel have no such function or variable: it was built without it, or a module
    /// has it. An extern can be weak (`__weak`), and the program can ask whether it is there.
    R_NO_SYMBOL = "R0305", "no such function or variable";

    /// What the program is attached to has fewer arguments on this kernel: a tracepoint, a function, or a
    /// member of a struct of operations. No kernel loads a program that looks at an argument which is not there.
    R_NO_ARGUMENT = "R0306", "no such argument";
    /// A struct of operations sets a member that the host's struct does not have: no loader takes the object.
    R_NO_MEMBER = "R0307", "no such member";

    /// The name was withdrawn, for all versions at once and without a window, for the reason given:
    /// most often for security.
    R_WITHDRAWN = "R0401", "withdrawn";

    /// The object is stamped with a version in which the name has one prototype, and declares another.
    /// It was built with other headers than its stamp says.
    R_PROTOTYPE = "R0501", "prototype differs from the declared version";
    /// The object is stamped with a version that does not have this name yet. Stamp it with a version
    /// that has.
    R_NOT_IN_VERSION = "R0502", "not in the declared version";
    /// The object has no stamp, so that a kfunc means the definition whose prototype it declares; no
    /// definition has that prototype.
    R_NO_SUCH_PROTOTYPE = "R0503", "no definition has this prototype";
    /// Two stamps of one object name different versions. Link objects that were built for the same one.
    R_TWO_STAMPS = "R0504", "two versions declared";

    /// A CO-RE relocation has no answer on this host, or more than one: no loader takes the object.
    R_NOT_RELOCATED = "R0505", "cannot be relocated";

    /// No node of the API defines a helper with this number, or a kfunc with this name.
    R_UNKNOWN_CALL = "R0601", "unknown function";
    /// No program type of the API has this section name.
    R_UNKNOWN_SECTION = "R0602", "unknown program section";
    /// The API has no map of this type.
    R_UNKNOWN_MAP = "R0603", "unknown map type";
    /// The stamp names an API that the host does not have.
    R_UNKNOWN_API = "R0604", "unknown API";
    /// The stamp names a node that the API file does not have. The object may be newer than the file.
    R_UNKNOWN_NODE = "R0605", "unknown version";
    /// The object has no stamp, and the API has no baseline: it is not known what its calls mean.
    /// Add `ABIDE_API(api, NODE)` to the source, or the section `.bpf.api` with `api@NODE`.
    R_NO_STAMP = "R0606", "no version declared";
    /// An object speaks one API: helper numbers mean nothing else.
    R_TWO_APIS = "R0607", "two APIs declared";
    /// No program of the object has this name.
    R_NO_PROGRAM = "R0608", "no such program";

    /// The API says which program types may call the function, and this one is not among them.
    R_PROGRAM_TYPE = "R0701", "not for this program type";
    /// The function is only for programs whose licence is compatible with the GPL.
    R_LICENCE = "R0702", "only for GPL-compatible programs";

    /// Not a refusal: the definition is deprecated. The message says what to use instead and when the
    /// window ends.
    R_DEPRECATED = "R0901", "deprecated";

    /// An instruction of the object depends on the layout of a type of the host (a CO-RE relocation), and
    /// the host gave no types. `abide run --btf FILE` and `HostBuilder::types` give it those of a kernel;
    /// or build the object without `preserve_access_index` (plain UAPI headers, no `vmlinux.h`).
    L_CORE = "L0001", "types of the host are needed";
    /// The object needs a variable of the kernel (`.ksyms` or `.kconfig`) that this host does not have.
    L_EXTERN = "L0002", "unresolved external variable";
    /// The compat body in the API file cannot be assembled.
    L_COMPAT = "L0003", "bad compat body";
    /// The linked program would be longer than the limit.
    L_TOO_LARGE = "L0004", "program too large";
    /// The functions of the program do not fit together: a branch or call leaves its function.
    L_BAD_FUNCTION = "L0005", "branch out of the function";
}
