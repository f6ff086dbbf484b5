//! What the wrapper of forgotten futures costs where it is off: not one instruction.
//!
//! The same function is compiled three times, from the harness's own source: without the wrapper, with
//! it off, and with it on. The compiler is called for one file, because the harness is built once.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");

fn output(command: &mut Command) -> Output {
    let output = command.current_dir(FOLDER).output().expect("the toolchain runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

fn cargo() -> PathBuf {
    env::var_os("CARGO").expect("cargo runs this").into()
}

/// The library of the macro that the wrapper is written with.
fn pin_project_lite() -> String {
    let mut command = Command::new(cargo());
    command.args(["build", "--package", "pin-project-lite", "--message-format", "json", "--quiet"]);
    let said = String::from_utf8(output(&mut command).stdout).expect("JSON is UTF-8");
    let artifact = |line: &str| {
        let line: Value = serde_json::from_str(line).expect("cargo says JSON");
        let names = line["filenames"].as_array()?;
        let library =
            names.iter().find(|name| name.as_str().is_some_and(|name| name.ends_with("rlib")));
        library.and_then(Value::as_str).map(str::to_owned)
    };
    said.lines().find_map(artifact).expect("it is a library")
}

/// The code of the probe, optimised.
fn code(name: &str, cfg: &[&str]) -> Vec<String> {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.s"));
    let mut rustc = Command::new(cargo().with_file_name("rustc"));
    rustc
        .args(["--edition", "2024", "--crate-type", "lib", "--crate-name", "probe"])
        .args(["-C", "opt-level=3", "-C", "codegen-units=1", "--cap-lints", "allow"])
        .args(["--emit", "asm", "tests/cost/probe.rs", "-o"])
        .arg(&file)
        .arg("--extern")
        .arg(format!("pin_project_lite={}", pin_project_lite()))
        .args(cfg.iter().flat_map(|cfg| ["--cfg", cfg]));
    output(&mut rustc);
    body(&fs::read_to_string(file).expect("the compiler has written it"))
}

/// The instructions of the function `probe`, with labels by their order, and without directives.
fn body(assembly: &str) -> Vec<String> {
    let is_probe = |line: &&str| line.contains("5probe5probe") && line.ends_with(':');
    let mut labels = Vec::<String>::new();
    let lines = assembly
        .lines()
        .skip_while(|line| !is_probe(line))
        .skip(1)
        .take_while(|line| !line.contains("endproc"));
    let code = lines.map(str::trim).filter(|line| line.starts_with(".L") || !line.starts_with('.'));
    code.map(|line| {
        let cut = |c: char| !c.is_alphanumeric() && c != '_' && c != '.';
        let words = line.split_inclusive(cut).map(|word| {
            let label = word.trim_end_matches(cut);
            if !label.starts_with(".L") {
                return word.to_owned();
            }
            let known = labels.iter().position(|known| known == label);
            let number = known.unwrap_or_else(|| {
                labels.push(label.to_owned());
                labels.len() - 1
            });
            word.replace(label, &format!("L{number}"))
        });
        words.collect()
    })
    .collect()
}

#[test]
fn wrapper_that_is_off_is_not_in_the_code() {
    let without = code("without", &[]);
    let off = code("off", &["wrapped"]);
    let on = code("on", &["wrapped", "feature=\"awaited\""]);

    assert!(10 < without.len(), "the function is there: {without:#?}");
    assert_eq!(off, without);
    assert_ne!(on, without, "where nothing ever differs, nothing was compared");
}
