//! Typed bodies: what fits a prototype and what does not, what arrives, what goes back.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use abide_api::{Api, DefId};
use abide_diag::Report;
use abide_maps::{Limits, Map as SharedMap, MapDef, MapKind};
use abide_runtime::body::{
    Bytes, Ctx, Dynptr, DynptrOut, InOut, Map, MapKey, MapValue, Out, Signature, Str, Struct,
    StructMut,
};
use abide_runtime::{
    Body, Context, Errno, Host, IntoBody, Outcome, Owned, Problem, Problems, Program, Ref,
    Released, Trap, bare,
};

const API: &str = r#"
api t;
retain 1 year;
T_1 released 2024-01-01 {
    struct xdp_md { packet u32 data; packet_end u32 data_end; packet_meta u32 data_meta;
                    u32 a; u32 b; u32 mark writable; };
    program p(struct xdp_md *ctx) section "p" returns 0..3;
    struct point { s32 x; s32 y; };
    struct thing;
    struct bpf_map;
    struct bpf_dynptr { u64 __opaque[2]; };
    enum colour { RED = 0, GREEN = 1 };
    helper 1 u64 narrow(u8 a, s16 b, u32 c, bool d, enum colour e);
    helper 2 long sum(const void *data, u32 data__sz);
    helper 3 long fill(void *out, u32 out__sz);
    helper 4 long twice(void *data, u64 data__sz);
    helper 5 long norm(const struct point *p);
    helper 6 void mirror(struct point *p);
    helper 7 long length(const char *text);
    helper 8 long entries(struct bpf_map *map, const void *key, const void *value);
    helper 9 long touch(struct xdp_md *ctx, s32 head);
    helper 10 struct thing *make(u64 n) acquire nullable;
    helper 11 u64 look(struct thing *t);
    helper 12 void put(struct thing *t) release;
    helper 13 long view(struct bpf_dynptr *p__uninit);
    helper 14 long total(const struct bpf_dynptr *p);
    helper 15 int fails(u32 n);
    helper 16 long maybe(const void *data__nullable, u32 data__sz);
    helper 17 s8 negative(void);
};
T_2 released 2024-06-01 {
    helper 3 long fill(void *out, u32 out__sz) changed "fills with twos";
} T_1;
T_3 released 2026-06-01 { } T_2;
"#;

fn api() -> Arc<Api> {
    Arc::new(Api::parse("t.api", API).unwrap_or_else(|errors| panic!("{errors}")))
}

fn id(api: &Api, label: &str) -> DefId {
    api.labelled(label)[0]
}

fn typed<M>(api: &Api, label: &str, body: impl IntoBody<M>) -> Body {
    let signature = Signature::of(api, id(api, label)).unwrap();
    body.into_body(&signature).unwrap_or_else(|misfit| panic!("{misfit}"))
}

fn program(code: &str, helpers: &[(u32, Body)]) -> Program {
    let assembled = abide_asm::assemble(code, &abide_asm::Options::default()).unwrap();
    let def = MapDef {
        name: "m".into(),
        kind: MapKind::Hash,
        key_size: 4,
        value_size: 8,
        max_entries: 4,
        flags: 0,
    };
    let map = Arc::new(SharedMap::create(&def, &Limits::default()).unwrap());
    helpers
        .iter()
        .fold(bare::Builder::new("case", &assembled.slots), |builder, (number, body)| {
            builder.helper(*number, body.clone())
        })
        .map(map)
        .context("xdp_md", 24, &support::xdp_fields())
        .build()
        .unwrap()
}

fn run_in(program: &Program, context: &mut Context) -> Result<u64, Trap> {
    program.run(context).map(|Outcome { value, .. }| value)
}

fn run(code: &str, helpers: &[(u32, Body)]) -> Result<u64, Trap> {
    let program = program(code, helpers);
    let mut context = program.context();
    context.packet(&[7; 64]);
    run_in(&program, &mut context)
}

fn code(result: Result<u64, Trap>) -> &'static str {
    result.unwrap_err().code().id
}

#[test]
fn scalars_are_cut_to_their_types() {
    let body = typed(&api(), "narrow@T_1", |a: u8, b: i16, c: u32, d: bool, e: u32| -> u64 {
        assert_eq!((a, b, c, d, e), (0xff, -2, 0xffff_fffd, true, 1));
        7
    });
    let text = "r1 = -1; r2 = -2; r3 = -3; r4 = 2; r5 = 0x100000001 ll; call 1; exit";
    assert_eq!(run(text, &[(1, body)]).unwrap(), 7);
}

