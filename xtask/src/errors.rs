//! docs/errors.md: every code of every crate with its explanation, generated.

use std::fmt::Write;
use std::fs;

use abide_diag::Code;

use crate::{Failure, tree};

/// The rooms that report codes.
pub(crate) fn rooms() -> Vec<(&'static str, Vec<&'static Code>)> {
    vec![
        ("Instructions", abide_isa::CODES.to_vec()),
        ("Assembly", abide_asm::CODES.to_vec()),
        ("BTF", abide_btf::codes::CODES.to_vec()),
        ("Objects", abide_object::codes::CODES.to_vec()),
        ("API files", abide_api::codes::CODES.to_vec()),
        ("Hosts, binding and linking", abide_api::bind::codes::CODES.to_vec()),
        ("Kernels", abide_linux::codes::CODES.to_vec()),
        ("Proving", abide_verifier::CODES.to_vec()),
        ("Headers", abide_api::headers::codes::CODES.to_vec()),
        ("Maps", abide_maps::codes::CODES.to_vec()),
        ("Running", abide_runtime::CODES.to_vec()),
        ("Command line", abide::codes::CODES.to_vec()),
    ]
}

fn page() -> String {
    let mut page = String::from(
        "# Codes\n\n\
         Every message of Abide that refuses or warns has a code that keeps its meaning for ever.\n\
         This page is made by `cargo xtask errors --bless` from the declarations beside the code.\n",
    );
    for (room, codes) in rooms() {
        let _ = write!(page, "\n## {room}\n");
        let mut codes = codes;
        codes.sort_by_key(|code| code.id);
        for code in codes {
            let explain: Vec<&str> = code.explain.lines().map(str::trim).collect();
            let _ = write!(
                page,
                "\n### {}: {}\n\n{}\n",
                code.id,
                code.title,
                explain.join("\n").trim()
            );
        }
    }
    page
}

/// Compares the page with what it should be.
pub(crate) fn check() -> Result<(), Failure> {
    let path = tree::root().join("docs/errors.md");
    let found = fs::read_to_string(&path).unwrap_or_default();
    if found == page() {
        Ok(())
    } else {
        Err("docs/errors.md is out of date; run `cargo xtask errors --bless`".to_owned())
    }
}

/// Writes the page.
pub(crate) fn bless() -> Result<(), Failure> {
    let path = tree::root().join("docs/errors.md");
    fs::write(&path, page()).map_err(|error| format!("{}: {error}", path.display()))
}
