//! Generated headers beside libbpf's: the same programs have no more instructions, the kernel takes them at
//! every level of optimization, and libbpf's other headers and vmlinux.h go with ours.
//!
//! Needs clang, bpf-gcc, libbpf's headers, `oracles/libbpf` and bpf(2), and does with what is there.

#![cfg(all(feature = "cli", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "the helpers of a test may fail as it does")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use abide::Object;
use abide_testkit::{bpf, oracle, repo, scratch, skip, tool};
use serde_json::Value;

const ABIDE: &str = env!("CARGO_BIN_EXE_abide");

struct Directory(PathBuf);

impl Directory {
    /// With the header of this version in it.
    fn with(version: &str, name: &str) -> Directory {
        let path = scratch().join(format!("headers-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        let done =
            Command::new(ABIDE).args(["headers", version, "-o"]).arg(&path).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Directory(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn programs() -> PathBuf {
    repo("crates/abide/tests/fixtures/headers/programs.c")
}

fn compile(compiler: &Path, source: &Path, out: &Path, words: &[&str]) {
    let mut command = Command::new(compiler);
    if compiler.to_string_lossy().contains("clang") {
        command.args(["-target", "bpf"]);
    }
    command.args(words).arg("-c").arg(source).arg("-o").arg(out);
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success() && said.is_empty(), "{command:?}\n{said}");
}

/// libbpf's headers, if they are here: the folder with the kernel's, too.
fn libbpf() -> Option<&'static str> {
    if Path::new("/usr/include/bpf/bpf_helpers.h").exists() {
        return Some("-I/usr/include/x86_64-linux-gnu");
    }
    skip("libbpf's headers are not installed");
    None
}

/// The instructions of each function.
fn lengths(path: &Path) -> BTreeMap<String, usize> {
    let object = Object::parse(&fs::read(path).unwrap()).unwrap();
    object.functions.iter().map(|one| (one.name.clone(), one.slots.len())).collect()
}

#[test]
fn no_function_has_more_instructions_than_with_libbpf() {
    let Some(kernel) = libbpf() else { return };
    let directory = Directory::with("linux@LINUX_6.1", "parity");
    let include = format!("-I{}", directory.0.display());
    let out = directory.0.join("programs.o");
    for name in ["clang-14", "clang-19", "clang-22"] {
        let Some(compiler) = tool(&[name]) else { continue };
        for cpu in ["-mcpu=v1", "-mcpu=v2", "-mcpu=v3"] {
            for level in ["-O1", "-O2"] {
                let common = [level, "-g", cpu, "-Wno-unused-value"];
                compile(&compiler, &programs(), &out, &[&common[..], &[&include]].concat());
                let ours = lengths(&out);
                compile(
                    &compiler,
                    &programs(),
                    &out,
                    &[&common[..], &["-DLIBBPF", kernel]].concat(),
                );
                let theirs = lengths(&out);
                assert_eq!(ours.len(), theirs.len());
                for (function, length) in &ours {
                    let way = format!("{name} {cpu} {level} {function}");
                    assert!(
                        *length <= theirs[function],
                        "{way}: {length}, not {}",
                        theirs[function]
                    );
                }
                let total = |all: &BTreeMap<String, usize>| all.values().sum::<usize>();
                println!("{name} {cpu} {level}: {} here, {} there", total(&ours), total(&theirs));
            }
        }
    }
}

/// What the kernel makes of each program: whether it takes it, and what a run returns.
fn verdicts(oracle: &Path, object: &Path) -> BTreeMap<String, (Value, Value)> {
    let output = Command::new(oracle).arg("load").arg(object).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    let programs = answer[0].as_array().unwrap();
    let one = |program: &Value| {
        let name = program["program"].as_str().unwrap_or("not opened").to_owned();
        (name, (program["verdict"].clone(), program["run"].clone()))
    };
    programs.iter().map(one).collect()
}

#[test]
fn the_kernel_takes_what_every_compiler_makes() {
    if !bpf::permitted() {
        return;
    }
    let Some(oracle) = oracle("libbpf") else { return };
    let directory = Directory::with("linux@LINUX_6.1", "load");
    let include = format!("-I{}", directory.0.display());
    let out = directory.0.join("programs.o");
    let mut first: BTreeMap<String, Value> = BTreeMap::new();
    for name in ["clang-19", "clang-14", "clang-22", "bpf-gcc"] {
        let Some(compiler) = tool(&[name]) else { continue };
        let gcc = name == "bpf-gcc";
        for level in ["-O2", "-O1", "-O0"] {
            let types = if gcc { "-gbtf" } else { "-g" };
            compile(
                &compiler,
                &programs(),
                &out,
                &[level, types, "-mcpu=v3", "-Wall", "-Wextra", &include],
            );
            let mut found = verdicts(&oracle, &out);
            assert_eq!(found.len(), 12, "{found:?}");
            if level == "-O0" || gcc {
                // clang's BTF has no names of arguments then, and no kernel takes it; gcc 12 does not say
                // which type a function has. What needs BTF does not load, whatever the header.
                for needs_types in ["each", "loop", "later"] {
                    found.remove(needs_types);
                }
            }
            for (program, (verdict, run)) in &found {
                assert_eq!(verdict, 0, "{name} {level}: {program}");
                match first.get(program) {
                    None => _ = first.insert(program.clone(), run.clone()),
                    Some(first) => assert_eq!(run, first, "{name} {level}: {program}"),
                }
            }
        }
    }
}

#[test]
fn loops_and_optional_kfuncs_do_what_they_say() {
    let directory = Directory::with("linux@LINUX_6.12", "macros");
    let include = format!("-I{}", directory.0.display());
    let source = repo("crates/abide/tests/fixtures/headers/macros.c");
    let out = directory.0.join("macros.o");
    let oracle = if bpf::permitted() { oracle("libbpf") } else { None };
    for name in ["clang-14", "clang-19", "clang-22"] {
        let Some(compiler) = tool(&[name]) else { continue };
        for level in ["-O2", "-O1", "-O0"] {
            compile(
                &compiler,
                &source,
                &out,
                &[level, "-g", "-mcpu=v3", "-Wall", "-Wextra", &include],
            );
            let Some(oracle) = oracle.as_ref().filter(|_| level == "-O2") else { continue };
            let found = verdicts(oracle, &out);
            // 0 + … + 9, three times 1, 100 + 101.
            for (program, result) in [("loops", 249), ("optional", 2), ("leap", 6)] {
                let (verdict, run) = &found[program];
                assert_eq!(verdict, 0, "{name} {level}: {program}");
                assert_eq!(run[1], result, "{name} {level}: {program}");
            }
            assert_eq!(found["show"].0, 0, "{name} {level}: show");
        }
    }
}

/// Who reads a message wants the line of the program.
#[test]
fn a_call_has_the_line_of_its_caller() {
    let Some(clang) = tool(&["clang-19"]) else { return };
    let directory = Directory::with("linux@LINUX_6.1", "lines");
    let include = format!("-I{}", directory.0.display());
    let out = directory.0.join("programs.o");
    for level in ["-O0", "-O2"] {
        compile(&clang, &programs(), &out, &[level, "-g", &include]);
        let object = Object::parse(&fs::read(&out).unwrap()).unwrap();
        let lines = object.functions.iter().flat_map(|function| &function.lines);
        let files: Vec<&str> = lines.map(|line| &*line.file).collect();
        assert!(files.len() > 100);
        let other = files.iter().find(|file| !file.ends_with("programs.c"));
        assert_eq!(other, None, "{level}");
    }
}

/// The program of the README, by every compiler at every level.
#[test]
fn the_program_of_the_readme_runs() {
    let source = repo("examples/count/count.bpf.c");
    let readme = fs::read_to_string(repo("README.md")).unwrap();
    assert!(readme.contains(&fs::read_to_string(&source).unwrap()), "the README shows the file");
    let directory = Directory::with("linux@LINUX_6.12", "readme");
    let include = format!("-I{}", directory.0.display());
    let out = directory.0.join("count.o");
    for name in ["clang-14", "clang-19", "clang-22", "bpf-gcc"] {
        let Some(compiler) = tool(&[name]) else { continue };
        let debug = if name == "bpf-gcc" { "-gbtf" } else { "-g" };
        for level in ["-O0", "-O1", "-O2"] {
            compile(&compiler, &source, &out, &[level, debug, "-Wall", "-Wextra", &include]);
            let packets = repo("examples/firewall/web.pcap");
            let run =
                Command::new(ABIDE).arg("run").arg(&out).arg("--packets").arg(packets).output();
            let shown = String::from_utf8(run.unwrap().stdout).unwrap();
            for part in [
                "linux@LINUX_6.12 (declared",
                "XDP_DROP   18  26,544 B",
                "XDP_PASS  240",
                "  0  180\n",
            ] {
                assert!(shown.contains(part), "{name} {level}: no {part} in:\n{shown}");
            }
        }
    }
}

#[test]
fn other_headers_go_with_ours() {
    let Some(kernel) = libbpf() else { return };
    let Some(clang) = tool(&["clang-19"]) else { return };
    let directory = Directory::with("linux@LINUX_6.12", "others");
    let include = format!("-I{}", directory.0.display());
    let out = directory.0.join("out.o");
    let program = "SEC(\"xdp\") int pass(struct xdp_md *x) { u32 k = x->data; bpf_printk(\"%d\", k);\n\
                   return BPF_ANY ? XDP_DROP : XDP_PASS; }\n\
                   SEC(\"tc\") int ok(struct __sk_buff *s) { return s->mark ? TC_ACT_SHOT : TC_ACT_OK; }\n";
    let mut cases = vec![
        ("#include \"linux.h\"\n#include <bpf/bpf_endian.h>\n#include <bpf/bpf_core_read.h>\n", ""),
        ("#include <linux/bpf.h>\n#include \"linux.h\"\n", ""),
        (
            "#include <linux/bpf.h>\n#include <linux/ip.h>\n#include <stdbool.h>\n#include \"linux.h\"\n",
            "",
        ),
        (
            "#include \"linux.h\"\n#include <stdbool.h>\n#include <stddef.h>\n#include <linux/if_ether.h>\n",
            "",
        ),
    ];
    let kernels = abide_testkit::kernels();
    if let Some(bytes) = kernels
        .iter()
        .find(|name| name.starts_with("6.12"))
        .and_then(|name| abide_testkit::kernel_btf(name))
    {
        let text = abide_btf::Btf::parse(&bytes).unwrap().to_c().unwrap();
        fs::write(directory.0.join("vmlinux.h"), text).unwrap();
        cases.push((
            "#define BPF_NO_KFUNC_PROTOTYPES\n#include \"vmlinux.h\"\n#include \"linux.h\"\n\
             #include <bpf/bpf_core_read.h>\n#include <bpf/bpf_tracing.h>\n#include <bpf/bpf_endian.h>\n#include <bpf/usdt.bpf.h>\n",
            "SEC(\"kprobe/x\") int BPF_KPROBE(probe, long a) { struct task_struct *t = (void *)bpf_get_current_task();\n\
             return BPF_CORE_READ(t, pid) + a; }\n",
        ));
    }
    for (head, more) in cases {
        let source = directory.0.join("others.c");
        fs::write(&source, format!("{head}{program}{more}")).unwrap();
        for level in ["-O0", "-O2"] {
            let words = [
                level,
                "-g",
                "-D__TARGET_ARCH_x86",
                "-Wall",
                "-Wextra",
                "-Wno-unused-parameter",
                kernel,
                &include,
            ];
            compile(&clang, &source, &out, &words);
        }
    }
    // In the other order it is said what to do.
    let source = directory.0.join("others.c");
    fs::write(
        &source,
        "#include <linux/bpf.h>\n#include <bpf/bpf_helpers.h>\n#include \"linux.h\"\n",
    )
    .unwrap();
    let mut command = Command::new(&clang);
    let done = command
        .args(["-target", "bpf", "-O2", "-c", kernel, &include, "-o"])
        .arg(&out)
        .arg(&source);
    let said = String::from_utf8_lossy(&done.output().unwrap().stderr).into_owned();
    assert!(said.contains("instead of <bpf/bpf_helpers.h>"), "{said}");
}
