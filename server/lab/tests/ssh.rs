//! A real SSH client against the nodes, over the pipe and over loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

mod common;

use common::{Client, root};
use lab::{Fault, Lab, LabError, Options, Scenario};

fn fast() -> Options {
    Options { speed: 200.0, port: 0, ..Options::default() }
}

#[tokio::test]
async fn password_opens_and_a_wrong_one_does_not() {
    let lab = Lab::new(Scenario::bare(1), fast()).unwrap();
    let mut client = Client::open(lab.connect("pve1").unwrap()).await;
    assert!(!client.password("root", "wrong").await);
    let client = root(&lab, "pve1").await;
    let ran = client.run("LC_ALL=C timeout -k 2 5 hostname").await;
    assert_eq!((ran.out.as_str(), ran.err.as_str(), ran.code), ("pve1\n", "", Some(0)));
}

#[tokio::test]
async fn the_console_key_works_from_authorized_keys2() {
    let lab = Lab::new(Scenario::bare(1), fast()).unwrap();
    let client = root(&lab, "pve1").await;
    let ran = client
        .run_with("LC_ALL=C timeout -k 2 5 tee -a /root/.ssh/authorized_keys2", common::console_key_line().as_bytes())
        .await;
    assert_eq!(ran.code, Some(0));
    let mut by_key = Client::open(lab.connect("pve1").unwrap()).await;
    assert!(by_key.key("root").await);
    let mut nobody = Client::open(lab.connect("qnetd1").unwrap()).await;
    assert!(!nobody.key("root").await);
}

#[tokio::test]
async fn every_node_listens_on_its_own_loopback_address() {
    let lab = Lab::new(Scenario::bare(2), fast()).unwrap();
    let endpoints = lab.listen().await.unwrap();
    assert_eq!(endpoints.len(), 3);
    for endpoint in &endpoints {
        let stream = tokio::net::TcpStream::connect((endpoint.address, endpoint.port)).await.unwrap();
        let mut client = Client::open(stream).await;
        assert!(client.password("root", lab::ROOT_PASSWORD).await);
        assert_eq!(client.run("hostname").await.out.trim(), endpoint.node);
    }
    lab.shutdown().await;
}

#[tokio::test]
async fn a_dead_node_refuses_and_drops_what_was_open() {
    let lab = Lab::new(Scenario::bare(1), fast()).unwrap();
    let client = root(&lab, "pve1").await;
    lab.inject(Fault::Kill { node: "pve1".into() }).unwrap();
    assert!(matches!(lab.connect("pve1"), Err(LabError::Refused(_))));
    client.handle.channel_open_session().await.unwrap_err();
}
