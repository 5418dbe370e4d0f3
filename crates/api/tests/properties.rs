//! The language against inputs that nobody wrote: it never panics, and what it reads it prints
//! such that it reads the same again.

use abide_api::model::Api;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// Everything that statements are made of, so that random sequences get past the first token.
const PIECES: &[&str] = &[
    "api",
    "x",
    ";",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ":",
    "*",
    "=",
    "@",
    "/",
    "..",
    "...",
    "-",
    "<<",
    "retain",
    "2",
    "years",
    "forever",
    "nodes",
    "baseline",
    "released",
    "2024-01-01",
    "X_1",
    "X_1.5",
    "feature",
    "default",
    "deprecated",
    "removed",
    "withdrawn",
    "kfunc",
    "helper",
    "struct",
    "union",
    "enum",
    "extend",
    "typedef",
    "program",
    "map",
    "compat",
    "host",
    "adds",
    "lacks",
    "withdraws",
    "use",
    "remove",
    "int",
    "u32",
    "void",
    "const",
    "unsigned",
    "name",
    "key__sz",
    "packet",
    "writable",
    "section",
    "returns",
    "verdicts",
    "for",
    "changed",
    "no_compat",
    "since",
    "early",
    "isa",
    "verifier",
    "acquire",
    "\"text\"",
    "\"",
    "/** doc */",
    "/*",
    "*/",
    "// c\n",
    "\n",
    "0x",
    "§",
];

fn no_panic(text: &str) {
    match Api::parse("random.api", text) {
        Ok(api) => {
            let printed = api.print();
            let again = Api::parse("printed.api", &printed).expect("what was printed is read");
            assert!(api.same(&again), "{printed}");
        }
        Err(errors) => assert!(errors.to_string().contains("error[")),
    }
}

/// A type that may be passed or stand in a struct.
fn ty() -> impl Strategy<Value = String> {
    let base = select(vec![
        "u8",
        "u32",
        "s64",
        "long",
        "unsigned int",
        "__be16",
        "bool",
        "word_t",
        "enum mode",
    ]);
    let pointee = select(vec!["void", "struct thing", "struct never_seen", "u8", "char", "word_t"]);
    prop_oneof![
        base.prop_map(str::to_owned),
        (pointee, any::<bool>(), 1..3usize).prop_map(|(to, constant, stars)| {
            format!("{}{to} {}", if constant { "const " } else { "" }, "*".repeat(stars))
        }),
    ]
}

fn text() -> impl Strategy<Value = String> {
    "[ -~\n\t]{0,30}".prop_map(|text| {
        let mut out = String::new();
        for character in text.chars() {
            match character {
                '"' | '\\' => out.extend(['\\', character]),
                '\n' => out.push_str("\\n"),
                other => out.push(other),
            }
        }
        format!("\"{out}\"")
    })
}

fn doc() -> impl Strategy<Value = String> {
    prop_oneof![
        2 => Just(String::new()),
        1 => "[ a-z*\n]{0,40}".prop_map(|text| format!("/** {} */\n", text.replace("*/", ""))),
    ]
}

fn words() -> impl Strategy<Value = String> {
    let all = ["acquire", "release", "nullable", "gpl", "pure", "for p", "retain 1 year 2 days"];
    subsequence(all.to_vec(), 0..4).prop_shuffle().prop_map(|words| words.join(" "))
}

fn params() -> impl Strategy<Value = String> {
    vec(ty(), 0..5).prop_map(|types| {
        let params: Vec<String> =
            types.iter().enumerate().map(|(index, ty)| format!("{ty} a{index}")).collect();
        params.join(", ")
    })
}

fn fields() -> impl Strategy<Value = String> {
    let field = (doc(), ty(), any::<bool>(), select(vec!["", "[3]", "[2][4]"]));
    vec((field, 0..6u8), 1..6).prop_map(|fields| {
        let mut out = String::new();
        let mut open = 0;
        for (index, ((doc, ty, writable, array), group)) in fields.into_iter().enumerate() {
            if group == 0 {
                out.push_str("union { ");
                open += 1;
            } else if group == 1 {
                out.push_str("struct { ");
                open += 1;
            }
            let writable = if writable { " writable" } else { "" };
            out.push_str(&format!("{doc}{ty} f{index}{array}{writable};\n"));
        }
        out + &"};".repeat(open)
    })
}

/// One definition named by its place, so that names differ.
fn definition(node: usize, index: usize) -> impl Strategy<Value = String> {
    let name = format!("d{node}_{index}");
    let number = node * 100 + index;
    let callable = (doc(), ty(), params(), words(), any::<bool>()).prop_map({
        let name = name.clone();
        move |(doc, ty, params, words, helper)| {
            let word = if helper { format!("helper {number}") } else { "kfunc".to_owned() };
            format!("{doc}{word} {ty} {name}({params}) {words};\n")
        }
    });
    let structure = (doc(), any::<bool>(), fields()).prop_map({
        let name = name.clone();
        move |(doc, is_union, fields)| {
            let word = if is_union { "union" } else { "struct" };
            format!("{doc}{word} {name} {{ {fields} }};\n")
        }
    });
    let enumeration = vec(any::<Option<i32>>(), 1..5).prop_map({
        let name = name.clone();
        move |values| {
            let values: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(at, value)| match value {
                    Some(value) => format!("{name}_{at} = {value}"),
                    None => format!("{name}_{at}"),
                })
                .collect();
            format!("enum {name} {{ {} }};\n", values.join(", "))
        }
    });
    let kinds = select(vec!["map", "isa", "verifier"]);
    let since = if node > 0 { format!(" since X_0..X_{node}") } else { String::new() };
    let maps =
        (doc(), kinds, any::<bool>(), 1..5usize).prop_map(move |(doc, kind, range, count)| {
            let names: Vec<String> = (0..count).map(|at| format!("{name}_{at}")).collect();
            let since = if range { since.as_str() } else { "" };
            format!("{doc}{kind} {}{since};\n", names.join(", "))
        });
    prop_oneof![3 => callable, 2 => structure, 1 => enumeration, 1 => maps]
}

