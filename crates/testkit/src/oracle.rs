//! The programs of `oracles/`: other people's libraries behind a command line, for comparing.
//!
//! They are no part of the workspace, since they need a C compiler and libraries; `cargo xtask
//! oracles` builds them.

use std::path::PathBuf;

/// The oracle of that name, a program to run: `$ABIDE_ORACLE_<NAME>`, or what `cargo xtask oracles`
/// built.
///
/// `None`, with a line on standard error, when it is not built.
pub fn oracle(name: &str) -> Option<PathBuf> {
    let variable = format!("ABIDE_ORACLE_{}", name.to_uppercase());
    let built = format!("oracles/{name}/target/release/{name}-oracle");
    let path = std::env::var_os(variable).map_or_else(|| crate::repo(&built), PathBuf::from);
    if path.is_file() {
        return Some(path);
    }
    crate::skip(&format!("the oracle `{name}` is not built (cargo xtask oracles)"));
    None
}
