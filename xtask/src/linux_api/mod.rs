//! `apis/linux.api`, made of what is kept by hand (`apis/facts/kept.api`) and of the tables beside it.
//!
//! Adds no fact of its own: what a table does not say is said in `kept.api`, or not at all.

mod answers;
mod ask;
mod attached;
mod calls;
mod history;
mod operations;
mod parity;
mod prototype;
mod rights;
mod tables;
mod write;

use std::collections::BTreeMap;
use std::fs;

use abide_api::Api;
use tables::{Row, Table, Version};
use write::File;

use crate::{Failure, tree};

pub(crate) use ask::run as ask;
pub(crate) use attached::run as ask_attached;
pub(crate) use operations::measure as operations;

/// Writes the file and the page about it, or checks that they are what would be written.
pub(crate) fn run(bless: bool) -> Result<(), Failure> {
    let text = generate()?;
    let api = Api::parse("linux.api", &text).map_err(|errors| errors.to_string())?;
    let page = parity::Parity::of(&api)?.page(&api)?;
    for (path, text) in [("apis/linux.api", text), ("docs/linux-api-parity.md", page)] {
        let file = tree::root().join(path);
        if bless {
            fs::write(&file, text).map_err(|error| format!("{path}: {error}"))?;
        } else if fs::read_to_string(&file).ok().as_ref() != Some(&text) {
            let help = "`cargo xtask linux-api --bless` writes it";
            return Err(format!("{path} is not what apis/facts says: {help}"));
        }
    }
    Ok(())
}

fn generate() -> Result<String, Failure> {
    let kept = tree::root().join("apis/facts/kept.api");
    let kept = fs::read_to_string(&kept).map_err(|error| format!("{}: {error}", kept.display()))?;
    let mut file = File::new(kept)?;
    let programs = Table::read("programs.tsv")?;
    let kfuncs = Table::read("kfuncs.tsv")?;
    let rights = rights::Rights::read(&kfuncs, &programs)?;
    let changes = calls::Changes::read()?;
    program_types(&mut file, &programs);
    behaviours(&mut file, &programs)?;
    enums(&mut file)?;
    flags(&mut file)?;
    abilities(&mut file)?;
    calls::helpers(&mut file, &rights, &changes)?;
    calls::kfuncs(&mut file, &kfuncs, &rights, &changes)?;
    operations::write(&mut file)?;
    file.grant_kept(&rights);
    deprecations(&mut file)?;
    removals(&mut file)?;
    file.text()
}

/// A program type as a statement.
fn program(row: Row<'_>) -> String {
    let sections: Vec<String> = row
        .get("sections")
        .split(' ')
        .filter(|section| !section.is_empty())
        .map(|section| format!("\"{section}\""))
        .collect();
    let sections = match sections.is_empty() {
        true => String::new(),
        false => format!(" section {}", sections.join(", ")),
    };
    format!("program {}({} *ctx){sections}", row.get("name"), row.get("context"))
}

fn program_types(file: &mut File, programs: &Table) {
    for row in programs.rows() {
        // Those without a version are kept by hand.
        let Some(at) = Version::parse(row.get("since")) else { continue };
        file.add(at, &program(row));
    }
}

/// Changes in what programs and maps of a type do.
fn behaviours(file: &mut File, programs: &Table) -> Result<(), Failure> {
    for row in Table::read("changed.tsv")?.rows() {
        let name = row.get("name");
        let statement = match row.get("kind") {
            "" if file.keeps(name) => return Err(format!("changed.tsv: {name} is kept by hand")),
            "" => continue,
            "map" => format!("map {name}"),
            "program" => {
                let found = programs.rows().find(|row| row.get("name") == name);
                program(found.ok_or_else(|| format!("changed.tsv: no program type is {name}"))?)
            }
            other => return Err(format!("changed.tsv: nothing is a {other}")),
        };
        let at = Version::parse(row.get("node")).ok_or("changed.tsv: a node is missing")?;
        file.add(at, &format!("{statement} changed \"{}\"", row.get("text")));
    }
    Ok(())
}

/// Numbers that programs and loaders pass to the kernel, as enums that grow.
fn enums(file: &mut File) -> Result<(), Failure> {
    let kinds = [
        ("program_types", "bpf_prog_type"),
        ("attach_types", "bpf_attach_type"),
        ("link_type", "bpf_link_type"),
        ("syscall_commands", "bpf_cmd"),
    ];
    let types = Table::read("types.tsv")?;
    for (kind, name) in kinds {
        let mut by_version: BTreeMap<Version, Vec<String>> = BTreeMap::new();
        for row in types.rows().filter(|row| row.get("kind") == kind) {
            if row.get("value").is_empty() {
                continue;
            }
            let Some((_, at)) = Version::range(row.get("since")) else { continue };
            let constant = format!("{} = {}", row.get("name"), row.get("value"));
            by_version.entry(at).or_default().push(constant);
        }
        file.enumerate(name, "", by_version);
    }
    Ok(())
}

