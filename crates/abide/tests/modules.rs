//! The modules of a kernel as Debian ships them: `abide btf dump --format raw` is what bpftool says, line
//! by line.
//!
//! Needs the package that `cargo xtask packages` fetches, and bpftool.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

fn lines(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn tables_of_types_are_those_of_bpftool() {
    let Some(kernel) = abide_testkit::kernel_package() else { return };
    let Some(bpftool) = abide_testkit::tool(&["bpftool"]) else { return };
    let compare = |file: &std::path::Path, is_module: bool| {
        let mut theirs = Command::new(&bpftool);
        let mut ours = Command::new(env!("CARGO_BIN_EXE_abide"));
        ours.args(["btf", "dump", "--format", "raw"]).arg(file);
        theirs.args(["btf", "dump"]);
        if is_module {
            ours.arg("--base").arg(&kernel.vmlinux);
            theirs.arg("-B").arg(&kernel.vmlinux);
        }
        let theirs = lines(theirs.arg("file").arg(file).args(["format", "raw"]));
        let ours = lines(&mut ours);
        let different = ours.lines().zip(theirs.lines()).find(|(ours, theirs)| ours != theirs);
        assert_eq!(different, None, "{}", file.display());
        assert_eq!(ours.len(), theirs.len(), "{}", file.display());
    };
    compare(&kernel.vmlinux, false);
    for module in kernel.modules.iter().step_by(56) {
        compare(module, true);
    }
    // Enumerations of 64 bits.
    let wide = |module: &&std::path::PathBuf| module.ends_with("crypto/blake2b_generic.ko");
    kernel.modules.iter().find(wide).into_iter().for_each(|module| compare(module, true));
}
