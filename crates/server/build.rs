//! Puts what browsers load (`site/` at the top of the workspace) into the binary.
//!
//! Node builds it into the folder of this build; `ICHNAEA_SITE_DIST` names a folder that was built
//! before and spares Node. What lies in the folder becomes a table of `&'static` bytes.

#![expect(
    clippy::disallowed_methods,
    reason = "cargo talks to a build script by its environment, and the time of the build is asked"
)]
#![expect(clippy::print_stderr, reason = "so it talks to cargo")]

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Says where there is a folder that was built before.
const GIVEN: &str = "ICHNAEA_SITE_DIST";
/// When the files are said to be of, in seconds since 1970; for builds that can be repeated.
const EPOCH: &str = "SOURCE_DATE_EPOCH";
/// What the build of the site writes beside the files: digest, two blanks and path of each.
const SUMS: &str = "SHA256SUMS";
/// What the site is made of.
const SOURCES: [&str; 9] = [
    ".npmrc",
    "build",
    "css",
    "images",
    "package.json",
    "package-lock.json",
    "src",
    "tsconfig.json",
    "vite.config.ts",
];
const HINT: &str = "install Node.js 20.19 or newer with npm, or set ICHNAEA_SITE_DIST to a folder that \
    `npm ci && npm run build -- --outDir FOLDER` has built in site/";

fn main() {
    if let Err(error) = run() {
        // Shown by cargo as it is, in front of everything else.
        println!("cargo::error=the site cannot be built: {error}");
    }
}

fn run() -> Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    let site = Path::new(&env::var("CARGO_MANIFEST_DIR")?).join("../../site").canonicalize()?;
    println!("cargo::rerun-if-env-changed={GIVEN}");
    println!("cargo::rerun-if-env-changed={EPOCH}");
    let dist = if let Some(given) = env::var_os(GIVEN) {
        println!("cargo::rerun-if-changed={}", Path::new(&given).join(SUMS).display());
        PathBuf::from(given)
    } else {
        for source in SOURCES {
            println!("cargo::rerun-if-changed={}", site.join(source).display());
        }
        let dist = out.join("site");
        build(&site, &dist)?;
        dist
    };
    fs::write(out.join("assets.rs"), table(&dist)?)?;
    Ok(())
}

/// Installs the packages that the lock file names, unless they are there, and builds.
fn build(site: &Path, dist: &Path) -> Result<()> {
    // Another cargo may be at the same folder of packages.
    let lock = File::create(site.join(".lock"))?;
    lock.lock()?;
    let wanted = fs::read(site.join("package-lock.json"))?;
    let installed = site.join("node_modules/.installed");
    if fs::read(&installed).ok().as_deref() != Some(&wanted) {
        npm(site, &["ci"])?;
        fs::write(&installed, &wanted)?;
    }
    let dist = dist.to_str().ok_or("the path of the target folder is not UTF-8")?;
    npm(site, &["run", "build", "--", "--emptyOutDir", "--outDir", dist])
}

fn npm(site: &Path, arguments: &[&str]) -> Result<()> {
    let ended = Command::new("npm")
        .arg("--no-update-notifier")
        .args(arguments)
        .current_dir(site)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("npm does not start ({error}): {HINT}"))?;
    if ended.status.success() {
        return Ok(());
    }
    // Everything goes to cargo's own log of the build; the end of it is what one looks for.
    let said = [ended.stdout, ended.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    eprintln!("{said}");
    let end: Vec<&str> =
        said.lines().rev().filter(|line| !line.trim().is_empty()).take(12).collect();
    let end: Vec<&str> = end.into_iter().rev().collect();
    Err(format!("npm {}: {} ({HINT})", arguments.join(" "), end.join(" | ")).into())
}

/// The source of the table of files, by path.
fn table(dist: &Path) -> Result<String> {
    let sums = dist.join(SUMS);
    let lines = fs::read_to_string(&sums)
        .map_err(|error| format!("{} cannot be read: {error}", sums.display()))?;
    let mut files: Vec<(&str, &str)> = lines
        .lines()
        .map(|line| line.split_once("  ").map(|(digest, path)| (path, digest)))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("{} is no list of digests", sums.display()))?;
    files.sort_unstable();
    let mut source =
        format!("const BUILT: u64 = u64::from_le_bytes({:?});\n", built()?.to_le_bytes());
    source.push_str("static FILES: &[File] = &[\n");
    for (path, digest) in files {
        let file = dist.join(path);
        let plain = included(&file).ok_or_else(|| format!("{} is missing", file.display()))?;
        let packed = |end: &str| match included(&dist.join(format!("{path}.{end}"))) {
            Some(bytes) => format!("Some({bytes})"),
            None => "None".to_owned(),
        };
        let digest = digest.get(..16).ok_or("a digest is too short")?;
        writeln!(
            source,
            "File {{ path: {path:?}, digest: {digest:?}, plain: {plain}, brotli: {}, gzip: {} }},",
            packed("br"),
            packed("gz"),
        )?;
    }
    source.push_str("];\n");
    Ok(source)
}

fn included(file: &Path) -> Option<String> {
    let name = file.to_str().filter(|_| file.is_file())?;
    Some(format!("include_bytes!({name:?})"))
}

/// Seconds since 1970.
fn built() -> Result<u64> {
    Ok(match env::var(EPOCH) {
        Ok(given) => given.parse().map_err(|_| format!("{EPOCH} is no number: {given}"))?,
        Err(_) => SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    })
}
