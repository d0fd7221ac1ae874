//! `cargo xtask serve`: the page as it would be published, on this machine.

use std::convert::Infallible;

use anyhow::{Context, Result};

use crate::server::{Content, Server};
use crate::shell::say;
use crate::site::{self, Prefer};

/// The port asked for when nobody asks for one.
const FIRST_PORT: u16 = 8080;

/// Builds the site and serves it until interrupted. Prints its address alone on a line once it answers.
///
/// Without a port, the first free one from 8080 on is taken; a port that was asked for is taken or refused.
///
/// The service worker is told to prefer this server: what was just built is what the next reload shows, while the page still
/// opens when the server has gone.
pub fn serve(port: Option<u16>) -> Result<Infallible> {
    let (folder, files) = site::write()?;
    let worker = site::service_worker(&files, Prefer::Network)?;
    let instead = [("sw.js".to_owned(), worker)].into();
    let content = Content { folder, prefix: String::new(), instead };
    let server = match port {
        Some(port) => Server::start(port, content).with_context(|| format!("could not listen on port {port}"))?,
        None => on_the_next_free_port(&content)?,
    };
    say("serving the page until interrupted (Ctrl+C) at");
    println!("{}", server.url());
    server.wait()
}

fn on_the_next_free_port(content: &Content) -> Result<Server> {
    let mut refusal = None;
    for port in FIRST_PORT..FIRST_PORT + 100 {
        match Server::start(port, content.clone()) {
            Ok(server) => return Ok(server),
            Err(error) => refusal = Some(error),
        }
    }
    Err(refusal.expect("a hundred ports were tried")).context("none of a hundred ports from 8080 on is free")
}
