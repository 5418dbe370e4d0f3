//! Helpers and kfuncs as statements: when each was defined, what changed, who may call it.

use std::collections::{BTreeMap, HashMap};

use super::answers::{Answered, Answers};
use super::prototype::{Param, Prototype};
use super::rights::{Granted, Rights};
use super::tables::{Row, Table, Version};
use super::write::File;
use crate::Failure;

/// Structs that are handles to a call, not memory whose size follows.
const HANDLES: &[&str] =
    &["__sk_buff", "xdp_md", "sk_msg_md", "bpf_map", "bpf_sock_ops", "bpf_sock", "task_struct"];
/// Names of parameters that are handles whatever their type.
const HANDLE_NAMES: &[&str] = &["ctx", "ringbuf", "map", "skb", "sk", "task", "bpf_socket"];

/// The release from which on pointers that kfuncs take must be trusted if nothing else is said.
const TRUSTED_BY_DEFAULT: Version = Version(7, 0);

/// One definition to be.
struct Definition {
    at: Version,
    /// The last version known to be without, if that is not the one before.
    after: Option<Version>,
    prototype: Prototype,
    words: Vec<String>,
    changed: Option<String>,
    no_compat: bool,
}

/// Changes of meaning that no table of prototypes shows, by name.
pub(super) struct Changes {
    by_name: HashMap<String, BTreeMap<Version, (String, String)>>,
}

impl Changes {
    pub(super) fn read() -> Result<Changes, Failure> {
        let mut by_name: HashMap<String, BTreeMap<Version, (String, String)>> = HashMap::new();
        for row in Table::read("changed.tsv")?.rows().filter(|row| row.get("kind").is_empty()) {
            let at = Version::parse(row.get("node")).ok_or("changed.tsv: a node is missing")?;
            let change = (row.get("text").to_owned(), row.get("flags_before").to_owned());
            by_name.entry(row.get("name").to_owned()).or_default().insert(at, change);
        }
        Ok(Changes { by_name })
    }

    fn of(&self, name: &str) -> BTreeMap<Version, (String, String)> {
        self.by_name.get(name).cloned().unwrap_or_default()
    }
}

/// All helpers that are not kept by hand.
pub(super) fn helpers(file: &mut File, rights: &Rights, changes: &Changes) -> Result<(), Failure> {
    let contracts = Table::read("helper_contracts.tsv")?;
    let answers = Answers::read()?;
    for row in Table::read("helpers.tsv")?.rows() {
        let name = row.get("name");
        if file.keeps(name) {
            continue;
        }
        let wrong = || format!("helpers.tsv: {name} has no version or prototype");
        let at = Version::parse(row.get("since")).ok_or_else(wrong)?;
        let mut prototype = Prototype::parse(row.get("prototype")).ok_or_else(wrong)?;
        let answers = answers.of(name);
        let contract = contracts.rows().find(|contract| contract.get("helper") == name);
        let written = contract.map_or("", |contract| contract.get("written"));
        let marks = Marks {
            written,
            nullable: contract.map_or("", |contract| contract.get("nullable")),
            read: contract.map_or("", |contract| contract.get("read")),
            answers: &answers,
        };
        prototype.params = helper_params(&prototype.params, &marks);
        let mut words: Vec<String> = contract
            .map_or("", |contract| contract.get("words"))
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        if row.get("gpl") == "gpl" {
            words.push("gpl".to_owned());
        }
        if answers.no_packet() {
            words.push("no_packet".to_owned());
        }
        let first =
            Definition { at, after: None, prototype, words, changed: None, no_compat: false };
        let mut all = vec![first];
        for (at, (text, _)) in changes.of(name) {
            let Some(last) = all.last() else { continue };
            let (prototype, words) = (last.prototype.clone(), last.words.clone());
            let changed = Some(text);
            all.push(Definition { at, after: None, prototype, words, changed, no_compat: false });
        }
        let head = format!("helper {}", row.get("number"));
        write(file, &head, "helper", name, all, rights);
    }
    Ok(())
}