/// Flags and constants that no enum kept by hand has. The kernel's enums for them have no names, or are
/// no enums: the names here are ours.
fn flags(file: &mut File) -> Result<(), Failure> {
    let kinds = [
        ("flags", "linux_flags"),
        ("argument_constants", "linux_arguments"),
        ("sock_ops", "linux_sock_ops"),
        ("sock_opt_types", "linux_sock_opts"),
    ];
    let table = Table::read("flags.tsv")?;
    for (kind, name) in kinds {
        let mut by_version: BTreeMap<Version, Vec<String>> = BTreeMap::new();
        for row in table.rows().filter(|row| row.get("kind") == kind) {
            let (flag, value) = (row.get("name"), row.get("value"));
            let Some((_, at)) = Version::range(row.get("first_version")) else { continue };
            if !value.is_empty() && !file.keeps_constant(flag) {
                by_version.entry(at).or_default().push(format!("{flag} = {value}"));
            }
        }
        file.enumerate(name, " unnamed", by_version);
    }
    Ok(())
}

/// Instructions and features of the verifier.
fn abilities(file: &mut File) -> Result<(), Failure> {
    let features = Table::read("features.tsv")?;
    for row in features.rows().filter(|row| !row.get("id").is_empty()) {
        let Some((_, at)) = Version::range(row.get("since")) else { continue };
        file.add(at, &format!("{} {}", row.get("category"), row.get("id")));
    }
    Ok(())
}

/// What is served, and better left.
fn deprecations(file: &mut File) -> Result<(), Failure> {
    for row in Table::read("deprecated.tsv")?.rows() {
        let Some(at) = Version::parse(row.get("node")) else { continue };
        file.deprecate(at, &format!("{} use {}", row.get("name"), row.get("use")));
    }
    Ok(())
}

/// What the kernel took away, which promises nothing.
fn removals(file: &mut File) -> Result<(), Failure> {
    for row in Table::read("removed.tsv")?.rows() {
        let Some(at) = Version::parse(row.get("node")) else { continue };
        let instead = match row.get("use") {
            "" => String::new(),
            name => format!(" use {name}"),
        };
        let name = row.get("name");
        file.remove(
            at,
            &format!("{name}{instead} early \"the kernel promises no window for kfuncs\""),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    /// The file is what its facts say.
    #[test]
    fn the_file_is_reproduced() {
        super::run(false).unwrap();
    }

    /// What it says of the arguments of helpers is what the kernel that was asked answered.
    #[test]
    fn arguments_are_as_the_kernel_takes_them() {
        let api = abide_api::Api::parse("linux.api", &super::generate().unwrap()).unwrap();
        let differ = super::answers::differences(&api).unwrap();
        assert!(differ.is_empty(), "{}", differ.join("\n"));
    }

    /// A field of a struct is in the definition of the release that is known to have brought it.
    #[test]
    fn fields_are_as_old_as_the_facts() {
        use abide_api::model::DefKind;
        let api = abide_api::Api::parse("linux.api", &super::generate().unwrap()).unwrap();
        let (mut seen, mut wrong) = (0, Vec::new());
        for row in super::Table::read("context_fields.tsv").unwrap().rows() {
            let (name, field) = (row.get("struct"), row.get("field"));
            let all = api.definitions_of(abide_api::Namespace::Tag, name);
            let has = |id: &&abide_api::DefId| match &api.definition(**id).kind {
                DefKind::Struct(body) => body.fields.iter().any(|found| found.name == field),
                _ => false,
            };
            let known = super::Version::range(row.get("since"));
            let (Some(first), Some((_, since))) = (all.iter().find(has), known) else { continue };
            let node = &api.node_ref(api.definition(*first).node).name;
            seen += 1;
            // The names of what is opaque came later than it.
            let named = !field.starts_with("__opaque") && !row.get("since").starts_with('<');
            if *node != since.node() && named {
                wrong.push(format!("{name}.{field}: {node}, not {}", since.node()));
            }
        }
        assert!(wrong.is_empty() && seen > 200, "{seen} fields\n{}", wrong.join("\n"));
    }

    /// It says of who may call what the same as the kernels that were asked, nearly always.
    #[test]
    fn kernels_agree() {
        let api = abide_api::Api::parse("linux.api", &super::generate().unwrap()).unwrap();
        let percent = super::parity::Parity::of(&api).unwrap().percent();
        assert!(percent >= 99.5, "{percent:.2} %");
    }
}
