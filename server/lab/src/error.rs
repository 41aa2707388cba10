//! What can go wrong when a lab is built, driven or listened to.

use std::net::SocketAddr;

/// An error of the lab itself, never of a simulated program.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// No node of that name.
    #[error("no node is called {0:?}")]
    UnknownNode(String),
    /// The node has no such link.
    #[error("node {node:?} has no link {link}")]
    UnknownLink {
        /// Name of the node.
        node: String,
        /// Link number that was asked for.
        link: u8,
    },
    /// The fault makes no sense on that kind of host.
    #[error("{fault} does not apply to {node:?}")]
    NotApplicable {
        /// The fault in words.
        fault: &'static str,
        /// Name of the node.
        node: String,
    },
    /// The node is switched off: its port refuses.
    #[error("connection to {0:?} refused")]
    Refused(String),
    /// A listening socket could not be opened.
    #[error("cannot listen on {address}")]
    Listen {
        /// Address that was asked for.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A host key could not be made.
    #[error("cannot make a host key")]
    HostKey(#[source] russh::keys::ssh_key::Error),
}
