//! The browser, and the pages that it is to look at.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Where the tests of pages are, and where their pictures go.
pub(super) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

pub(super) fn plan(name: &str, url: &str, pages: &Value) -> PathBuf {
    let modules = folder().join("node_modules");
    assert!(
        modules.exists(),
        "{} is missing; run `scripts/setup.sh`",
        modules.display()
    );
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("explorer").join(name);
    std::fs::create_dir_all(&out).unwrap();
    let plan = out.join("plan.json");
    let content = json!({"base": url, "out": out, "chromium": "/usr/bin/chromium", "pages": pages});
    std::fs::write(&plan, content.to_string()).unwrap();
    plan
}

pub(super) async fn browse(name: &str, url: &str, pages: &Value) {
    let plan = plan(name, url, pages);
    let output = tokio::process::Command::new("node")
        .arg(folder().join("run.mjs"))
        .arg(plan)
        .output()
        .await
        .unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
