//! The programs that speed is measured with: those of the repository, and of the shared data, compiled
//! when they are asked for. Measures nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the programs call, with Linux's numbers and labels, so that Linux's bodies serve it.
pub const API: &str = "
api bench;
baseline LINUX_3.19;
LINUX_3.19 released 2015-02-08 {
    program bench(void) section \"bench\";
    map hash, array;
    helper 1 void *bpf_map_lookup_elem(void *map__map, const void *key) nullable;
    helper 2 long bpf_map_update_elem(void *map__map, const void *key, const void *value, u64 flags);
};
";

/// The objects: the committed one, and the shared ones, compiled into `out`.
pub fn objects(out: &Path) -> Vec<PathBuf> {
    let own = crate::repo("crates/runtime/benches/progs/bench.bpf.o");
    let mut objects = vec![own];
    let (Some(shared), Some(clang)) =
        (crate::shared("bench/progs"), crate::tool(&["clang-19", "clang"]))
    else {
        return objects;
    };
    if std::fs::create_dir_all(out).is_err() {
        return objects;
    }
    let mut sources: Vec<PathBuf> = std::fs::read_dir(shared)
        .map(|dir| dir.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    sources.retain(|path| path.extension().is_some_and(|extension| extension == "c"));
    sources.sort();
    for source in sources {
        let object = out.join(source.file_stem().unwrap_or_default()).with_extension("o");
        let done = Command::new(&clang)
            .args(["-O2", "-g", "-target", "bpf", "-mcpu=v3", "-c"])
            .arg(&source)
            .arg("-o")
            .arg(&object)
            .status();
        if done.is_ok_and(|status| status.success()) {
            objects.push(object);
        }
    }
    objects
}
