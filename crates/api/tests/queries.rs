//! What names mean at nodes, layouts of structs, and labels, asked through the public API.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its case has failed")]

use abide_api::Namespace::{Callable, Map, Tag};
use abide_api::model::{Api, DefKind, EventKind, NodeId, StructType, Suffix, Window};

fn kv() -> Api {
    let text = std::fs::read_to_string(abide_testkit::repo("examples/kv/kv.api")).unwrap();
    Api::parse("kv.api", &text).unwrap()
}

fn at(api: &Api, node: &str) -> NodeId {
    api.node(node).unwrap()
}

/// The label of what a callable's name means at a node.
fn meant(api: &Api, name: &str, node: &str) -> Option<String> {
    Some(api.label(api.lookup(Callable, name, at(api, node))?))
}

#[test]
fn a_name_means_its_newest_definition() {
    let api = kv();
    assert_eq!(meant(&api, "kv_read", "KV_1").as_deref(), Some("kv_read@KV_1"));
    assert_eq!(meant(&api, "kv_read", "KV_4").as_deref(), Some("kv_read@KV_2"));
    assert_eq!(meant(&api, "kv_ttl", "KV_1"), None, "it came later");
    assert_eq!(meant(&api, "kv_peek", "KV_2").as_deref(), Some("kv_peek@KV_1"));
    assert_eq!(meant(&api, "kv_peek", "KV_3"), None, "withdrawn");
    assert_eq!(meant(&api, "kv_log", "KV_3").as_deref(), Some("kv_log@KV_1"), "only deprecated");
    assert_eq!(meant(&api, "kv_log", "KV_4"), None, "removed");
    assert!(api.lookup(Map, "kv_read", at(&api, "KV_1")).is_none(), "no map type");
}

#[test]
fn superseding_windows_and_events() {
    let api = kv();
    let [old, new] = *api.definitions_of(Callable, "kv_find") else { panic!("two definitions") };
    assert_eq!(api.superseded_by(old, at(&api, "KV_4")), Some(new));
    assert_eq!(api.superseded_by(old, at(&api, "KV_2")), None);
    assert_eq!(api.supersedes(new), Some(old));
    assert_eq!(api.window_of(old), Window::Span { years: 2, months: 0, days: 0 });
    let end = api.window_of(old).after(api.node_ref(at(&api, "KV_3")).released).unwrap();
    assert_eq!(end.to_string(), "2027-11-02");
    let compat = api.definition(old).compat.as_ref().unwrap();
    assert_eq!((compat.text.as_str(), compat.node), (" r3 = 0; goto kv_find; ", at(&api, "KV_3")));

    assert_eq!(api.deprecation(Callable, "kv_log", at(&api, "KV_1")), None);
    let deprecated = api.deprecation(Callable, "kv_log", at(&api, "KV_3")).unwrap();
    assert_eq!(
        deprecated.kind,
        EventKind::Deprecated { instead: Some("kv_event".into()), remove: Some("KV_4".into()) }
    );
    assert!(api.removal(Callable, "kv_log", at(&api, "KV_3")).is_none());
    assert!(api.removal(Callable, "kv_log", at(&api, "KV_4")).is_some());
    assert!(api.withdrawal(Callable, "kv_peek").is_some());
    assert_eq!(api.helper_by_number(1), api.definitions_of(Callable, "kv_log"));
    assert!(api.helper_by_number(7).is_empty(), "that is the vendor's");
}

#[test]
fn labels_lead_to_definitions_and_back() {
    let api = kv();
    let ttl = api.definitions_of(Callable, "kv_ttl")[0];
    assert_eq!(api.backport_label(ttl), "KV_2/ttl");
    assert_eq!(api.labelled("KV_2/ttl"), [ttl]);
    let find = api.definitions_of(Callable, "kv_find")[1];
    assert_eq!(api.backport_label(find), "kv_find@KV_3");
    assert_eq!(api.labelled("kv_find@KV_3"), [find]);
    assert_eq!(api.labelled("KV_2").len(), 3);
    for wrong in ["KV_2/none", "kv_find@KV_2", "KV_9", "", "@", "/"] {
        assert!(api.labelled(wrong).is_empty(), "{wrong}");
    }
    assert_eq!(api.hosts[0].adds, [ttl, find]);
}

