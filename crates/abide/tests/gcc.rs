//! Abide as the assembler of gcc: C with inline assembly of both dialects becomes programs that the
//! kernel loads and runs, and that run here with the same result.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use abide::Object;
use abide_asm::object::{ObjectOptions, assemble};
use abide_diag::Source;
use abide_isa::Endian;
use abide_testkit::{bpf, repo, tool};

const ABIDE: &str = env!("CARGO_BIN_EXE_abide");

/// A directory in which `as` is abide.
fn bin(name: &str) -> PathBuf {
    let directory = abide_testkit::scratch().join(format!("{name}-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    symlink(ABIDE, directory.join("as")).unwrap();
    directory
}

fn gcc(gcc: &Path, bin: &Path, arguments: &[&str]) -> Output {
    let fixtures = repo("crates/abide/tests/fixtures/gcc");
    let mut command = Command::new(gcc);
    command.current_dir(fixtures).arg("-B").arg(bin).args(arguments).output().unwrap()
}

/// gcc's own assembler refuses the program at each of these; the results are equal in all.
const WAYS: &[&[&str]] = &[
    &["-O0"],
    &["-O2"],
    &["-O2", "-g"],
    &["-O2", "-pipe"],
    &["-O2", "-fverbose-asm"],
    &["-O1", "-dA", "-Wa,--fatal-warnings"],
];

#[test]
fn inline_assembly_of_both_dialects_runs_in_the_kernel() {
    let Some(compiler) = tool(&["bpf-gcc"]) else { return };
    let bin = bin("inline");
    let object = bin.join("inline.o");
    let permitted = bpf::permitted();
    for way in WAYS {
        let mut arguments = way.to_vec();
        arguments.extend(["-c", "inline.c", "-o", object.to_str().unwrap()]);
        let done = gcc(&compiler, &bin, &arguments);
        assert!(done.status.success(), "{way:?}: {}", String::from_utf8_lossy(&done.stderr));
        let bytes = fs::read(&object).unwrap();
        let parsed = Object::parse(&bytes).unwrap();
        let program = parsed.functions.iter().find(|one| one.name == "inline_assembly").unwrap();
        assert_eq!((&*program.section, parsed.endian), ("xdp", Endian::Little), "{way:?}");
        let code: Vec<u8> =
            program.slots.iter().flat_map(|slot| slot.to_bytes(Endian::Little)).collect();
        // 10 + 9 + … + 1 is 55; twice that, and one more because it is 110, less 109.
        if permitted {
            let loaded = bpf::load_program(bpf::XDP, &code, &[])
                .unwrap_or_else(|refused| panic!("{way:?}: {}", refused.summary()));
            assert_eq!(bpf::test_run(&loaded, &[0; 64]), Ok(2), "{way:?}");
        }
        let run = Command::new(ABIDE).arg("run").arg(&object).output().unwrap();
        let shown = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && shown.contains("XDP_PASS"), "{way:?}: {run:?}");
        // Without optimization gcc adds its own instructions around; else the code is as it was.
        if way.contains(&"-O2") {
            let mut disasm = Command::new(ABIDE);
            let listed = disasm.args(["disasm", "--no-source", "--bytes"]).arg(&object).output();
            let listed = listed.unwrap();
            let text = String::from_utf8_lossy(&listed.stdout).into_owned();
            let expected = repo("crates/abide/tests/fixtures/gcc/inline.out");
            abide_testkit::check_or_bless(&expected, &text);
        }
    }
    fs::remove_dir_all(bin).unwrap();
}

#[test]
fn relaxed_branches_run_in_the_kernel() {
    let slots = |text: &str| -> Vec<u8> {
        let options = ObjectOptions { relax: true, ..ObjectOptions::default() };
        let object = assemble(&Source::new("far.s", text), &options).unwrap();
        let object = Object::parse(&object.bytes).unwrap();
        object.functions[0].slots.iter().flat_map(|slot| slot.to_bytes(Endian::Little)).collect()
    };
    let start = "\t.section xdp,\"ax\",@progbits\n\t.globl f\n\t.type f,@function\nf:\n";
    if !bpf::permitted() {
        return;
    }
    let short = slots(&format!("{start}\tgotol l\nl:\tr0 = 2\n\texit\n\t.size f,.-f\n"));
    if bpf::load_program(bpf::XDP, &short, &[]).is_err() {
        abide_testkit::skip("this kernel has no gotol");
        return;
    }
    // Over 33,000 instructions forward and back: taken, not taken, and without a condition. The
    // kernel sees that nothing gets between, but not before it has followed all jumps.
    let code = slots(&format!(
        "{start}\tr0 = 1\n\tif r0 == 1 goto there\n\tgoto out\n\
         back:\tif r0 != 7 goto out\n\tif r0 == 9 goto between\n\tr0 += 1\n\tgoto out\n\
         between:\n\t.rept 33000\n\tr2 += 1\n\t.endr\n\
         there:\tr0 += 6\n\tif r0 == 7 goto back\nout:\texit\n\t.size f,.-f\n"
    ));
    let loaded = bpf::load_program(bpf::XDP, &code, &[])
        .unwrap_or_else(|refused| panic!("{}", refused.summary()));
    assert_eq!(bpf::test_run(&loaded, &[0; 64]), Ok(8));
}

#[test]
fn errors_in_inline_assembly_name_the_c_file() {
    let Some(compiler) = tool(&["bpf-gcc"]) else { return };
    let bin = bin("errors");
    let source = bin.join("bad.c");
    fs::write(&source, "void f(void)\n{\n\tasm(\"r0 = 1 ; set it\\nr11 = 2\");\n}\n").unwrap();
    let done = gcc(&compiler, &bin, &["-c", source.to_str().unwrap(), "-o", "/dev/null"]);
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(!done.status.success());
    for part in ["error[S0002]", "error[S0003]", "bad.c:3", "--semicolon=comment"] {
        assert!(said.contains(part), "no {part} in:\n{said}");
    }
    // With the reading that binutils 2.40 has, one error remains.
    let arguments = ["-Wa,--semicolon=comment", "-c", source.to_str().unwrap(), "-o", "/dev/null"];
    let said = String::from_utf8(gcc(&compiler, &bin, &arguments).stderr).unwrap();
    assert!(said.contains("error[S0003]") && !said.contains("S0002"), "{said}");
    fs::remove_dir_all(bin).unwrap();
}
