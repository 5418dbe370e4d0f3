//! Damaged objects against binding and linking: no panic, and what is linked holds together. And
//! objects that no compiler makes, for the refusals that they are for.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use abide_api::{Api, Binding, HostProfile, LinkError, Program, Requirements};
use abide_diag::Report;
use abide_isa::{Kind, Raw, decode};
use abide_object::{Extern, ExternId, ExternKind, Function, Object, Relocation, Target};
use abide_testkit::repo;
use proptest::prelude::*;

static APIS: LazyLock<Vec<Arc<Api>>> = LazyLock::new(|| {
    ["apis/linux.api", "examples/kv/kv.api", "crates/api/tests/cases/binding/t.api"]
        .map(|path| api(&fs::read_to_string(repo(path)).unwrap()))
        .to_vec()
});

static OBJECTS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    for folder in ["crates", "examples"] {
        collect(&repo(folder), &mut paths);
    }
    paths.sort();
    assert!(paths.len() >= 40);
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
});

fn api(text: &str) -> Arc<Api> {
    Arc::new(Api::parse("test.api", text).unwrap())
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "o") {
            found.push(path);
        }
    }
}

/// Reads, binds on the oldest and the newest node and on every `host` statement, links.
/// How many programs were linked.
fn follow(bytes: &[u8]) -> usize {
    let Ok(object) = Object::parse(bytes) else { return 0 };
    let needs = match Requirements::of(&object, &APIS) {
        Ok(needs) => needs,
        Err(refusal) => {
            assert!(!refusal.report().message.is_empty());
            return 0;
        }
    };
    let _ = needs.oldest_node();
    let api = &needs.api;
    let ends = [api.nodes.first(), api.nodes.last()].into_iter().flatten();
    let names = ends.map(|node| &node.name).chain(api.hosts.iter().map(|host| &host.name));
    let mut linked = 0;
    for name in names {
        let host = HostProfile::at(api, name).unwrap();
        match host.bind(&needs) {
            Ok(binding) => linked += link(&binding, &object),
            Err(refusals) => assert!(!refusals.reports().is_empty()),
        }
    }
    linked
}

fn link(binding: &Binding, object: &Object) -> usize {
    let mut linked = 0;
    for bound in &binding.programs {
        match binding.link(object, &bound.needs.name) {
            Ok(program) => {
                holds_together(&program);
                linked += 1;
            }
            Err(error) => assert!(!error.report().message.is_empty()),
        }
    }
    linked
}

/// It decodes, its functions follow one another without gaps, jumps stay in their function, local
/// calls reach the first slot of one, and none runs on into the next.
fn holds_together(program: &Program) {
    let mut end = 0;
    for function in &program.functions {
        assert_eq!(function.slots.start, end, "{program:?}");
        end = function.slots.end;
        let mut slot = function.slots.start;
        while slot < end {
            let insn = decode(&program.slots[slot as usize..end as usize]).unwrap();
            let to = |distance: i64| i64::from(slot) + 1 + distance;
            if let Some(jump) = insn.jump() {
                let to = u32::try_from(to(i64::from(jump))).unwrap();
                assert!(function.slots.contains(&to), "{slot} jumps to {to}");
            }
            if insn.kind() == Kind::CallLocal {
                let to = u32::try_from(to(insn.imm)).unwrap();
                assert!(program.functions.iter().any(|other| other.slots.start == to));
            }
            slot += insn.slots() as u32;
            assert!(slot < end || !insn.may_fall_through(), "{} runs on", function.name);
        }
    }
    assert_eq!(end as usize, program.slots.len());
    assert!(
        program.calls.keys().chain(program.lines.iter().map(|line| &line.slot)).all(|s| *s < end)
    );
}

#[test]
fn what_is_whole_is_linked() {
    let linked: usize = OBJECTS.iter().map(|bytes| follow(bytes)).sum();
    assert!(linked >= 40, "{linked} programs");
}

/// A small generator of its own, so that every run sees the same damage.
fn random(state: &mut u64) -> usize {
    *state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
    (*state >> 33) as usize
}