/// What the facts say of a helper's pointers: which one is only written, which may be null, which
/// are only read although their declaration does not say so.
#[derive(Debug)]
struct Marks<'a> {
    written: &'a str,
    nullable: &'a str,
    read: &'a str,
    /// What a kernel answered.
    answers: &'a Answered<'a>,
}

/// The contract of a helper's arguments, as the suffixes of the language say it: the size of memory
/// follows it, maps are maps, and what programs see of a packet is what they declare.
fn helper_params(params: &[Param], marks: &Marks<'_>) -> Vec<Param> {
    let mut out: Vec<Param> = Vec::new();
    for param in params {
        let seen = param
            .text
            .replace("struct sk_buff", "struct __sk_buff")
            .replace("struct xdp_buff", "struct xdp_md")
            .replace("struct sk_msg_buff", "struct sk_msg_md");
        let param = Param { text: seen };
        let name = param.name().to_owned();
        if param.text.starts_with("struct bpf_map *") || param.text == "void *map" {
            out.push(Param { text: format!("void *{name}__map") });
            continue;
        }
        let measured = out.last().is_some_and(|last| {
            let base = last.name().split("__").next().unwrap_or_default();
            last.is_pointer()
                && !last.name().ends_with("__map")
                && !HANDLE_NAMES.contains(&base)
                && !HANDLES.iter().any(|handle| last.text.contains(&format!("struct {handle} ")))
        });
        // `len_diff` is none.
        let is_size =
            ["size", "len", "sz"].iter().any(|word| name.contains(word)) && !name.contains("diff");
        if measured && is_size && !param.is_pointer() {
            let not_zero =
                if marks.answers.may(&name, "zero") == Some(false) { "__nz" } else { "" };
            out.push(param.renamed(&format!("{name}__sz{not_zero}")));
        } else if marks.answers.only_zero(&name) {
            out.push(param.renamed(&format!("{name}__zero")));
        } else {
            let is = |names: &str| names.split(' ').any(|marked| marked == name);
            // What a kernel answered goes before what is known otherwise.
            let asked = |question| marks.answers.about(&name, question);
            let null = asked("null_of_zero").or_else(|| asked("null"));
            let reads = asked("read_only").unwrap_or_else(|| is(marks.read));
            let param = match param.is_pointer() && reads && !param.text.starts_with("const ") {
                true => Param { text: format!("const {}", param.text) },
                false => param,
            };
            let written = asked("raw").unwrap_or_else(|| is(marks.written));
            let uninit = if written { "__uninit" } else { "" };
            let nullable = null.unwrap_or_else(|| is(marks.nullable));
            let nullable = if nullable { "__nullable" } else { "" };
            out.push(param.renamed(&format!("{name}{uninit}{nullable}")));
        }
    }
    out
}

/// All kfuncs that are not kept by hand.
pub(super) fn kfuncs(
    file: &mut File,
    table: &Table,
    rights: &Rights,
    changes: &Changes,
) -> Result<(), Failure> {
    let (prototypes, removed) = (Table::read("kfunc_prototypes.tsv")?, Table::read("removed.tsv")?);
    let mut seen: HashMap<&str, Vec<(Version, Version, Prototype)>> = HashMap::new();
    for row in prototypes.rows() {
        let (Some(first), Some(last), Some(prototype)) = (
            Version::parse(row.get("first_kernel")),
            Version::parse(row.get("last_kernel")),
            Prototype::parse(row.get("prototype")),
        ) else {
            return Err(format!("kfunc_prototypes.tsv: {} makes no sense", row.get("name")));
        };
        seen.entry(row.get("name")).or_default().push((first, last, prototype.without_aux()));
    }
    for row in table.rows() {
        let name = row.get("name");
        if file.keeps(name) {
            continue;
        }
        let (low, since) = Version::range(row.get("since"))
            .ok_or_else(|| format!("kfuncs.tsv: {name} has no version"))?;
        // A name that came back later is not gone.
        let removal = removed.rows().find(|removal| removal.get("name") == name);
        let gone = removal
            .filter(|_| !row.get("removed").is_empty())
            .and_then(|removal| Version::parse(removal.get("node")));
        let found = seen.get(name).map_or(&[][..], Vec::as_slice);
        let mut all = kfunc(row, (low, since, gone), found, &changes.of(name));
        if all.is_empty() {
            // Only seen in a registration: what cannot be declared cannot be called.
            continue;
        }
        for (at, programs) in rights.lost(name, since) {
            if !all.iter().any(|definition| definition.at == at) {
                let mut again = repeated(&all, at);
                again.changed = Some(format!("{} may not call it any more", programs.join(", ")));
                all.push(again);
                all.sort_by_key(|definition| definition.at);
            }
        }
        write(file, "kfunc", "kfunc", name, all, rights);
    }
    Ok(())
}