#[test]
fn a_branch_does_not_see_its_sister() {
    let text = "api b; B_1 released 2020-01-01 { kfunc int f(void); };
        B_2 released 2021-01-01 { kfunc int f(void) changed \"two\"; } B_1;
        B_1_lts released 2022-01-01 { kfunc int f(void) changed \"lts\"; } B_1;";
    let api = Api::parse("b.api", text).unwrap();
    assert_eq!(meant(&api, "f", "B_2").as_deref(), Some("f@B_2"));
    assert_eq!(meant(&api, "f", "B_1_lts").as_deref(), Some("f@B_1_lts"));
    let first = api.definitions_of(Callable, "f")[0];
    let by = api.superseded_by(first, at(&api, "B_1_lts")).unwrap();
    assert_eq!(api.label(by), "f@B_1_lts");
    assert!(!api.is_ancestor(at(&api, "B_2"), at(&api, "B_1_lts")));
    let line: Vec<NodeId> = api.ancestors(at(&api, "B_1_lts")).collect();
    assert_eq!(line, [at(&api, "B_1_lts"), at(&api, "B_1")]);
}

fn layout<'a>(api: &'a Api, name: &str) -> &'a StructType {
    let id = *api.definitions_of(Tag, name).last().unwrap();
    match &api.definition(id).kind {
        DefKind::Struct(body) => body,
        other => panic!("{other:?}"),
    }
}

/// The expected numbers are what C compilers say for LP64.
#[test]
fn structs_are_laid_out_as_c_does() {
    let text = "api l; L_1 released 2020-01-01 {
            typedef u8 mac_t[6];
            enum small { A }; enum large { B = 0x100000000 };
            struct inner { u8 a; u32 b; u8 c; };
            struct s {
                u8 a;
                u64 b;
                mac_t mac;
                struct inner in[2];
                void *p;
                union { u8 u; u64 v; struct { u8 w; u16 x; }; };
                enum small e;
                enum large f;
                u8 tail;
            };
            union u { u8 a[5]; u32 b; };
        };
        L_2 released 2021-01-01 { extend struct s { u8 more; u32 most; }; } L_1;";
    let api = Api::parse("l.api", text).unwrap();
    let offsets = |body: &StructType| -> Vec<(String, u32)> {
        body.fields.iter().map(|field| (field.name.clone(), field.offset)).collect()
    };
    let expected = [
        ("a", 0),
        ("b", 8),
        ("mac", 16),
        ("in", 24),
        ("p", 48),
        ("u", 56),
        ("v", 56),
        ("w", 56),
        ("x", 58),
        ("e", 64),
        ("f", 72),
        ("tail", 80),
        ("more", 81),
        ("most", 84),
    ];
    let expected: Vec<(String, u32)> =
        expected.iter().map(|(name, offset)| ((*name).to_owned(), *offset)).collect();
    let body = layout(&api, "s");
    assert_eq!(offsets(body), expected);
    assert_eq!((body.size, body.align, body.inherited), (88, 8, Some(12)));
    assert_eq!((layout(&api, "inner").size, layout(&api, "inner").align), (12, 4));
    assert_eq!((layout(&api, "u").size, layout(&api, "u").align), (8, 4));
}

#[test]
fn suffixes_are_read_off_names() {
    let text = "api s; S_1 released 2020-01-01 {
        kfunc int f(void *a__uninit, u32 a__sz, void *b__arena__nullable, void *c__prog); };";
    let api = Api::parse("s.api", text).unwrap();
    let prototype = api.definition(api.definitions_of(Callable, "f")[0]).kind.prototype().unwrap();
    let names: Vec<&str> = prototype.params.iter().map(|param| param.base_name()).collect();
    assert_eq!(names, ["a", "a", "b", "c"]);
    let both: Vec<Suffix> = prototype.params[2].suffixes().collect();
    assert_eq!(both, [Suffix::Nullable, Suffix::Arena]);
    assert!(prototype.params[1].has(Suffix::Size));
    assert_eq!(prototype.passed().count(), 3, "c is filled in by the host");
}

