//! Assemblers and disassemblers as processes, on the same files in the same run.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use abide_asm::Dialect;

use super::program::Program;

/// Each process is run so often, by turns with the others; the fastest run counts.
const ROUNDS: usize = 15;

/// A program to be measured: its name, and how it is called for a file.
struct Tool {
    name: String,
    path: PathBuf,
    arguments: &'static [&'static str],
    /// The object that it writes, if it does.
    output: Option<PathBuf>,
}

/// What is done: by the library, and with the file, the same with nothing in it, and who does it,
/// Abide first.
struct Task<'p> {
    title: String,
    library: Box<dyn Fn() + 'p>,
    file: PathBuf,
    empty: PathBuf,
    tools: Vec<Tool>,
}

/// `abide`, where cargo builds it beside the benches.
fn abide() -> Option<PathBuf> {
    let bench = std::env::current_exe().ok()?;
    let path = bench.parent()?.parent()?.join("abide");
    if path.is_file() {
        return Some(path);
    }
    abide_testkit::skip("no abide to compare: `cargo build --release -p abide` makes it");
    None
}

fn tool(names: &[&str], arguments: &'static [&'static str], output: Option<&Path>) -> Option<Tool> {
    let path = abide_testkit::tool(names)?;
    let name = path.file_name()?.to_string_lossy().into_owned();
    Some(Tool { name, path, arguments, output: output.map(Path::to_owned) })
}

impl Tool {
    /// How long it takes for a file; nothing if it refuses it.
    fn run(&self, file: &Path) -> Option<Duration> {
        let mut command = Command::new(&self.path);
        command.args(self.arguments).arg(file).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(output) = &self.output {
            command.arg("-o").arg(output);
        }
        let start = Instant::now();
        let status = command.status().ok()?;
        let taken = start.elapsed();
        status.success().then_some(taken)
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("the bench can write below the target directory");
}

fn tasks<'p>(program: &'p Program, abide: &Path, dir: &Path) -> Vec<Task<'p>> {
    let mut tasks = Vec::new();
    for (dialect, text) in [(Dialect::C, &program.c), (Dialect::Gnu, &program.gnu)] {
        let file = |name: &str| dir.join(format!("{}-{name}", dialect.name()));
        let (source, no_source) = (file("program.s"), file("empty.s"));
        let (object, no_object) = (file("program.o"), file("empty.o"));
        write(&source, text.as_bytes());
        write(&no_source, b"");
        let bytes = super::object(text);
        write(&object, &bytes);
        write(&no_object, &super::object(""));
        let output = file("output.o");
        let (assembler, disassembler, listing): (_, _, &[&str]) = match dialect {
            Dialect::C => (
                tool(
                    &["llvm-mc-22", "llvm-mc-19", "llvm-mc-14"],
                    &["-triple=bpfel", "-mcpu=v3", "-filetype=obj"],
                    Some(&output),
                ),
                tool(&["llvm-objdump-22", "llvm-objdump-19", "llvm-objdump-14"], &["-d"], None),
                &["disasm"],
            ),
            Dialect::Gnu => (
                tool(&["bpf-as"], &["-EL"], Some(&output)),
                tool(&["bpf-objdump"], &["-d"], None),
                &["disasm", "--dialect=gnu"],
            ),
        };
        let of_abide = |arguments, output| Tool {
            name: "abide".to_owned(),
            path: abide.to_owned(),
            arguments,
            output,
        };
        tasks.push(Task {
            title: format!("assemble, {dialect}"),
            library: Box::new(move || drop(black_box(super::object(text)))),
            file: source,
            empty: no_source,
            tools: std::iter::once(of_abide(&["asm"], Some(output))).chain(assembler).collect(),
        });
        tasks.push(Task {
            title: format!("disassemble, {dialect}"),
            library: Box::new(move || drop(black_box(super::listing(&bytes, dialect)))),
            file: object,
            empty: no_object,
            tools: std::iter::once(of_abide(listing, None)).chain(disassembler).collect(),
        });
    }
    tasks
}

/// Prints what the library and every tool take, and how often they would fit into the others.
pub(crate) fn compare(program: &Program, count: usize) {
    let Some(abide) = abide() else { return };
    let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("assembler");
    std::fs::create_dir_all(&dir).expect("the bench can write below the target directory");
    println!(
        "\n{count} instructions, the fastest of {ROUNDS} runs; start-up is that with an empty file"
    );
    println!(
        "| task | tool | ms | of it start-up | million a second without it | library | process |"
    );
    println!("|---|---|---|---|---|---|---|");
    for task in tasks(program, &abide, &dir) {
        let mut library = Duration::MAX;
        // For each tool the fastest for the file, and for the empty one.
        let mut best = vec![[Duration::MAX; 2]; task.tools.len()];
        for _ in 0..ROUNDS {
            let start = Instant::now();
            (task.library)();
            library = library.min(start.elapsed());
            for (tool, best) in task.tools.iter().zip(&mut best) {
                for (file, best) in [&task.file, &task.empty].into_iter().zip(best) {
                    *best = tool.run(file).map_or(*best, |taken| taken.min(*best));
                }
            }
        }
        let net = |[full, empty]: [Duration; 2]| full.saturating_sub(empty).as_secs_f64();
        let row = |name: &str, full: Duration, empty: Duration| {
            let net = full.saturating_sub(empty).as_secs_f64();
            let (full, empty) = (full.as_secs_f64() * 1e3, empty.as_secs_f64() * 1e3);
            let rate = count as f64 / net / 1e6;
            print!("| {} | {name} | {full:.1} | {empty:.1} | {rate:.2} ", task.title);
        };
        row("library", library, Duration::ZERO);
        println!("| | |");
        for (at, (tool, fastest)) in task.tools.iter().zip(&best).enumerate() {
            let [full, empty] = *fastest;
            if full.max(empty) == Duration::MAX {
                println!("| {} | {} | refuses the file | | | | |", task.title, tool.name);
                continue;
            }
            row(&tool.name, full, empty);
            // Abide's own process is compared with nothing.
            match at {
                0 => println!("| | |"),
                _ => println!(
                    "| {:.1} | {:.1} |",
                    net(*fastest) / library.as_secs_f64(),
                    net(*fastest) / net(best[0]),
                ),
            }
        }
    }
}
