//! Generated headers: every compiler takes them at every level of optimization, each helper and kfunc is one
//! call with its arguments in place, types have the layout that the API says, and what is to be left warns.
//!
//! Needs clang-14, clang-19, clang-22 and bpf-gcc, and does with those that are there.

#![allow(clippy::unwrap_used, reason = "helpers of a test")]

#[path = "headers/arguments.rs"]
mod arguments;
#[path = "headers/compilers.rs"]
mod compilers;

use std::fmt::Write;

use abide_api::model::{Api, DefKind, Prototype, Suffix};
use abide_api::query::Namespace;
use abide_api::{DefId, NodeId};

use abide_diag::Report;
use abide_object::{Object, Target};
use abide_testkit::{check_or_bless, repo};
use compilers::{ALL, Compiler, Directory, compilers};

const STRICT: &[&str] = &["-Wall", "-Wextra", "-Wpedantic", "-Werror"];

fn api(path: &str) -> Api {
    let text = std::fs::read_to_string(repo(path)).unwrap();
    Api::parse(path, &text).unwrap_or_else(|errors| panic!("{errors}"))
}

fn newest(api: &Api) -> NodeId {
    NodeId(api.nodes.len() as u32 - 1)
}

fn node(api: &Api, name: &str) -> NodeId {
    api.node(name).unwrap()
}

/// What can be called at a node.
fn callables(api: &Api, node: NodeId) -> Vec<(DefId, &Prototype)> {
    let names = api.names(Namespace::Callable);
    let ids = names.filter_map(|name| api.lookup(Namespace::Callable, name, node));
    ids.map(|id| (id, api.definition(id).kind.prototype().unwrap())).collect()
}

/// How many arguments C passes: what the host fills in by `__prog` stands in the declaration, too.
fn arity(prototype: &Prototype) -> usize {
    let declared = prototype.params.iter().filter(|param| !param.has(Suffix::Implicit)).count();
    if declared > 5 { prototype.passed().count() } else { declared }
}

/// A program that calls everything: one function for each number of arguments.
fn program_that_calls_all(api: &Api, node: NodeId, header: &str) -> (String, Vec<(DefId, usize)>) {
    let mut text = format!("#include \"{header}\"\n\n");
    let mut all = Vec::new();
    for (id, prototype) in callables(api, node) {
        let helper = matches!(api.definition(id).kind, DefKind::Helper { .. });
        let least = if helper { prototype.passed().count() } else { arity(prototype) };
        let most = if prototype.variadic { 5 } else { least };
        for count in least..=most {
            let arguments: Vec<String> = (0..count)
                .map(|index| {
                    let value = 11 * (index + 1);
                    let pointer = prototype.params.get(index).is_some_and(|param| {
                        let ty = param.ty.to_string();
                        ty.contains('*') || ty.contains("callback")
                    });
                    if pointer { format!("(void *){value}L") } else { value.to_string() }
                })
                .collect();
            let name = &api.definition(id).name;
            let call = format!("{name}({})", arguments.join(", "));
            let void = prototype.returns.to_string() == "void";
            let number = all.len();
            let _ = match void {
                true => writeln!(text, "SEC(\"all\") void f{number}(void) {{ {call}; }}"),
                false => {
                    writeln!(text, "SEC(\"all\") u64 f{number}(void) {{ return (u64){call}; }}")
                }
            };
            all.push((id, count));
        }
    }
    (text, all)
}

/// Each function of the object holds one call, of what it should, with 11, 22, … in r1, r2, ….
fn check_calls(api: &Api, bytes: &[u8], all: &[(DefId, usize)], way: &str) -> usize {
    let object = Object::parse(bytes).unwrap_or_else(|error| panic!("{way}: {error}"));
    for (number, (id, count)) in all.iter().enumerate() {
        let (label, name) = (api.label(*id), format!("f{number}"));
        let function = object.functions.iter().find(|function| function.name == name).unwrap();
        let calls =
            arguments::calls(&function.slots).unwrap_or_else(|why| panic!("{way}: {label}: {why}"));
        assert_eq!(calls.len(), 1, "{way}: {label}: {calls:?}");
        let call = &calls[0];
        match api.definition(*id).kind {
            DefKind::Helper { number, .. } => {
                assert_eq!((call.src, call.imm), (0, number as i32), "{way}: {label}");
            }
            _ => {
                let target = function.target_at(call.slot as u32);
                let Some(Target::CallExtern(found)) = target else {
                    panic!("{way}: {label}: {target:?}")
                };
                let found = &object.externs[found.0 as usize].name;
                assert_eq!(*found, api.definition(*id).name, "{way}");
            }
        }
        let prototype = api.definition(*id).kind.prototype().unwrap();
        let value = |index: usize| match prototype.params.get(index) {
            // What is true is 1.
            Some(param) if param.ty.to_string() == "bool" => Some(1),
            _ => Some(11 * (index as u64 + 1)),
        };
        let expected: Vec<_> = (0..*count).map(value).collect();
        assert_eq!(call.arguments[..*count], expected, "{way}: {label}");
    }
    all.len()
}

