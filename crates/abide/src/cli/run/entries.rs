//! Filling maps from files: lines of `KEY VALUE`.

use std::path::Path;

use abide::{Loaded, codes};
use abide_diag::{Diagnostic, printable};
use abide_maps::{Errno, Map, MapKind};

use crate::cli::fail::{Failure, shown};
use crate::cli::{files, literal};

/// No file of entries is larger.
const LIMIT: u64 = 256 << 20;

/// Does what `--map NAME=FILE` asks for.
pub(crate) fn fill(argument: &str, loaded: &Loaded) -> Result<(), Failure> {
    let Some((name, path)) = argument.split_once('=') else {
        let message = format!("--map `{}` is not NAME=FILE", printable(argument));
        return Err(Failure::usage(Diagnostic::error(&codes::C_MAP_NAME, message)));
    };
    let fillable = |map: &Map| map.ring().is_none() && map.def().kind != MapKind::ProgArray;
    let Some(map) = loaded.map(name).filter(|map| fillable(map)) else {
        let known: Vec<_> = loaded
            .maps()
            .filter(|map| fillable(map))
            .map(|map| printable(&map.def().name).into_owned())
            .collect();
        let message = format!("the program uses no map `{}` that could be filled", printable(name));
        let diagnostic = Diagnostic::error(&codes::C_MAP_NAME, message);
        return Err(Failure::usage(match known.is_empty() {
            true => diagnostic,
            false => diagnostic.help(format!("its maps: {}", known.join(", "))),
        }));
    };
    let path = Path::new(path);
    let source = files::read_text(path, LIMIT)?;
    for (number, line) in (1..).zip(source.text.lines()) {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            entry(map, line, &format!("{}:{number}", shown(path)))?;
        }
    }
    Ok(())
}

fn entry(map: &Map, line: &str, place: &str) -> Result<(), Failure> {
    let refuse = |diagnostic: Diagnostic| Failure::refused(diagnostic.in_place(place));
    let words: Vec<&str> = line.split_whitespace().collect();
    let [key_text, value_text] = words[..] else {
        let message = format!("`{}` is not KEY VALUE", printable(line));
        return Err(refuse(
            Diagnostic::error(&codes::C_MAP_LINE, message)
                .help("write two words with blanks between them; comments begin with #"),
        ));
    };
    let def = map.def();
    let parse = |what: &str, text: &str, size: u32| {
        literal::bytes(text, size as usize).map_err(|why| {
            let message = format!("{what} `{}`: {why}", printable(text));
            refuse(Diagnostic::error(&codes::C_MAP_LITERAL, message).note(format!(
                "map `{}` has keys of {} and values of {} bytes",
                printable(&def.name),
                def.key_size,
                def.value_size
            )))
        })
    };
    let key = parse("key", key_text, def.key_size)?;
    let value = parse("value", value_text, def.value_size)?;
    // Each CPU gets the value.
    let mut copies = vec![0; map.host_value_size()];
    let stride = if def.kind.is_percpu() { map.layout().stride } else { copies.len() };
    for copy in copies.chunks_mut(stride.max(1)) {
        copy[..value.len()].copy_from_slice(&value);
    }
    map.set(&key, &copies, 0).map_err(|errno| {
        let message = format!(
            "map `{}` does not take the entry `{}`: {errno}",
            printable(&def.name),
            printable(line)
        );
        let diagnostic = Diagnostic::error(&codes::C_MAP_ENTRY, message);
        refuse(match errno {
            Errno::E2BIG => diagnostic.note(format!("it has room for {} entries", def.max_entries)),
            _ => diagnostic,
        })
    })
}
