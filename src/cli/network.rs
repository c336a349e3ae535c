//! What the user and the environment say of the way to the service.

use std::path::Path;

use super::exit::Failure;
use super::words::cause;
use crate::webex::{Authorities, Network};

/// Variables that name a proxy for https, the first one that says something before the others.
const PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

pub(super) fn read(ca_file: Option<&Path>) -> Result<Network, Failure> {
    let authorities = ca_file.map(authorities).transpose()?.unwrap_or_default();
    let says_something = |name: &&&str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let proxy_named_by = PROXIES.iter().find(says_something).map(|name| (*name).to_owned());
    Ok(Network { authorities, proxy_named_by })
}

fn authorities(path: &Path) -> Result<Authorities, Failure> {
    let wrong = |what: String| Failure::usage(format!("--ca-file {} {what}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| wrong(format!("cannot be read: {}", cause(&error))))?;
    Authorities::parse(&bytes).map_err(|error| wrong(error.to_string()))
}