/// The newest definition before a version, once more.
fn repeated(all: &[Definition], at: Version) -> Definition {
    let last = all.iter().rfind(|definition| definition.at < at).unwrap_or(&all[0]);
    let (prototype, words) = (last.prototype.clone(), last.words.clone());
    Definition { at, after: None, prototype, words, changed: None, no_compat: false }
}

/// The definitions of one kfunc: a new one for each change of prototype or contract.
fn kfunc(
    row: Row<'_>,
    (low, since, gone): (Option<Version>, Version, Option<Version>),
    seen: &[(Version, Version, Prototype)],
    changes: &BTreeMap<Version, (String, String)>,
) -> Vec<Definition> {
    let signature = Prototype::parse(row.get("signature")).map(Prototype::without_aux);
    let during =
        |first: Version, last: Version| last >= since && gone.is_none_or(|gone| first < gone);
    let mut observed: Vec<(Version, Version, &Prototype)> = seen
        .iter()
        .filter(|(first, last, _)| during(*first, *last))
        .map(|(first, last, prototype)| (*first, *last, prototype))
        .collect();
    if observed.is_empty() {
        observed.extend(seen.last().map(|(first, last, prototype)| (*first, *last, prototype)));
    }
    if observed.is_empty() {
        observed.extend(signature.as_ref().map(|prototype| (since, since, prototype)));
    }
    let mut all: Vec<Definition> = Vec::new();
    let mut before = since;
    for (first, last, prototype) in observed {
        let older = all.last().filter(|_| row.get("name").ends_with("_impl"));
        let prototype = match older {
            Some(old) => &prototype.clone().with_aux_of(&old.prototype),
            None => prototype,
        };
        if let Some(old) = all.last_mut().filter(|old| prototype.same(&old.prototype)) {
            old.prototype = prototype.clone();
            before = before.max(last);
            continue;
        }
        let Some(old) = all.last_mut() else {
            let prototype = prototype.clone();
            let words = contract(row, since, changes);
            all.push(Definition {
                at: since,
                after: low,
                prototype,
                words,
                changed: None,
                no_compat: false,
            });
            before = last;
            continue;
        };
        if first > old.at {
            let changed = Some(prototype.difference(&old.prototype));
            let no_compat = !prototype.same_call(&old.prototype);
            if !no_compat {
                old.prototype.spelled_as(prototype);
            }
            all.push(Definition {
                at: first,
                after: Some(before),
                prototype: prototype.clone(),
                words: contract(row, first, changes),
                changed,
                no_compat,
            });
        }
        before = last;
    }
    for (at, (text, _)) in changes {
        match all.iter_mut().find(|definition| definition.at == *at) {
            Some(definition) if definition.changed.is_some() => {
                definition.changed = Some(text.clone());
            }
            Some(_) => {}
            None => {
                let mut again = repeated(&all, *at);
                again.changed = Some(text.clone());
                again.words = contract(row, *at, changes);
                all.push(again);
                all.sort_by_key(|definition| definition.at);
            }
        }
    }
    for (low, at) in [("6.1", "6.12"), ("6.12", "6.18"), ("6.18", "7.3")] {
        let (Some(low), Some(at)) = (Version::parse(low), Version::parse(at)) else { continue };
        let words = contract(row, at, changes);
        let Some(old) = all.iter().rfind(|definition| definition.at <= at && definition.at <= low)
        else {
            continue;
        };
        let between = all.iter().any(|other| other.at > low && other.at <= at);
        let known =
            |version: Version| !row.get(&format!("flags_{}.{}", version.0, version.1)).is_empty();
        let change = contract_change(&old.words, &words);
        if !between && known(low) && known(at) && !change.is_empty() {
            let mut again = repeated(&all, at);
            again.changed = Some(change);
            again.words = words;
            again.after = Some(low);
            all.push(again);
            all.sort_by_key(|definition| definition.at);
        }
    }
    all
}