#[test]
fn the_baseline_has_no_window() {
    let text = "api b; retain 1 year; baseline B_2;
        B_1 released 2020-01-01 { kfunc int f(void); kfunc int g(void); };
        B_2 released 2021-01-01 { kfunc int f(void) changed \"two\"; } B_1;
        B_3 released 2022-01-01 { kfunc int f(void) changed \"three\"; kfunc int h(void); } B_2;";
    let api = Api::parse("b.api", text).unwrap();
    let windows: Vec<bool> = api.ids().map(|id| api.window_of(id) == Window::Forever).collect();
    // f@B_1, g@B_1, f@B_2, f@B_3, h@B_3
    assert_eq!(windows, [false, true, true, false, false]);
}

/// Each kind of change, and whether it breaks programs.
#[test]
fn changes_break_or_do_not() {
    use abide_api::diff::{Effect, Version, diff};

    let head = "api x;\nX_1 released 2024-01-01 {\n\
        struct c { u32 a writable; u32 b; };\nenum e { A, B };\ntypedef u32 t;\n\
        program p(struct c *ctx) section \"p\" returns 0..1;\nprogram q(void) section \"q\";\n";
    let parse = |items: &str, more: &str| {
        let text = format!("{head}map hash;\nisa v3;\nhelper 1 int h(u32 x);\n{items}}};\n{more}");
        Api::parse("x.api", &text).unwrap_or_else(|errors| panic!("{errors}"))
    };
    let cases = [
        (
            "kfunc int f(u32 x);",
            "kfunc int f(u32 x, u32 y) changed \"r\" no_compat \"n\";",
            "f",
            Effect::Breaking,
        ),
        (
            "kfunc int f(u32 x);",
            "kfunc int f(u32 x) sleepable changed \"r\";",
            "f",
            Effect::Breaking,
        ),
        ("kfunc int f(u32 x);", "kfunc int g(u32 x);", "g", Effect::Compatible),
        ("kfunc int f(u32 x) for p;", "extend kfunc f for q;", "f", Effect::Compatible),
        (
            "kfunc int f(u32 x) for p, q;",
            "kfunc int f(u32 x) for p changed \"r\";",
            "f",
            Effect::Breaking,
        ),
        ("", "extend struct c { u32 d; };", "c", Effect::Compatible),
        ("", "struct c { u32 b; u32 a; } changed \"r\";", "c", Effect::Breaking),
        ("", "extend enum e { C = 2 };", "e", Effect::Compatible),
        ("", "enum e { B, A } changed \"r\";", "e", Effect::Breaking),
        ("", "typedef u64 t changed \"r\";", "t", Effect::Breaking),
        ("", "map array;", "array", Effect::Compatible),
        ("", "isa v4;", "v4", Effect::Compatible),
        ("", "removed: h early \"r\";", "h", Effect::Breaking),
        ("", "removed: map hash early \"r\";", "hash", Effect::Breaking),
        ("", "removed: isa v3 early \"r\";", "v3", Effect::Breaking),
    ];
    for (first, second, name, effect) in cases {
        let api = parse(first, &format!("X_2 released 2025-01-01 {{\n{second}\n}} X_1;"));
        let at = |node| Version { api: &api, node: api.node(node).unwrap() };
        let changes = diff(at("X_1"), at("X_2"));
        let [change] = &changes[..] else { panic!("{second}: {changes:?}") };
        assert_eq!((change.name.as_str(), change.effect), (name, effect), "{second}: {change:?}");
        assert!(diff(at("X_2"), at("X_2")).is_empty(), "{second}");
    }
}

/// What leaves, and when: superseded, deprecated, and neither what is gone nor what is of the baseline.
#[test]
fn the_calendar_lists_what_leaves() {
    let text = "api x; retain 1 year; baseline X_1;\n\
        X_1 released 2020-01-01 { kfunc int kept(void); };\n\
        X_2 released 2021-01-01 { kfunc int a(void); kfunc int b(void); kfunc int gone(void);\n\
            kfunc int n(void) retain 2 nodes;\n\
            kfunc int kept(void) changed \"r\"; } X_1;\n\
        X_3 released 2022-01-01 { kfunc int a(void) changed \"r\"; kfunc int n(void) changed \"r\";\n\
            kfunc int gone(void) changed \"r\";\n deprecated: b use a; } X_2;\n\
        X_4 released 2023-01-01 { removed: gone early \"r\"; } X_3;";
    let api = Api::parse("x.api", text).unwrap_or_else(|errors| panic!("{errors}"));
    let leaving = api.calendar(api.node("X_4").unwrap());
    let shown: Vec<_> = leaving
        .iter()
        .map(|found| format!("{} {:?}", api.label(found.id), found.on.map(|on| on.to_string())))
        .collect();
    assert_eq!(shown, ["a@X_2 Some(\"2023-01-01\")", "b@X_2 Some(\"2023-01-01\")", "n@X_2 None"]);
    assert_eq!(leaving[1].instead.as_deref(), Some("a"));
}