#[test]
fn memory_is_read_within_its_bounds() {
    let body = typed(&api(), "sum@T_1", |data: Bytes<'_>| -> i64 {
        data.iter().map(|byte| i64::from(*byte)).sum()
    });
    let text = |at: i32, size: u64| {
        format!(
            "*(u64 *)(r10 - 8) = 0x01010101; r1 = r10; r1 += {at}; r2 = {size} ll; call 2; exit"
        )
    };
    let run = |at, size| run(&text(at, size), &[(2, body.clone())]);
    assert_eq!(run(-8, 8).unwrap(), 4);
    assert_eq!(run(-8, 0).unwrap(), 0);
    assert_eq!(run(-8, 0xffff_ffff_0000_0003).unwrap(), 3, "a u32 size is the low half");
    assert_eq!(code(run(-8, 9)), "T0001");
    assert_eq!(code(run(-8, 0xffff_ffff)), "T0001");
}

#[test]
fn only_what_was_written_is_copied_back() {
    let body = typed(&api(), "fill@T_1", |mut out: Out<'_>| -> i64 {
        assert_eq!(out.write(&[1, 1]), 2);
        out.capacity() as i64
    });
    let text = "r1 = -1; *(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -8; r2 = 8; call 3; \
                r0 = *(u64 *)(r10 - 8); exit";
    assert_eq!(run(text, &[(3, body.clone())]).unwrap(), 0xffff_ffff_ffff_0101);
    // All of it must be writable, whatever is written.
    let text = "r1 = r10; r1 += -4; r2 = 8; call 3; exit";
    let trap = run(text, &[(3, body)]).unwrap_err();
    assert_eq!(trap.code().id, "T0001");
    assert!(trap.notes().iter().any(|note| note.contains("`out` of")), "{trap:?}");
}

#[test]
fn memory_is_changed_in_place() {
    let body = typed(&api(), "twice@T_1", |mut data: InOut<'_>| -> i64 {
        data.iter_mut().for_each(|byte| *byte *= 2);
        0
    });
    let text = "*(u32 *)(r10 - 4) = 0x01020304; r1 = r10; r1 += -4; r2 = 4; call 4; \
                r0 = *(u32 *)(r10 - 4); exit";
    assert_eq!(run(text, &[(4, body)]).unwrap(), 0x0204_0608);
}

#[test]
fn structs_by_pointer() {
    let api = api();
    let norm = typed(&api, "norm@T_1", |p: Struct<'_>| -> i64 {
        assert_eq!(p.len(), 8);
        i64::from(i32::from_ne_bytes(p[..4].try_into().unwrap()))
    });
    let mirror = typed(&api, "mirror@T_1", |mut p: StructMut<'_>| p.swap_with_slice(&mut [9; 8]));
    let text = "*(u64 *)(r10 - 8) = -5; r1 = r10; r1 += -8; call 5; exit";
    assert_eq!(run(text, &[(5, norm)]).unwrap(), -5i64 as u64);
    let text = "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; call 6; r6 = r0; \
                r0 = *(u8 *)(r10 - 1); r0 += r6; exit";
    assert_eq!(run(text, &[(6, mirror)]).unwrap(), 9);
}

#[test]
fn strings_end_at_their_nul() {
    let body = typed(&api(), "length@T_1", |text: Str<'_>| -> i64 { text.len() as i64 });
    let text = "*(u64 *)(r10 - 8) = 0x616161; r1 = r10; r1 += -8; call 7; exit";
    assert_eq!(run(text, &[(7, body.clone())]).unwrap(), 3);
    let text = "r1 = -1; *(u64 *)(r10 - 8) = r1; r1 = r10; r1 += -8; call 7; exit";
    assert_eq!(code(run(text, &[(7, body)])), "T0001");
}

#[test]
fn keys_and_values_have_the_sizes_of_their_map() {
    let body =
        typed(&api(), "entries@T_1", |map: Map<'_>, key: MapKey<'_>, value: MapValue<'_>| -> i64 {
            assert_eq!((key.len(), value.len()), (4, 8));
            map.update(&key, &value, 0, 0).unwrap();
            map.keys().count() as i64
        });
    let text =
        "*(u64 *)(r10 - 8) = 5; ld_pseudo r1, 5, 0; r2 = r10; r2 += -8; r3 = r2; call 8; exit";
    assert_eq!(run(text, &[(8, body.clone())]).unwrap(), 1);
    let text = "r1 = 8; r2 = r10; r3 = r10; call 8; exit";
    assert_eq!(code(run(text, &[(8, body)])), "T0008");
}

