//! `hosts/`: the kernels whose BTF is in the shared data, as host statements; `hosts/kernels.tsv` says
//! which, under what name. What they are is found out by `abide-linux`.

use std::fs;
use std::sync::Arc;

use abide_api::Api;
use abide_btf::Btf;
use abide_linux::{Profile, Release, Standing};

use crate::{Failure, tree};

/// Writes the files, or checks that they are what would be written. Without the BTF nothing is done.
pub(crate) fn run(bless: bool) -> Result<(), Failure> {
    let read = |path: &str| {
        fs::read_to_string(tree::root().join(path)).map_err(|error| format!("{path}: {error}"))
    };
    let api = Api::parse("linux.api", &read("apis/linux.api")?);
    let api = Arc::new(api.map_err(|errors| errors.to_string())?);
    let table = read("hosts/kernels.tsv")?;
    for line in table.lines().skip(1) {
        let [btf, name, release, released] = line.split('\t').collect::<Vec<_>>()[..] else {
            return Err(format!("hosts/kernels.tsv: `{line}` has not four columns"));
        };
        let Some(bytes) = abide_testkit::kernel_btf(btf) else { return Ok(()) };
        let types = Btf::parse(&bytes).map_err(|error| format!("{btf}: {error}"))?;
        let profile = Profile::of(&types).map_err(|error| format!("{btf}: {error}"))?;
        let release = Release::parse(release);
        let standing = Standing::of(&profile, &api, release.as_ref())
            .map_err(|error| format!("{btf}: {error}"))?;
        let released = released.parse().map_err(|error| format!("{btf}: {error}"))?;
        let text = standing.file(name, released, release.as_ref());
        let path = format!("hosts/{name}.api");
        if bless {
            fs::write(tree::root().join(&path), text)
                .map_err(|error| format!("{path}: {error}"))?;
        } else if read(&path).ok().as_ref() != Some(&text) {
            let help = "`cargo xtask hosts --bless` writes it";
            return Err(format!("{path} is not what the BTF of {btf} says: {help}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn hosts_are_what_their_btf_says() {
        super::run(false).unwrap_or_else(|failure| panic!("{failure}"));
    }
}
