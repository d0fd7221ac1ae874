//! Set-up, serving, tests and the static site, each one command: `cargo xtask serve | test | dist | bench | soak`.

fn main() {}
