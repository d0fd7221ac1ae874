//! The page without a network, and from one version to the next.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use xtask::site::{Files, Prefer, service_worker};

use crate::visit::{Visit, built_site, visit};

/// Waits until a service worker has fetched everything and taken charge of the folder.
async fn installed(visit: &Visit) -> Result<()> {
    visit.promise("return (await navigator.serviceWorker.ready).active.state === 'activated'").await?;
    visit.until("the service worker is active", "return true").await
}

#[test]
fn after_a_first_visit_the_page_opens_without_a_server() {
    visit(&built_site().0, async |visit| {
        visit.open().await?;
        installed(visit).await?;
        visit.server = None;
        visit.reload().await?;
        let missing =
            "return performance.getEntriesByType('resource').filter((entry) => entry.responseStatus !== 200).length";
        ensure!(visit.run(missing).await? == json!(0), "not everything came from the cache");
        Ok(())
    });
}

/// A copy of the site in which the page says which version it is.
fn write_version(folder: &Path, version: &str) -> Result<()> {
    let (_, files) = built_site();
    let mut files: Files = files.clone();
    let page = String::from_utf8(files["index.html"].clone())?;
    files.insert(
        "index.html".to_owned(),
        page.replace("<html ", &format!("<html data-version=\"{version}\" ")).into_bytes(),
    );
    files.insert("www/version.txt".to_owned(), version.as_bytes().to_vec());
    files.insert("sw.js".to_owned(), service_worker(&files, Prefer::Cache)?);
    for (path, content) in files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().expect("a file lies in a folder"))?;
        fs::write(file, content)?;
    }
    Ok(())
}

/// The version the page says it is, and the one a file beside it says.
async fn versions(visit: &Visit) -> Result<Value> {
    visit
        .promise("return [document.documentElement.dataset.version, await (await fetch('./www/version.txt')).text()]")
        .await
}

#[test]
fn a_new_version_replaces_the_old_one_whole() {
    let folder: PathBuf = xtask::shell::root().join("target/versions");
    write_version(&folder, "one").expect("a copy of the site");
    visit(&folder, async |visit| {
        visit.open().await?;
        installed(visit).await?;
        visit.reload().await?;
        write_version(&folder, "two")?;
        ensure!(versions(visit).await? == json!(["one", "one"]), "a page in use changed under its reader");
        visit.promise("const r = await navigator.serviceWorker.ready; await r.update()").await?;
        let waiting = "return navigator.serviceWorker.getRegistration().then((found) => found.waiting !== null)";
        visit.until("the new version is fetched", waiting).await?;
        ensure!(versions(visit).await? == json!(["one", "one"]), "the new version mixes with the old one");
        visit.reload().await?;
        visit.until("the new version is shown", "return document.documentElement.dataset.version === 'two'").await?;
        ensure!(versions(visit).await? == json!(["two", "two"]), "the old version mixes with the new one");
        visit.until("one version is kept", "return caches.keys().then((names) => names.length === 1)").await
    });
}