/// The ways in which a compiler is called for the matrix.
fn ways(compiler: &Compiler) -> Vec<Vec<&'static str>> {
    let mut ways = Vec::new();
    for level in ["-O0", "-O1", "-O2"] {
        if compiler.is_clang() {
            ways.push(vec![level, "-g", "-mcpu=v3"]);
        } else {
            ways.push(vec![level]);
        }
    }
    if compiler.is_clang() {
        ways.push(vec!["-O2", "-g", "-mcpu=v1"]);
    }
    ways
}

#[test]
fn every_helper_and_kfunc_is_one_call_with_its_arguments_in_place() {
    let api = api("apis/linux.api");
    let directory = Directory::new("calls");
    let include = format!("-I{}", directory.0.display());
    let mut checked = 0;
    for at in [newest(&api), node(&api, "LINUX_6.5")] {
        directory.write("linux.h", &api.header(at).unwrap());
        let (text, all) = program_that_calls_all(&api, at, "linux.h");
        let source = directory.write("all.c", &text);
        for compiler in compilers(ALL) {
            for mut way in ways(&compiler) {
                way.extend([
                    "-Wall",
                    "-Wextra",
                    "-Werror",
                    "-Wno-deprecated-declarations",
                    &include,
                ]);
                let object = directory.0.join("all.o");
                if let Err(said) = compiler.compile(&source, &object, &way) {
                    panic!("{said}");
                }
                let way = format!("{} {way:?}", compiler.name);
                let bytes = std::fs::read(&object).unwrap();
                checked += check_calls(&api, &bytes, &all, &way);
            }
        }
    }
    println!("{checked} calls");
}

#[test]
fn headers_of_all_nodes_compile() {
    for path in ["apis/linux.api", "examples/kv/kv.api"] {
        let api = api(path);
        let directory = Directory::new(&format!("nodes-{}", api.name));
        let include = format!("-I{}", directory.0.display());
        let last = api.nodes.len() as u32 - 1;
        for compiler in compilers(&["clang-19", "bpf-gcc"]) {
            // One compiler sees all of them.
            let step = if compiler.is_clang() { 1 } else { 10 };
            for index in (0..=last).rev().step_by(step) {
                let name = &api.nodes[index as usize].name;
                directory.write("api.h", &api.header(NodeId(index)).unwrap());
                // Included twice, it is one header.
                let source = directory.write("node.c", "#include \"api.h\"\n#include \"api.h\"\n");
                let object = directory.0.join("node.o");
                let mut way = vec!["-O2", &include];
                way.extend(STRICT);
                if let Err(said) = compiler.compile(&source, &object, &way) {
                    panic!("{name}: {said}");
                }
                let stamps = Object::parse(&std::fs::read(&object).unwrap()).unwrap().stamps;
                let stamps: Vec<_> =
                    stamps.iter().map(|stamp| (&*stamp.api, &*stamp.node)).collect();
                assert_eq!(stamps, [(&*api.name, &**name)]);
            }
        }
    }
}

/// `_Static_assert`s of every size and offset.
#[test]
fn types_have_the_layout_that_the_api_says() {
    let api = api("apis/linux.api");
    let directory = Directory::new("layout");
    let include = format!("-I{}", directory.0.display());
    let mut asserted = 0;
    for at in [newest(&api), node(&api, "LINUX_5.4"), node(&api, "LINUX_6.1")] {
        directory.write("linux.h", &api.header(at).unwrap());
        let mut text = "#include \"linux.h\"\n".to_owned();
        for name in api.names(Namespace::Tag) {
            let Some(id) = api.lookup(Namespace::Tag, name, at) else { continue };
            let DefKind::Struct(body) = &api.definition(id).kind else { continue };
            if body.opaque {
                continue;
            }
            let tag = format!("{} {name}", if body.is_union { "union" } else { "struct" });
            let mut is = |what: String, value: u32| {
                let _ = writeln!(text, "_Static_assert({what} == {value}, \"{what}\");");
                asserted += 1;
            };
            is(format!("sizeof({tag})"), body.size);
            for field in &body.fields {
                is(format!("__builtin_offsetof({tag}, {})", field.name), field.offset);
                is(format!("sizeof((({tag} *)0)->{})", field.name), field.size);
            }
        }
        let source = directory.write("layout.c", &text);
        for compiler in compilers(&["clang-19", "bpf-gcc"]) {
            let object = directory.0.join("layout.o");
            if let Err(said) = compiler.compile(&source, &object, &["-O2", &include]) {
                panic!("{said}");
            }
        }
    }
    assert!(asserted > 300, "{asserted}");
}

