//! A small web server for one folder, for this machine alone: types, the policy, and no caching behind the browser's back.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

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

/// A running server. Dropping it stops it, open connections included.
pub struct Server {
    address: SocketAddr,
    prefix: String,
    log: Arc<Mutex<Vec<Answered>>>,
    runtime: Option<Runtime>,
}

impl Server {
    /// Listens on this port of this machine; port 0 means any free one. An error means the port is taken.
    pub fn start(port: u16, content: Content) -> Result<Server> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let log = Arc::new(Mutex::new(Vec::new()));
        let prefix = content.prefix.clone();
        let (content, seen) = (Arc::new(content), Arc::clone(&log));
        let router = Router::new().fallback(move |request: Request| {
            let response = content.answer(request.method(), request.uri().path(), request.headers());
            let answered = Answered { url: request.uri().to_string(), status: response.status().as_u16() };
            seen.lock().unwrap_or_else(PoisonError::into_inner).push(answered);
            std::future::ready(response)
        });
        let runtime = Runtime::new().context("could not start the server's threads")?;
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("the listener does not block");
            axum::serve(listener, router).await
        });
        Ok(Server { address, prefix, log, runtime: Some(runtime) })
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
    pub fn wait(self) -> ! {
        loop {
            std::thread::park();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Content {
    fn answer(&self, method: &Method, path: &str, headers: &HeaderMap) -> Response<Body> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "only reading is possible here".to_owned());
        }
        let Some(path) = path.strip_prefix(&self.prefix).and_then(|path| path.strip_prefix('/')) else {
            return plain(StatusCode::NOT_FOUND, "nothing is served here".to_owned());
        };
        let path = if path.is_empty() { "index.html" } else { path };
        let Ok(content) = self.read(path) else {
            return plain(StatusCode::NOT_FOUND, format!("there is no {path} here"));
        };
        let tag = format!("\"{}\"", STANDARD.encode(Sha256::digest(&content)));
        let known = headers.get(header::IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
        let (status, content) = if known { (StatusCode::NOT_MODIFIED, Vec::new()) } else { (StatusCode::OK, content) };
        Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, mime(path))
            .header(header::ETAG, tag)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::CONTENT_SECURITY_POLICY, POLICY)
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
            .body(content.into())
            .expect("these headers hold printable letters only")
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

fn plain(status: StatusCode, text: String) -> Response<Body> {
    let mut response = Response::new(text.into());
    *response.status_mut() = status;
    response
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

    fn get(content: &Content, path: &str) -> (u16, String) {
        let response = content.answer(&Method::GET, path, &HeaderMap::new());
        let mime = response.headers().get(header::CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned());
        (response.status().as_u16(), mime.unwrap_or_default())
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
        let first = content.answer(&Method::GET, "/", &HeaderMap::new());
        let tag = first.headers()[header::ETAG].clone();
        let again = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]);
        assert_eq!(content.answer(&Method::GET, "/", &again).status(), StatusCode::NOT_MODIFIED);
        let changed = HeaderMap::from_iter([(header::IF_NONE_MATCH, "\"other\"".parse().unwrap())]);
        assert_eq!(content.answer(&Method::GET, "/", &changed).status(), StatusCode::OK);
    }
}