/// What the second and later nodes do to `base` and `old`, which the first node defines.
fn history(node: usize) -> impl Strategy<Value = String> {
    (text(), text(), any::<i32>(), any::<bool>(), any::<bool>()).prop_map(
        move |(why, reason, number, compat, extend)| {
            let old = format!("X_{}", node.saturating_sub(1));
            let way = if compat {
                format!(";\n compat base@{old} {{ r1 = {number}; /* }} */ goto base; }}\n")
            } else {
                format!(" no_compat {reason};\n")
            };
            let params: Vec<String> = (0..node.min(5)).map(|at| format!("u64 p{at}")).collect();
            let extend = if extend {
                format!("extend struct thing {{ u32 n{node}; }};")
            } else {
                String::new()
            };
            let rights = format!("extend kfunc old for p since X_0..X_{node};");
            let rights = if compat && node == 1 { rights } else { String::new() };
            format!(
                "default: kfunc int base({}) changed {why}{way}{extend}{rights}\n",
                params.join(", ")
            )
        },
    )
}

fn events(node: usize) -> impl Strategy<Value = String> {
    (any::<bool>(), text()).prop_map(move |(withdraw, why)| match node {
        1 => "deprecated: old use base remove X_9;\n map hash;\n".to_owned(),
        2 if withdraw => format!("withdrawn: old {why};\n"),
        2 if why.len() > 12 => format!("removed: old use base early {why};\n"),
        2 => "removed: old use base;\n".to_owned(),
        _ => String::new(),
    })
}

fn node(index: usize) -> impl Strategy<Value = String> {
    let definitions: Vec<_> = (0..4).map(|at| definition(index, at).boxed()).collect();
    (doc(), definitions, vec(any::<bool>(), 4), history(index), events(index)).prop_map(
        move |(doc, definitions, labels, history, events)| {
            let mut out = format!("{doc}X_{index} released {}-01-01 {{\n", 2000 + index);
            if index == 0 {
                out.push_str(
                    "typedef u64 word_t; enum mode { M }; struct thing { u32 a; };\n\
                     map hash; program p(struct thing *t) section \"p\" returns -1..4;\n\
                     kfunc int base(void *p, u32 p__sz); kfunc int old(void);\n",
                );
            }
            for (at, (definition, label)) in definitions.into_iter().zip(labels).enumerate() {
                if label {
                    out.push_str(&format!("feature f{at}:\n"));
                }
                out.push_str(&definition);
            }
            if index > 0 {
                out.push_str(&history);
                out.push_str(&events);
                out.push_str(&format!("}} X_{};\n", index - 1));
            } else {
                out.push_str("};\n");
            }
            out
        },
    )
}

fn api() -> impl Strategy<Value = String> {
    let nodes: Vec<_> = (0..4).map(|index| node(index).boxed()).collect();
    (doc(), 1..=4usize, nodes).prop_map(|(doc, count, nodes)| {
        format!(
            "{doc}api random;\nretain 1 year;\n{}\nhost h : X_0 released 2020-01-01 {{ lacks old; }}",
            nodes[..count].join("\n")
        )
    })
}

proptest! {
    #[test]
    fn random_text_never_panics(text in "\\PC{0,200}") {
        no_panic(&text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in vec(any::<u8>(), 0..200)) {
        no_panic(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn random_tokens_never_panic(tokens in vec(select(PIECES), 0..80)) {
        no_panic(&tokens.join(" "));
    }

    #[test]
    fn damaged_files_never_panic(api in api(), at in any::<prop::sample::Index>(), with in select(PIECES), cut in 0..20usize) {
        let mut start = at.index(api.len());
        while !api.is_char_boundary(start) { start -= 1; }
        let mut end = (start + cut).min(api.len());
        while !api.is_char_boundary(end) { end += 1; }
        no_panic(&format!("{}{with}{}", &api[..start], &api[end..]));
    }

    #[test]
    fn what_is_read_is_printed_and_read_the_same(text in api()) {
        let api = Api::parse("random.api", &text)
            .unwrap_or_else(|errors| panic!("the generator made a bad file:\n{text}\n{errors}"));
        let printed = api.print();
        let again = Api::parse("printed.api", &printed)
            .unwrap_or_else(|errors| panic!("{printed}\n{errors}"));
        prop_assert!(api.same(&again), "{}", printed);
        prop_assert_eq!(again.print(), printed);
        prop_assert!(again.lint_since(&api).is_empty());
    }
}
