//! A small web server for one folder, for this machine alone: types, the policy, and no caching behind the browser's back.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Result, anyhow};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rouille::{Request, Response};
use sha2::{Digest, Sha256};

use crate::site::Files;

/// What the page may do: run its own scripts and its own wasm, show its own styles and pictures, talk to its own origin.
///
/// The same policy stands in a meta element of `index.html`, for servers that send no header; `frame-ancestors` works only here.
pub const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; worker-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// What to serve, and where.
#[derive(Clone, Debug, Default)]
pub struct Content {
    /// The folder with the files.
    pub folder: PathBuf,
    /// The path the folder appears under: empty, or with a slash at its start and none at its end.
    pub prefix: String,
    /// Files that are answered from here and not from the folder.
    pub instead: Files,
}

/// One request and its answer, as the server saw them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The address asked for, query included.
    pub url: String,
    /// The status sent back.
    pub status: u16,
}

/// A running server. Dropping it stops it.
pub struct Server {
    address: SocketAddr,
    prefix: String,
    log: Arc<Mutex<Vec<Answered>>>,
    stop: Sender<()>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Listens on this port of this machine; port 0 means any free one. An error means the port is taken.
    pub fn start(port: u16, content: Content) -> Result<Server> {
        let log = Arc::new(Mutex::new(Vec::new()));
        let prefix = content.prefix.clone();
        let seen = Arc::clone(&log);
        let handler = move |request: &Request| {
            let response = content.answer(request);
            let answered = Answered { url: request.raw_url().to_owned(), status: response.status_code };
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
            response
        };
        let server = rouille::Server::new(("127.0.0.1", port), handler).map_err(|error| anyhow!("{error}"))?;
        let address = server.server_addr();
        let (thread, stop) = server.stoppable();
        Ok(Server { address, prefix, log, stop, thread: Some(thread) })
    }

    /// The address of the page.
    pub fn url(&self) -> String {
        format!("http://{}{}/", self.address, self.prefix)
    }

    /// Everything asked for so far, in order.
    pub fn log(&self) -> Vec<Answered> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Serves until the process is ended.
    pub fn wait(mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The thread may be gone already; then there is nothing to stop.
        let _ = self.stop.send(());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Content {
    fn answer(&self, request: &Request) -> Response {
        if !matches!(request.method(), "GET" | "HEAD") {
            return Response::text("only reading is possible here").with_status_code(405);
        }
        let url = request.url();
        let Some(path) = url.strip_prefix(&self.prefix).and_then(|path| path.strip_prefix('/')) else {
            return Response::text("nothing is served here").with_status_code(404);
        };
        let path = if path.is_empty() { "index.html" } else { path };
        match self.read(path) {
            Ok(content) => {
                let tag = format!("\"{}\"", STANDARD.encode(Sha256::digest(&content)));
                Response::from_data(mime(path), content)
                    .with_etag(request, tag)
                    .with_additional_header("Content-Security-Policy", POLICY)
                    .with_additional_header("X-Content-Type-Options", "nosniff")
                    .with_unique_header("Cache-Control", "no-cache")
            }
            Err(_) => Response::text(format!("there is no {path} here")).with_status_code(404),
        }
    }

    /// A file in or below the folder, never one outside it.
    fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        if let Some(content) = self.instead.get(path) {
            return Ok(content.clone());
        }
        let folder = self.folder.canonicalize()?;
        let file = folder.join(path).canonicalize()?;
        if !file.starts_with(&folder) {
            return Err(io::ErrorKind::NotFound.into());
        }
        std::fs::read(file)
    }
}

/// The media type by the file's extension: the kinds of file a site of ours holds.
fn mime(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "css" => "text/css; charset=utf-8",
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(prefix: &str) -> Content {
        let instead = [("index.html", "top"), ("www/a.css", "css"), ("pkg/a.wasm", "wasm")];
        let instead =
            instead.into_iter().map(|(path, content)| (path.to_owned(), content.as_bytes().to_vec())).collect();
        Content { folder: crate::shell::root().join("xtask/src"), prefix: prefix.to_owned(), instead }
    }

    fn get(content: &Content, url: &str) -> (u16, String) {
        let response = content.answer(&Request::fake_http("GET", url, vec![], vec![]));
        let mime = response.headers.iter().find(|(name, _)| name == "Content-Type").map(|(_, value)| value.to_string());
        (response.status_code, mime.unwrap_or_default())
    }

    #[test]
    fn a_folder_appears_under_its_prefix_and_nowhere_else() {
        let content = content("/some/where");
        assert_eq!(get(&content, "/some/where/").0, 200);
        assert_eq!(get(&content, "/some/where/www/a.css"), (200, "text/css; charset=utf-8".to_owned()));
        assert_eq!(get(&content, "/some/where/pkg/a.wasm"), (200, "application/wasm".to_owned()));
        assert_eq!(get(&content, "/some/wherever").0, 404);
        assert_eq!(get(&content, "/").0, 404);
    }

    #[test]
    fn nothing_outside_the_folder_is_served() {
        let content = content("");
        assert_eq!(get(&content, "/server.rs").0, 200);
        assert_eq!(get(&content, "/../Cargo.toml").0, 404);
        assert_eq!(get(&content, "/%2e%2e/Cargo.toml").0, 404);
        assert_eq!(get(&content, "//etc/hostname").0, 404);
    }

    #[test]
    fn a_file_that_did_not_change_is_not_sent_again() {
        let content = content("");
        let first = content.answer(&Request::fake_http("GET", "/", vec![], vec![]));
        let tag = first.headers.iter().find(|(name, _)| name == "ETag").expect("a tag").1.to_string();
        let again = Request::fake_http("GET", "/", vec![("If-None-Match".to_owned(), tag)], vec![]);
        assert_eq!(content.answer(&again).status_code, 304);
    }
}
