//! The deployment guide, step by step, by the script that operators can run too.

use std::path::Path;
use std::process::Command;

use ichnaea_testkit::geoip;

#[test]
fn the_deployment_guide_works_word_for_word_up_to_an_upgrade_under_traffic() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let city = folder.path().join("city.mmdb");
    geoip::write_city_file(&city).unwrap();
    let guide = Command::new(root.join("scripts/guide"))
        .arg(env!("CARGO_BIN_EXE_ichnaea"))
        .arg(&city)
        .current_dir(root)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&guide.stdout);
    println!("{said}");
    let complaints = String::from_utf8_lossy(&guide.stderr);
    assert!(guide.status.success(), "{}\n{complaints}", guide.status);
}