#[test]
fn the_context_and_its_packet() {
    let body = typed(&api(), "touch@T_1", |mut ctx: Ctx<'_>, head: i32| -> Result<i64, Errno> {
        assert_eq!(ctx.packet().len(), 64);
        ctx.packet_mut()[4] = 99;
        ctx.set("mark", 5).unwrap();
        assert!(ctx.get("data").is_err() && ctx.get("nothing").is_err());
        ctx.adjust_head(head)?;
        Ok(ctx.packet().len() as i64)
    });
    let text = |head: i32| {
        format!(
            "r6 = r1; r2 = {head}; call 9; r1 = *(u32 *)(r6 + 0); r1 = *(u8 *)(r1 + 0); \
             r0 += r1; r1 = *(u32 *)(r6 + 20); r0 += r1; exit"
        )
    };
    assert_eq!(run(&text(4), &[(9, body.clone())]).unwrap(), 60 + 99 + 5);
    assert_eq!(run(&text(-8), &[(9, body.clone())]).unwrap(), 72 + 5);
    let refused = run(&text(-257), &[(9, body.clone())]).unwrap();
    assert_eq!(refused, (-22i64 + 7 + 5) as u64, "no room, nothing moved");
    assert_eq!(code(run("r1 = 0; r2 = 0; call 9; exit", &[(9, body)])), "T0008");
}

fn things(released: &Arc<AtomicU64>) -> Vec<(u32, Body)> {
    let (api, released) = (api(), Arc::clone(released));
    vec![
        (10, typed(&api, "make@T_1", |n: u64| (n != 0).then(|| Owned::with_view(n, vec![1, 2])))),
        (11, typed(&api, "look@T_1", |thing: Ref<'_, u64>| *thing)),
        (
            12,
            typed(&api, "put@T_1", move |thing: Released<u64>| {
                released.fetch_add(*thing, Ordering::Relaxed);
            }),
        ),
    ]
}

#[test]
fn objects_are_owned_used_and_released() {
    let released = Arc::new(AtomicU64::new(0));
    let things = things(&released);
    let text = "r1 = 42; call 10; r6 = r0; r1 = r6; call 11; r7 = r0; \
                r8 = *(u8 *)(r6 + 1); r7 += r8; r1 = r6; call 12; r0 = r7; exit";
    assert_eq!(run(text, &things).unwrap(), 44);
    assert_eq!(released.load(Ordering::Relaxed), 42);
    assert_eq!(run("r1 = 0; call 10; exit", &things).unwrap(), 0);
}

#[test]
fn misused_objects_trap() {
    let things = things(&Arc::default());
    let leak = run("r1 = 42; call 10; r0 = 0; exit", &things).unwrap_err();
    assert_eq!(leak.code().id, "T0009");
    assert!(leak.message().contains("make@T_1"), "{leak}");
    let twice = "r1 = 42; call 10; r6 = r0; r1 = r6; call 12; r1 = r6; call 12; exit";
    assert_eq!(code(run(twice, &things)), "T0010");
    let after = "r1 = 42; call 10; r6 = r0; r1 = r6; call 12; r0 = *(u8 *)(r6 + 0); exit";
    assert_eq!(code(run(after, &things)), "T0010");
    let other = "r1 = r10; call 12; exit";
    assert_eq!(code(run(other, &things)), "T0008");
    let write = "r1 = 42; call 10; *(u8 *)(r0 + 0) = 1; exit";
    assert_eq!(code(run(write, &things)), "T0002");
}

#[test]
fn an_opaque_object_cannot_be_dereferenced() {
    let api = api();
    let make = typed(&api, "make@T_1", |n: u64| Some(Owned::new(n)));
    let trap = run("r1 = 1; call 10; r0 = *(u64 *)(r0 + 0); exit", &[(10, make)]).unwrap_err();
    assert_eq!(trap.code().id, "T0011");
    assert!(trap.notes()[0].contains("struct thing"), "{trap:?}");
}

#[test]
fn dynptrs_in_and_out() {
    let api = api();
    let view = typed(&api, "view@T_1", |mut view: DynptrOut<'_>| -> i64 {
        view.set(*b"abc");
        0
    });
    let total = typed(&api, "total@T_1", |view: Dynptr<'_>| -> i64 {
        assert!(view.is_read_only());
        view.len() as i64
    });
    let text = "r1 = r10; r1 += -16; call 13; r1 = r10; r1 += -16; call 14; exit";
    assert_eq!(run(text, &[(13, view), (14, total.clone())]).unwrap(), 3);
    let forged = "r1 = 0x7700000000 ll; *(u64 *)(r10 - 16) = r1; *(u64 *)(r10 - 8) = 8; \
                  r1 = r10; r1 += -16; call 14; exit";
    assert_eq!(code(run(forged, &[(14, total)])), "T0008");
}