/// The part of a header that the API file says: between the fixed parts and the stamp.
fn own(header: &str) -> &str {
    let start = header.find("#endif /* ABIDE_PRELUDE */\n").unwrap();
    &header[start..]
}

#[test]
fn a_header_says_what_its_api_says() {
    let tiny = api("crates/api/tests/cases/headers/tiny.api");
    for name in ["TINY_2", "TINY_3"] {
        let header = tiny.header(node(&tiny, name)).unwrap();
        check_or_bless(repo(&format!("crates/api/tests/cases/headers/{name}.h")), own(&header));
    }
}

#[test]
fn small_and_large_values_are_in_place() {
    let tiny = api("crates/api/tests/cases/headers/tiny.api");
    let directory = Directory::new("tiny");
    let include = format!("-I{}", directory.0.display());
    let at = node(&tiny, "TINY_1");
    directory.write("tiny.h", &tiny.header(at).unwrap());
    let (text, all) = program_that_calls_all(&tiny, at, "tiny.h");
    let source = directory.write("all.c", &text);
    for compiler in compilers(ALL) {
        for mut way in ways(&compiler) {
            let object = directory.0.join("all.o");
            way.extend(["-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations", &include]);
            if let Err(said) = compiler.compile(&source, &object, &way) {
                panic!("{said}");
            }
            let way = format!("{} {way:?}", compiler.name);
            check_calls(&tiny, &std::fs::read(&object).unwrap(), &all, &way);
        }
    }
}

#[test]
fn what_c_cannot_say_is_refused() {
    for (name, code) in [("keyword", "D0001"), ("two_values", "D0002")] {
        let api = api(&format!("crates/api/tests/cases/headers/{name}.api"));
        let error = api.header(newest(&api)).unwrap_err().report();
        assert_eq!(error.code.id, code, "{error:?}");
    }
}

#[test]
fn what_is_to_be_left_warns_when_it_is_compiled() {
    let kv = api("examples/kv/kv.api");
    let directory = Directory::new("deprecated");
    let include = format!("-I{}", directory.0.display());
    directory.write("kv.h", &kv.header(node(&kv, "KV_2")).unwrap());
    let source = directory.write(
        "old.c",
        "#include \"kv.h\"\n\
         SEC(\"kv/filter\") int old(struct kv_ctx *ctx)\n\
         {\n\tchar text[4] = \"abc\";\n\tkv_log(text, ctx->op);\n\treturn kv_peek(text, 4);\n}\n",
    );
    let object = directory.0.join("old.o");
    for compiler in compilers(ALL) {
        for level in ["-O0", "-O2"] {
            let said = compiler.compile(&source, &object, &[level, "-Wall", &include]).unwrap();
            for part in [
                "old.c:5:",
                "use kv_event; to be removed in KV_4 (2026-11-20); not served from 2026-06-01 on",
                "old.c:6:",
                "withdrawn by KV_3: CVE-2025-00000: leaks the next entry",
            ] {
                assert!(said.contains(part), "{} {level}: no {part} in:\n{said}", compiler.name);
            }
            assert_eq!(said.matches("-Wdeprecated-declarations").count(), 2, "{said}");
        }
    }
}

#[test]
fn two_headers_of_one_api_do_not_go_together() {
    let kv = api("examples/kv/kv.api");
    let directory = Directory::new("two");
    let include = format!("-I{}", directory.0.display());
    for name in ["KV_1", "KV_2"] {
        directory.write(&format!("{name}.h"), &kv.header(node(&kv, name)).unwrap());
    }
    let linux = api("apis/linux.api");
    directory.write("linux.h", &linux.header(newest(&linux)).unwrap());
    let object = directory.0.join("two.o");
    for compiler in compilers(&["clang-19", "bpf-gcc"]) {
        let source = directory.write("two.c", "#include \"KV_1.h\"\n#include \"KV_2.h\"\n");
        let said = compiler.compile(&source, &object, &["-O2", &include]).unwrap_err();
        assert!(said.contains("another version of kv already"), "{said}");
        // Of two APIs they do: the program is stamped with both.
        let source = directory.write("both.c", "#include \"linux.h\"\n#include \"KV_2.h\"\n");
        if let Err(said) =
            compiler.compile(&source, &object, &["-O2", "-Wall", "-Werror", &include])
        {
            panic!("{said}");
        }
        let stamps = Object::parse(&std::fs::read(&object).unwrap()).unwrap().stamps;
        let stamps: Vec<_> = stamps.iter().map(|stamp| &*stamp.node).collect();
        assert_eq!(stamps.len(), 2, "{stamps:?}");
    }
}
