//! A visit to the built page: a server that serves it from a sub-path under the strict policy, a driver, a browser, and eyes
//! and hands in terms a person would use.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use thirtyfour::{
    By, CapabilitiesHelper, ChromeCapabilities, ChromiumLikeCapabilities, DesiredCapabilities, WebDriver,
    WebDriverRunError,
};
use xtask::needs::{self, Browser};
use xtask::server::{Content, Server};
use xtask::shell::root;
use xtask::site::{self, Files};

/// The page must run under any path, so no test serves it at the top.
pub const PREFIX: &str = "/some/where/mapscope";

/// How long anything on the page may take before a test gives up.
const PATIENCE: Duration = Duration::from_secs(20);

/// The site as `cargo xtask dist` writes it, built once for all tests of this program.
pub fn built_site() -> &'static (PathBuf, Files) {
    static SITE: OnceLock<(PathBuf, Files)> = OnceLock::new();
    SITE.get_or_init(|| site::write().expect("the site builds"))
}

/// A browser at the page.
pub struct Visit {
    /// The driver's session.
    pub page: WebDriver,
    /// The server, as long as it runs.
    pub server: Option<Server>,
    origin: String,
    url: String,
}

/// Starts a server for this folder and a browser of its own, runs the test, and looks at what the browser complained about.
/// Gives back what the test found.
pub fn visit<T>(folder: &Path, test: impl AsyncFnOnce(&mut Visit) -> Result<T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let content = Content { folder: folder.to_path_buf(), prefix: PREFIX.to_owned(), instead: Files::new() };
    let outcome = runtime.expect("a runtime starts").block_on(async {
        let browser = needs::browser()?;
        let driver = Driver::start(&browser)?;
        let page = WebDriver::new(driver.url(), capabilities(&browser)?).await.context("the browser did not start")?;
        let body = async |page: WebDriver| -> Result<T> {
            page.set_script_timeout(PATIENCE).await?;
            let server = Server::start(0, content)?;
            let url = server.url();
            let origin = url.strip_suffix(&format!("{PREFIX}/")).context("the page lies under the prefix")?.to_owned();
            let mut visit = Visit { page, server: Some(server), origin, url };
            let found = test(&mut visit).await?;
            visit.nothing_left_the_origin().await?;
            visit.nothing_was_complained_about().await?;
            Ok(found)
        };
        page.run_and_quit(body).await.map_err(|error| match error {
            WebDriverRunError::Body(body) | WebDriverRunError::BodyAndCleanup { body, .. } => body,
            other => anyhow::anyhow!("{other}"),
        })
    });
    outcome.unwrap_or_else(|error| {
        panic!("{}", error.chain().map(ToString::to_string).collect::<Vec<_>>().join("; because: "))
    })
}

impl Visit {
    /// Opens the page and waits until it can be used.
    pub async fn open(&self) -> Result<()> {
        self.page.goto(&self.url).await.context("the page does not load")?;
        self.ready().await
    }

    /// Loads the page again and waits until it can be used. The page does it itself: between two versions it does so twice, and
    /// the driver's own command may wait for the first of the two for ever.
    pub async fn reload(&self) -> Result<()> {
        self.run("window.leaving = true; location.reload()").await?;
        self.until("the page is a new one", "return window.leaving === undefined").await?;
        self.ready().await
    }

    /// Waits until the page says that it can be used, by its heading and to scripts.
    pub async fn ready(&self) -> Result<()> {
        let heading =
            "return [...document.querySelectorAll('h1')].some((heading) => heading.textContent.trim() === 'mapscope')";
        self.until("the page has a heading", heading).await?;
        let ready = "return window.mapscope ? window.mapscope.ready.then((answer) => answer === true) : false";
        self.until("window.mapscope is ready", ready).await
    }

    /// Clicks the one button of this accessible name.
    pub async fn click(&self, name: &str) -> Result<()> {
        let path = format!("//button[@aria-label='{name}' or (not(@aria-label) and normalize-space(.)='{name}')]");
        self.click_found(By::XPath(path)).await
    }

    /// Clicks what this selector finds.
    pub async fn click_on(&self, selector: &str) -> Result<()> {
        self.click_found(By::Css(selector.to_owned())).await
    }

    async fn click_found(&self, by: By) -> Result<()> {
        let found = self.page.find_all(by.clone()).await?;
        let mut shown = Vec::new();
        for element in found {
            if element.is_displayed().await? {
                shown.push(element);
            }
        }
        ensure!(shown.len() == 1, "{} elements in sight are {by:?}", shown.len());
        Ok(shown[0].click().await?)
    }

    /// Presses a key wherever the focus is, and lets it go.
    pub async fn press(&self, key: &str) -> Result<()> {
        Ok(self.page.action_chain().send_keys(key).perform().await?)
    }

