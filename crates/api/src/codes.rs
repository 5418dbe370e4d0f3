//! The codes of the language: what is wrong with an API file. Binding has its own list.

abide_diag::codes! {
    /// A character that the language does not use, outside of strings and comments. Names are made
    /// of ASCII letters, digits and `_`; only names of nodes have dots.
    A_BAD_CHARACTER = "A0001", "unknown character";
    /// A comment starts with `/*` and ends with `*/`; comments do not nest.
    A_UNCLOSED_COMMENT = "A0002", "comment is never closed";
    /// A string starts and ends with `"` on the same line.
    A_UNCLOSED_STRING = "A0003", "string is never closed";
    /// Strings know the escapes `\n \t \r \0 \\ \" \'` and `\xHH` up to `\x7f`.
    A_BAD_ESCAPE = "A0004", "unknown escape";
    /// A brace is opened and the file ends, or goes on with something that cannot stand inside.
    A_UNCLOSED = "A0005", "brace is never closed";
    /// Something else must stand here. `docs/api-language.md` has the grammar of every statement.
    A_EXPECTED = "A0006", "something else was expected";
    /// Statements end with `;`, also after a `}` that closes a node, a struct or an enum.
    A_MISSING_SEMICOLON = "A0007", "semicolon is missing";
    /// Numbers are decimal or hexadecimal, and must fit where they stand.
    A_BAD_NUMBER = "A0008", "bad number";
    /// Dates are written `YYYY-MM-DD`, and must be days of the calendar.
    A_BAD_DATE = "A0009", "bad date";
    /// A statement starts with a word that is not known in this place.
    A_UNKNOWN_STATEMENT = "A0010", "unknown statement";
    /// The words after a definition are a fixed list for each kind of definition.
    A_UNKNOWN_WORD = "A0011", "unknown word after a definition";
    /// A word or statement that may stand once stands twice.
    A_REPEATED = "A0012", "said twice";
    /// A type that C does not have, or that has no place in an API: floating point, `volatile`,
    /// types without a name.
    A_BAD_TYPE = "A0013", "bad type";
    /// The layout of bit-fields is the compiler's business, so an API has none. Declare the whole
    /// integer, and constants for its bits.
    A_BITFIELD = "A0014", "bit-field";
    /// Declarators, structs and expressions nest up to 32 deep.
    A_TOO_DEEP = "A0015", "nested too deep";
    /// A file has at most 8 MiB, a type at most 16 MiB.
    A_TOO_LARGE = "A0016", "too large";
    /// A window is a span of time (`2 years`, `1 year 6 months`), a number of nodes (`4 nodes`), or
    /// `forever`.
    A_BAD_WINDOW = "A0017", "bad window";
    /// `/** … */` is documentation and belongs to what follows it. This one stands where nothing
    /// can take it, and would be lost.
    A_LOST_DOC = "A0018", "documentation belongs to nothing";
    /// Names of definitions, fields and parameters are C identifiers.
    A_BAD_NAME = "A0019", "not a C identifier";
    /// A struct without fields, an enum without constants, a feature without definitions, an API
    /// without nodes.
    A_EMPTY = "A0020", "empty";

    /// A node is named that the file does not declare.
    A_UNKNOWN_NODE = "A0030", "unknown node";
    /// Parents stand before their children, so that no node is its own ancestor.
    A_PARENT_LATER = "A0031", "parent is declared later";
    /// Nodes and hosts are asked for by name, so every name stands once.
    A_DUPLICATE_NODE = "A0032", "two nodes or hosts of one name";
    /// The nodes of an API are one tree: only the first has no parent.
    A_SECOND_ROOT = "A0033", "second root";
    /// A node is not older than the node it grew from.
    A_BEFORE_PARENT = "A0034", "released before its parent";
    /// A type is used that is not known at its node. Types are declared before they are used; only
    /// a struct or union behind a pointer may stay unknown.
    A_UNKNOWN_TYPE = "A0035", "unknown type";
    /// The size of a type is needed, but it has no body.
    A_INCOMPLETE = "A0036", "incomplete type";
    /// A name stands for two things of a kind in one place.
    A_DUPLICATE = "A0037", "defined twice";
    /// `since A..B` says that something came after node A, in B at the latest: A is an ancestor, and
    /// B the node that the statement stands in.
    A_BAD_SINCE = "A0049", "not a range that ends here";
    /// `extend` adds to an earlier definition with a body, of the same kind.
    A_BAD_EXTEND = "A0038", "nothing to extend";
    /// BPF passes five arguments, in r1 to r5. Parameters that the host fills in (`__prog`,
    /// `__implicit`) do not count.
    A_TOO_MANY_PARAMS = "A0039", "too many parameters";
    /// A `__sz` or `__szk` parameter is an integer and follows the pointer whose memory it measures; `__nz` and
    /// `__zero` are for integers, and not both.
    A_BAD_SIZE = "A0040", "not a size or number";
    /// Registers hold integers and pointers; structs, arrays and void cannot be passed.
    A_NOT_PASSABLE = "A0041", "cannot be passed";
    /// The end of a parameter name looks like a contract suffix, but is none: nothing would check it.
    A_UNKNOWN_SUFFIX = "A0042", "unknown suffix";
    /// A name is used that nothing defines there.
    A_UNKNOWN_NAME = "A0043", "unknown name";
    /// A host adds features (`NODE/feature`), definitions (`name@NODE`) or whole nodes.
    A_UNKNOWN_LABEL = "A0044", "unknown label";
    /// Something is said that is so anyway.
    A_NEEDLESS = "A0045", "needless";
    /// On one host, a number means one helper, and a helper has one number.
    A_HOST_NUMBER = "A0046", "helper number is taken on this host";
    /// A program is called with one pointer, its context, or with nothing.
    A_BAD_CONTEXT = "A0047", "bad context";
    /// `...` is for helpers only, as in the kernel.
    A_VARIADIC = "A0048", "variable arguments";

    /// Law 1: a released node never changes. Programs were built against it; put the change into a
    /// new node.
    A_LAW_RELEASED = "A0101", "released node changed";
    /// Law 2: a helper number is used once, by one name, for ever: old programs call it by number.
    A_LAW_NUMBER = "A0102", "helper number used again";
    /// Law 3: defining a name again needs `changed "…"`: readers and messages say what is new.
    A_LAW_CHANGED = "A0103", "redefined without `changed`";
    /// Law 3: a changed prototype needs a compat body for the programs built against the old one, or
    /// `no_compat "…"` with the reason why there is none.
    A_LAW_COMPAT = "A0104", "changed prototype without compat body";
    /// Law 3: `changed` and `no_compat` speak of an earlier definition, and there is none.
    A_LAW_NOTHING_BEFORE = "A0105", "`changed` without an earlier definition";
    /// Law 4: a name is removed after it was deprecated and its window has run out. To take it away
    /// at once, withdraw it with a reason; if the API is ruled by others, who gave no notice, say `early "…"`.
    A_LAW_REMOVAL = "A0106", "removed too early";
    /// Law 5: a removed or withdrawn name is not taken again, except by a later definition of the
    /// same thing, with `changed "…"`.
    A_LAW_TAKEN_AGAIN = "A0107", "name taken again";
    /// Law 6: a compat body serves a definition that its own node supersedes.
    A_COMPAT_TARGET = "A0108", "compat body serves nothing";
    /// Law 6: a definition has one compat body.
    A_COMPAT_TWICE = "A0109", "two compat bodies";
    /// Law 7: what the baseline node defines is served for ever; it can be withdrawn for a reason,
    /// not removed.
    A_LAW_BASELINE = "A0110", "baseline definition removed";
    /// A struct holds another by value, and the other changes its size or layout in a node that
    /// does not define the outer one again: its layout would silently change with it.
    A_LAYOUT = "A0111", "layout changes by the way";

    /// The prototype of a new definition differs from the old one in names of parameters only.
    A_ONLY_NAMES = "A0120", "only names differ";
    /// What is to be used instead is not in the API.
    A_UNKNOWN_INSTEAD = "A0121", "unknown replacement";
    /// The node that was to remove a deprecated name is there, and the name still is, too.
    A_OVERDUE = "A0122", "removal is overdue";
    /// A deprecated name is to be removed by a node that is released before the window runs out.
    A_PLANNED_EARLY = "A0123", "removal is planned too early";
}