#[test]
fn flipped_and_cut_objects_are_survived() {
    let mut state = 1;
    for bytes in OBJECTS.iter() {
        for _ in 0..30 {
            let mut bytes = bytes.clone();
            for _ in 0..=random(&mut state) % 4 {
                let at = random(&mut state) % bytes.len();
                bytes[at] ^= 1 << (random(&mut state) % 8);
            }
            follow(&bytes);
        }
        for _ in 0..8 {
            follow(&bytes[..random(&mut state) % bytes.len()]);
        }
    }
}

fn slot_value() -> impl Strategy<Value = Raw> {
    let codes = prop::sample::select(vec![0x85, 0x05, 0x06, 0x15, 0x18, 0x95, 0xb7, 0x8d, 0x00]);
    (codes, 0..2_u8, 0..8_u8, -5..8_i16, -5..300_i32).prop_map(|(code, dst, src, off, imm)| Raw {
        code,
        dst,
        src,
        off,
        imm,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    /// Damage to the bytes is mostly damage to tables; this is damage to the code.
    #[test]
    fn overwritten_code_is_survived(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), any::<prop::sample::Index>(), slot_value()), 1..6),
    ) {
        let bytes = which.get(&OBJECTS);
        let Ok(mut object) = Object::parse(bytes) else { return Ok(()) };
        if object.functions.is_empty() { return Ok(()) }
        for (function, at, raw) in changes {
            let function = function.index(object.functions.len());
            let slots = &mut object.functions[function].slots;
            let at = at.index(slots.len());
            slots[at] = raw;
        }
        let Ok(needs) = Requirements::of(&object, &APIS) else { return Ok(()) };
        if let Ok(binding) = HostProfile::newest(&needs.api).unwrap().bind(&needs) {
            link(&binding, &object);
        }
    }

    #[test]
    fn overwritten_words_are_survived(
        which in any::<prop::sample::Index>(),
        words in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![Just(0), Just(1), Just(u32::MAX), 0..1000_u32]), 1..4),
    ) {
        let mut bytes = which.get(&OBJECTS).clone();
        for (at, word) in words {
            let at = at.index(bytes.len() / 4) * 4;
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        follow(&bytes);
    }
}

/// An object with one program that a compiler could have made, to be changed.
fn whole() -> Object {
    let bytes = fs::read(repo("crates/api/tests/cases/binding/f1.o")).unwrap();
    Object::parse(&bytes).unwrap()
}

/// Binds the only program on T_1 and links it.
fn linked(object: &Object) -> Result<Program, LinkError> {
    let needs = Requirements::of(object, &APIS).unwrap();
    let host = HostProfile::at(&needs.api, "T_1").unwrap();
    let binding = host.bind(&needs).unwrap();
    binding.link(object, &binding.programs[0].needs.name).inspect(holds_together)
}

const EXIT: Raw = Raw { code: 0x95, dst: 0, src: 0, off: 0, imm: 0 };
const SET: Raw = Raw { code: 0xb7, dst: 0, src: 0, off: 0, imm: 0 };
const CALL: Raw = Raw { code: 0x85, dst: 0, src: 1, off: 0, imm: -1 };

fn entry(object: &mut Object) -> &mut Function {
    let id = object.programs[0].function;
    let function = &mut object.functions[id.index()];
    function.relocations.clear();
    function.lines.clear();
    function
}

/// The program with this code and nothing else.
fn with(slots: Vec<Raw>) -> Object {
    let mut object = whole();
    entry(&mut object).slots = slots;
    object
}

fn code(object: &Object) -> &'static str {
    linked(object).unwrap_err().report().code.id
}

#[test]
fn l0004_a_program_over_the_limit() {
    let mut slots = vec![SET; 999_999];
    slots.push(EXIT);
    let mut object = with(slots);
    assert_eq!(linked(&object).unwrap().slots.len(), 1_000_000);
    entry(&mut object).slots.push(EXIT);
    assert_eq!(code(&object), "L0004");
}