#[test]
fn errors_and_small_results_fill_the_register() {
    let api = api();
    let fails = typed(&api, "fails@T_1", |n: u32| -> Result<i32, Errno> {
        if n == 0 { Ok(1) } else { Err(Errno::ENOENT) }
    });
    assert_eq!(run("r1 = 0; call 15; exit", &[(15, fails.clone())]).unwrap(), 1);
    assert_eq!(run("r1 = 1; call 15; exit", &[(15, fails)]).unwrap(), -2i64 as u64);
    let negative = typed(&api, "negative@T_1", || -> i8 { -1 });
    assert_eq!(run("call 17; exit", &[(17, negative)]).unwrap(), u64::MAX);
}

#[test]
fn a_nullable_parameter_is_an_option() {
    let maybe = typed(&api(), "maybe@T_1", |data: Option<Bytes<'_>>| -> i64 {
        data.map_or(-1, |data| data.len() as i64)
    });
    assert_eq!(run("r1 = 0; r2 = 5; call 16; exit", &[(16, maybe.clone())]).unwrap(), u64::MAX);
    let text = "*(u64 *)(r10 - 8) = 0; r1 = r10; r1 += -8; r2 = 5; call 16; exit";
    assert_eq!(run(text, &[(16, maybe)]).unwrap(), 5);
}

#[test]
fn a_body_can_trap() {
    let body = Body::raw(|_| Err(Trap::body("the store is gone")));
    let trap = run("call 1; exit", &[(1, body)]).unwrap_err();
    assert_eq!(trap.code().id, "T0016");
    assert_eq!(trap.place().unwrap().slot, 0);
    assert!(trap.report().render(None, false).contains("call 1"), "{trap}");
}

#[test]
fn a_callback_runs_in_the_same_program() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let each = Body::raw(move |call| {
        let function = call.arg(0);
        for index in 0..3 {
            let value = call.call_back(function, [index, 10, 0, 0, 0])?;
            log.lock().unwrap().push(value);
        }
        Ok(0)
    });
    let text =
        "r6 = 1; ld_pseudo r1, 4, 3; call 1; r0 = r6; exit; r1 += r2; r6 = r1; r0 = r6; exit";
    let text = text.replacen("4, 3", "4, 4", 1);
    assert_eq!(run(&text, &[(1, each.clone())]).unwrap(), 1, "the caller's registers are its own");
    assert_eq!(*seen.lock().unwrap(), [10, 11, 12]);
    assert_eq!(code(run("r1 = 5; call 1; exit", &[(1, each)])), "T0008");
}

fn misfit<M>(label: &str, body: impl IntoBody<M>) -> String {
    let api = api();
    let signature = Signature::of(&api, id(&api, label)).unwrap();
    let misfit = body.into_body(&signature).unwrap_err();
    Problem::Misfit(misfit).report().render(None, false)
}