/// The words that a program can notice.
const NOTICED: &[&str] = &["acquire", "release", "nullable", "sleepable", "destructive"];

fn contract_change(old: &[String], new: &[String]) -> String {
    let has = |words: &[String], word: &str| words.iter().any(|found| found == word);
    let mut found = Vec::new();
    for word in NOTICED {
        match (has(old, word), has(new, word)) {
            (false, true) => found.push(format!("is `{word}`")),
            (true, false) => found.push(format!("is no longer `{word}`")),
            _ => {}
        }
    }
    found.join("; ")
}

/// The flags that were seen nearest, as the words of the language.
fn contract(
    row: Row<'_>,
    at: Version,
    changes: &BTreeMap<Version, (String, String)>,
) -> Vec<String> {
    let columns = ["6.1", "6.12", "6.18", "7.3"];
    let known = columns.iter().filter_map(|version| {
        let flags = row.get(&format!("flags_{version}"));
        Some((Version::parse(version)?, flags)).filter(|_| !flags.is_empty())
    });
    let known: Vec<_> = known.collect();
    let later = changes.iter().find(|(when, (_, before))| **when > at && !before.is_empty());
    let flags = match later {
        Some((_, (_, before))) => before.as_str(),
        None => known
            .iter()
            .find(|(version, _)| *version >= at)
            .or(known.last())
            .map_or("", |(_, flags)| *flags),
    };
    let words = [
        ("KF_ACQUIRE", "acquire"),
        ("KF_RELEASE", "release"),
        ("KF_RET_NULL", "nullable"),
        ("KF_SLEEPABLE", "sleepable"),
        ("KF_TRUSTED_ARGS", "trusted"),
        ("KF_RCU", "rcu"),
        ("KF_DESTRUCTIVE", "destructive"),
    ];
    let has = |flag: &str| flags.split('|').any(|found| found == flag);
    // From then on all are, without a flag for it.
    let trusted = at >= TRUSTED_BY_DEFAULT && !has("KF_RCU");
    let said = |flag: &str| has(flag) || trusted && flag == "KF_TRUSTED_ARGS";
    words.iter().filter(|(flag, _)| said(flag)).map(|(_, word)| (*word).to_owned()).collect()
}

fn write(
    file: &mut File,
    head: &str,
    kind: &str,
    name: &str,
    all: Vec<Definition>,
    rights: &Rights,
) {
    let versions: Vec<Version> = all.iter().map(|definition| definition.at).collect();
    let granted = rights.of(name, &versions);
    for (definition, granted) in all.into_iter().zip(granted) {
        let mut text = format!("{head} {}", definition.prototype.declare());
        for word in &definition.words {
            text.push(' ');
            text.push_str(word);
        }
        if !granted.own.is_empty() {
            text.push_str(&format!(" for {}", granted.own.join(", ")));
        }
        if let Some(after) = definition.after {
            text.push_str(&file.since(after, definition.at));
        }
        if let Some(changed) = &definition.changed {
            text.push_str(&format!(" changed \"{}\"", changed.replace('"', "'")));
        }
        if definition.no_compat {
            text.push_str(" no_compat \"the kernel serves the new prototype only\"");
        }
        file.add(definition.at, &text);
        later(file, kind, name, &granted);
    }
}

/// The types that may call it from a later node on.
pub(super) fn later(file: &mut File, kind: &str, name: &str, granted: &Granted) {
    for ((low, high), programs) in &granted.later {
        let since = file.since(*low, *high);
        file.add(*high, &format!("extend {kind} {name} for {}{since}", programs.join(", ")));
    }
}