#[test]
fn l0004_small_functions_that_are_too_many_programs() {
    let mut object = whole();
    let id = object.programs[0].function;
    // Each program reaches the function with all the calls: sites by the billion.
    let calls = vec![Raw { code: 0x85, dst: 0, src: 0, off: 0, imm: 2 }; 100_000];
    entry(&mut object).slots = calls;
    object.programs = vec![object.programs[0].clone(); 100_000];
    assert_eq!(object.programs[0].function, id);
    let refusal = Requirements::of(&object, &APIS).unwrap_err();
    assert_eq!(refusal.report().code.id, "L0004");
}

#[test]
fn l0005_branches_that_leave_their_function() {
    let jump = |off| Raw { code: 0x05, dst: 0, src: 0, off, imm: 0 };
    let long = |imm| Raw { code: 0x06, dst: 0, src: 0, off: 0, imm };
    let when = |off| Raw { code: 0x15, dst: 1, src: 0, off, imm: 0 };
    for first in [jump(2), jump(-2), long(2), long(i32::MIN), long(i32::MAX), when(2), when(-3)] {
        assert_eq!(code(&with(vec![first, SET, EXIT])), "L0005", "{first:?}");
    }
    for first in [jump(1), jump(-1), long(0), when(1)] {
        assert!(linked(&with(vec![first, SET, EXIT])).is_ok(), "{first:?}");
    }
}

#[test]
fn l0005_functions_that_run_on_or_are_empty() {
    assert_eq!(code(&with(vec![SET])), "L0005");
    assert_eq!(code(&with(vec![Raw { code: 0x85, dst: 0, src: 0, off: 0, imm: 2 }])), "L0005");
    assert_eq!(code(&with(vec![])), "L0005");
    assert!(linked(&with(vec![SET, Raw { code: 0x05, dst: 0, src: 0, off: -2, imm: 0 }])).is_ok());
}

#[test]
fn l0005_calls_and_relocations_that_mean_nothing() {
    assert_eq!(code(&with(vec![CALL, EXIT])), "L0005");
    assert_eq!(code(&with(vec![Raw { src: 2, ..CALL }, EXIT])), "L0005");
    let mut object = with(vec![SET, EXIT]);
    let target = Target::Function(object.programs[0].function);
    entry(&mut object).relocations = vec![Relocation { slot: 0, target }];
    assert_eq!(code(&object), "L0005");
}

/// Compilers write `src` 0 or 1 into a call that the relocation makes a call of a kfunc.
#[test]
fn the_relocation_says_what_is_called() {
    for src in 0..2 {
        let mut object = with(vec![Raw { src, ..CALL }, SET, EXIT]);
        let kind = ExternKind::Function { proto: None };
        let section = Some(".ksyms".to_owned());
        object.externs = vec![Extern { name: "f".to_owned(), weak: false, section, kind }];
        let target = Target::CallExtern(ExternId(0));
        entry(&mut object).relocations = vec![Relocation { slot: 0, target }];
        let program = linked(&object).unwrap();
        assert_eq!(program.slots[0].src, 2);
        assert_eq!(APIS[2].label(program.calls[&0].definition), "f@T_1");
    }
}

/// Linking is linear: an object can have as many weak kfuncs as it has calls.
#[test]
fn many_weak_kfuncs() {
    let count = 20_000;
    let mut slots = vec![CALL; count];
    slots.push(EXIT);
    let mut object = with(slots);
    let one = |index| Extern {
        name: format!("absent{index}"),
        weak: true,
        section: Some(".ksyms".to_owned()),
        kind: ExternKind::Function { proto: None },
    };
    object.externs = (0..count).map(one).collect();
    entry(&mut object).relocations = (0..count as u32)
        .map(|slot| Relocation { slot, target: Target::CallExtern(ExternId(slot)) })
        .collect();
    let program = linked(&object).unwrap();
    assert!(program.calls.is_empty(), "the host has none of them");
    assert!(program.slots[..count].iter().all(|raw| raw.src == 2 && raw.imm == -1));
}