#[test]
fn what_does_not_fit_is_said_at_registration() {
    let text = misfit("fill@T_1", |_: Bytes<'_>, _: u32| 0i64);
    assert!(text.contains("T0102") && text.contains("parameter 3, which is not there"), "{text}");
    let text = misfit("sum@T_1", |_: Out<'_>| 0i64);
    assert!(text.contains("`data`") && text.contains("Bytes<'_>"), "{text}");
    let text = misfit("fails@T_1", |_: u64| 0i32);
    assert!(text.contains("`n`") && text.contains("u32"), "{text}");
    let text = misfit("fails@T_1", |_: u32| 0i64);
    assert!(text.contains("returns i64") && text.contains("Result<i32, Errno>"), "{text}");
    let text = misfit("put@T_1", |_: Ref<'_, u64>| ());
    assert!(text.contains("Released<T>"), "{text}");
    let text = misfit("norm@T_1", || 0i64);
    assert!(text.contains("takes nothing for the parameter `p`"), "{text}");
    let text = misfit("sum@T_1", |_: Option<Bytes<'_>>| 0i64);
    assert!(text.contains("Bytes<'_>"), "{text}");
    let text = misfit("make@T_1", |_: u64| Owned::new(1u8).value_of());
    assert!(text.contains("Option<Owned<T>>"), "{text}");
}

trait ValueOf {
    fn value_of(self) -> u64;
}

impl<T> ValueOf for Owned<T> {
    fn value_of(self) -> u64 {
        0
    }
}

fn all(skip: &[&str]) -> Result<Host, Problems> {
    let api = api();
    let mut builder = Host::builder(&api).at("T_2");
    for id in api.ids() {
        let label = api.label(id);
        let callable = api.definition(id).kind.prototype().is_some();
        if callable && !skip.contains(&label.as_str()) {
            builder = builder.raw(&label, |_| Ok(0));
        }
    }
    builder.build()
}

#[test]
fn a_host_says_everything_that_is_missing() {
    assert!(all(&[]).unwrap().warnings().is_empty());
    let problems = all(&["sum@T_1", "fill@T_2"]).unwrap_err();
    let text = problems.to_string();
    assert!(
        text.contains("T0101") && text.contains("sum@T_1") && text.contains("fill@T_2"),
        "{text}"
    );
    // Superseded on 2024-06-01 with a window of a year.
    let text = all(&["fill@T_1"]).unwrap_err().to_string();
    assert!(text.contains("fill@T_1"), "{text}");
    let late = Host::builder(&api()).at("T_3").raw("fill@T_1", |_| Ok(0)).build().unwrap_err();
    assert!(!late.to_string().contains("fill@T_1"), "{late}");
}

#[test]
fn labels_that_mean_nothing_are_errors_and_idle_bodies_warnings() {
    let build = |label: &str| {
        let problems = Host::builder(&api()).raw(label, |_| Ok(0)).build().unwrap_err();
        problems.0[0].report().render(None, false)
    };
    assert!(build("fill@T_3").contains("T0103"));
    assert!(build("fill@T_3").contains("fill@T_1, t") || build("fill@T_3").contains("fill@T_1"));
    assert!(build("fill").contains("T0103"));
    assert!(build("point@T_1").contains("T0103"), "a struct has no body");
    let twice = Host::builder(&api()).raw("sum@T_1", |_| Ok(0)).raw("sum@T_1", |_| Ok(0));
    assert!(twice.build().unwrap_err().to_string().contains("T0105"));

    let api = api();
    let mut builder = Host::builder(&api).at("T_3");
    for id in api.ids().filter(|id| api.definition(*id).kind.prototype().is_some()) {
        builder = builder.raw(&api.label(id), |_| Ok(0));
    }
    let host = builder.build().unwrap();
    assert_eq!(host.warnings().len(), 1);
    let text = host.warnings()[0].report().render(None, false);
    assert!(text.contains("T0104") && text.contains("fill@T_1"), "{text}");
}

#[test]
fn a_context_is_set_within_its_fields() {
    let program = program("r0 = *(u32 *)(r1 + 20); exit", &[]);
    let mut context = program.context();
    context.set("mark", 77).unwrap();
    assert_eq!(run_in(&program, &mut context).unwrap(), 77);
    for error in [
        context.set("mark", 1i64 << 32).unwrap_err(),
        context.set("data", 1).unwrap_err(),
        context.set("colour", 1).unwrap_err(),
        context.set_bytes("mark", &[1]).unwrap_err(),
    ] {
        assert_eq!(error.report().code.id, "T0108");
    }
    assert_eq!(context.get("mark").unwrap(), 77);
    let other = bare::Builder::new("other", &[]).build().unwrap();
    assert_eq!(code(run_in(&other, &mut context)), "T0109");
}