    /// Waits until this script returns true.
    pub async fn until(&self, what: &str, script: &str) -> Result<()> {
        let started = Instant::now();
        loop {
            // A page that is just being replaced answers with an error; the next one will answer.
            if matches!(self.run(script).await, Ok(Value::Bool(true))) {
                return Ok(());
            }
            if started.elapsed() > PATIENCE {
                self.shoot("given-up").await?;
                let complaints = self.complaints().await?;
                bail!("waited {PATIENCE:?} in vain until {what}, see target/screenshots/given-up.png; {complaints}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What a script returns.
    pub async fn run(&self, script: &str) -> Result<Value> {
        Ok(self.page.execute(script, Vec::new()).await?.json().clone())
    }

    /// What the promise of an async function's body gives.
    pub async fn promise(&self, body: &str) -> Result<Value> {
        let script = format!(
            "const done = arguments[0]; (async () => {{ {body} }})().then((value) => done({{ value }}), (error) => done({{ error: `${{error}}` }}));"
        );
        let answer = self.page.execute_async(&script, Vec::new()).await?.json().clone();
        match answer.get("error") {
            Some(error) => bail!("the page answers {error} to {body}"),
            None => Ok(answer["value"].clone()),
        }
    }

    /// The size of what the page is drawn on, in CSS pixels, and the theme the reader prefers.
    pub async fn look(&self, width: u32, height: u32, theme: &str) -> Result<()> {
        let mobile = width < 600;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": mobile });
        self.page.cdp().send_raw("Emulation.setDeviceMetricsOverride", size).await?;
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": theme }] });
        self.page.cdp().send_raw("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Saves a picture of the page in `target/screenshots`.
    pub async fn shoot(&self, name: &str) -> Result<()> {
        let folder = root().join("target/screenshots");
        std::fs::create_dir_all(&folder)?;
        self.page.screenshot(&folder.join(format!("{name}.png"))).await?;
        Ok(())
    }

    /// Every request the page made went to its own origin and path, as the browser and the server saw it.
    async fn nothing_left_the_origin(&self) -> Result<()> {
        let home = format!("{}{PREFIX}/", self.origin);
        let allowed = |url: &str| url.starts_with(&home) || url.starts_with("data:") || url.starts_with("blob:");
        let mut seen = 0;
        for entry in self.page.get_log("performance").await? {
            let message: Value = serde_json::from_str(&entry.message)?;
            if message["message"]["method"] == "Network.requestWillBeSent" {
                let url =
                    message["message"]["params"]["request"]["url"].as_str().context("a request has an address")?;
                ensure!(allowed(url), "the page asked for {url}");
                seen += 1;
            }
        }
        ensure!(seen > 0, "the browser recorded no request at all: recording does not work");
        let listed = self.run("return performance.getEntriesByType('resource').map((entry) => entry.name)").await?;
        for url in listed.as_array().context("a list of resources")? {
            let url = url.as_str().context("an address")?;
            ensure!(allowed(url), "the page loaded {url}");
        }
        for answered in self.server.iter().flat_map(Server::log) {
            let expected = answered.url.starts_with(PREFIX) && matches!(answered.status, 200 | 304);
            ensure!(expected, "the server was asked for {answered:?}");
        }
        Ok(())
    }

    /// No error and no broken policy in the browser's console.
    async fn nothing_was_complained_about(&self) -> Result<()> {
        let complaints = self.complaints().await?;
        ensure!(complaints.is_empty(), "the console says: {complaints}");
        Ok(())
    }

    /// The errors and warnings in the console since the last call.
    pub async fn complaints(&self) -> Result<String> {
        let entries = self.page.browser_log().await?;
        let bad = entries.iter().filter(|entry| matches!(entry.level.as_str(), "SEVERE" | "WARNING"));
        Ok(bad.map(|entry| format!("{}: {}", entry.level, entry.message)).collect::<Vec<_>>().join("\n"))
    }
}

fn capabilities(browser: &Browser) -> Result<ChromeCapabilities> {
    let mut chrome = DesiredCapabilities::chrome();
    chrome.set_binary(&browser.program.to_string_lossy())?;
    for arg in [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        "--window-size=1440,900",
    ] {
        chrome.add_arg(arg)?;
    }
    chrome.set("goog:loggingPrefs", json!({ "browser": "ALL", "performance": "ALL" }))?;
    Ok(chrome)
}

/// A ChromeDriver of our own, on a port of its own. Dropping it ends it.
struct Driver {
    child: Child,
    port: u16,
}

impl Driver {
    fn start(browser: &Browser) -> Result<Driver> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let mut command = Command::new(&browser.driver);
        command.arg(format!("--port={port}")).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().with_context(|| format!("could not start {}", browser.driver.display()))?;
        let driver = Driver { child, port };
        let started = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(started.elapsed() < PATIENCE, "the driver does not listen on its port");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(driver)
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // Asked to shut down, the driver ends its browsers, too; killed, it would leave them behind. Already ended is as good.
        if let Ok(mut driver) = TcpStream::connect(("127.0.0.1", self.port)) {
            let _ = driver.write_all(b"GET /shutdown HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
            let _ = driver.set_read_timeout(Some(Duration::from_secs(5)));
            let _ = driver.read_to_end(&mut Vec::new());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
