//! A cluster with a machine and an operation in the store, without anything behind them.

use crate::app::TestApp;
use engine::ports::{ApprovalStore, Clock, ClusterStore, OperationStore};
use model::approval::{Blast, Request, RequestState, Seen, Subject, facts_digest};
use model::audit::{AuditCode, AuditEntry, Outcome};
use model::ids::{ClusterId, NodeId, OperationId, RequestId, UserId};
use model::inventory::{Cluster, ClusterPhase, LogIn, Node, Purpose};
use model::name::SshAddress;
use model::operation::{Operation, OperationState};
use model::plan::{Intent, MaterialFacts, Plan};
use model::policy::Agreement;
use model::risk::Risk;
use serde_json::{Value, json};
use uuid::Uuid;

/// Nothing ever listens there: a port that only root may open, on an address that nobody uses.
const NOWHERE: (&str, u16) = ("127.9.9.9", 1);

pub struct World {
    pub cluster: ClusterId,
    pub node: NodeId,
    pub operation: OperationId,
    pub request: RequestId,
}

impl World {
    pub async fn make(app: &TestApp) -> Self {
        let now = app.clock.now();
        let entry = || AuditEntry::new(now, AuditCode::ClusterAdded, "system".to_owned(), Outcome::Success);
        let id = ClusterId::from_uuid(Uuid::now_v7());
        let cluster = Cluster {
            id,
            name: format!("c{}", id.short()).parse().expect("name"),
            phase: ClusterPhase::Draft,
            protected: false,
            created_at: now,
            created_by: "admin".to_owned(),
        };
        app.store.add_cluster(&cluster, entry()).await.expect("cluster");
        let node = Node {
            id: NodeId::from_uuid(Uuid::now_v7()),
            cluster: cluster.id,
            purpose: Purpose::Member,
            address: SshAddress::parse(NOWHERE.0, NOWHERE.1, "root").expect("address"),
            via: None,
            name: None,
            pin: None,
            offered: None,
            log_in: LogIn::KeyUnconfirmed,
            position: 0,
        };
        let node = app.store.add_node(&node, entry()).await.expect("node");
        let operation = operation(&cluster, &node, now);
        app.store.propose(&operation, entry()).await.expect("operation");
        let request = request(&operation, &cluster);
        app.store.add_request(&request, entry()).await.expect("request");
        Self { cluster: cluster.id, node: node.id, operation: operation.id, request: request.id }
    }

    /// Valid input for a server function, so that only the right to call it is in question.
    pub fn input(&self, function: &str, password: &str) -> Value {
        let (cluster, node, operation, request) = (self.cluster, self.node, self.operation, self.request);
        let wish = json!({ "wish": "join", "joiners": [node] });
        let machine = json!({ "host": NOWHERE.0, "port": NOWHERE.1, "user": "root", "qnetd": false });
        match function {
            "me" | "sign_out" | "people" | "clusters" | "demo_switches" | "audit_chain" | "saved_filters" | "inbox" => {
                json!({})
            }
            "save_filter" => json!({ "name": "mine", "query": "who=ops-1" }),
            "drop_filter" => json!({ "name": "mine" }),
            "sign_in" => json!({ "name": "nobody", "password": "wrong" }),
            "confirm_password" => json!({ "password": password }),
            "cluster" | "forget_cluster" => json!({ "id": cluster }),
            "add_cluster" => json!({ "name": "bad name" }),
            "add_node" => json!({ "cluster": cluster, "node": machine }),
            "import_begin" => json!({ "node": machine }),
            "import_members" => json!({ "cluster": cluster, "members": [] }),
            "forget_node" | "try_log_in" | "key_seen" => json!({ "node": node }),
            "pin_key" => json!({ "node": node, "fingerprint": "SHA256:x" }),
            "install_key" => json!({ "node": node, "password": password }),
            "wizard" | "recovery" | "midway" | "discover" | "run_checks" | "network" | "verify" => {
                json!({ "cluster": cluster })
            }
            "check_proof" => json!({ "cluster": cluster, "check": "memory", "node": node }),
            "acknowledge_checks" => {
                json!({ "cluster": cluster, "cells": [["memory", node]], "reason": "a small lab", "revision": 0 })
            }
            "measure_links" => json!({ "cluster": cluster, "links": [] }),
            "measure_proof" => json!({ "cluster": cluster, "link": 0, "from": node, "to": node }),
            "choose_links" => json!({ "cluster": cluster, "links": [], "revision": 0 }),
            "skip_qdevice" => json!({ "cluster": cluster, "revision": 0 }),
            "requests" => json!({ "again": false }),
            "request" => json!({ "id": request, "again": true }),
            "take_back" | "run_approved" | "break_glass" | "stop_countdown" => json!({ "id": request }),
            "approve" | "reject" | "review" => json!({ "id": request, "comment": "test" }),
            "power" => json!({ "cluster": cluster }),
            "set_bmc" => {
                let way = json!({ "kind": "ipmi", "host": NOWHERE.0, "port": 623, "user": "x", "lanplus": true, "cipher": 3 });
                json!({ "node": node, "way": way, "password": "canary-bmc-secret" })
            }
            "remove_bmc" | "bind_bmc" | "ask_power" => json!({ "node": node }),
            "policy" => json!({ "cluster": cluster }),
            "change_policy" => {
                let policy = json!({ "protected": true, "classes": {}, "actions": {} });
                json!({ "cluster": cluster, "policy": policy, "reason": "test" })
            }
            "preview" => json!({ "cluster": cluster, "wish": wish }),
            "run" | "request_approval" => {
                json!({ "cluster": cluster, "wish": wish, "digest": "", "consent": { "reason": "", "typed": "" } })
            }
            "operation" | "resume" => json!({ "id": operation }),
            "pause" => json!({ "id": operation }),
            "lowerings" => json!({ "before": null, "again": false }),
            "overtake" => json!({ "request": request, "operation": operation, "reason": "test", "alone": false }),
            "abandon" => json!({ "id": operation, "reason": "test" }),
            "operations" => json!({ "cluster": cluster }),
            "evidence" => json!({ "cluster": cluster, "node": null }),
            "evidence_gap" => json!({ "cluster": cluster }),
            "evidence_behind" => {
                let source = json!({ "node": "pve1", "command": "hostname", "at": "2026-01-01T00:00:00Z" });
                json!({ "cluster": cluster, "source": source })
            }
            "audit" => json!({ "filter": {}, "again": false }),
            "relied_on" => json!({ "request": request }),
            "audit_entry" => json!({ "index": 1 }),
            "demo_switch" => json!({ "id": "kill/pve1", "on": true }),
            other => self.input_about_accounts(other),
        }
    }

    fn input_about_accounts(&self, function: &str) -> Value {
        let (cluster, nobody) = (self.cluster, UserId::from_uuid(Uuid::nil()));
        match function {
            "look_at_invite" => json!({ "token": "none" }),
            "accept_invite" => json!({ "token": "none", "name": "x", "password": "y" }),
            "disable_person" => json!({ "id": nobody }),
            "messages" => json!({ "again": false }),
            "test_message" => json!({ "name": "webhook" }),
            "my_account" | "begin_second_factor" | "acknowledge_reset" | "roles" => json!({}),
            "change_password" => json!({ "password": "wrong", "new": "not long" }),
            "enrol_second_factor" | "remove_second_factor" => json!({ "code": "000000" }),
            "reset_second_factor" => json!({ "id": nobody }),
            "set_role" => json!({ "id": nobody, "cluster": cluster, "role": "viewer" }),
            "drop_role" => json!({ "id": nobody, "cluster": cluster }),
            unknown => panic!("{unknown} has no input here: add it, and its row in authorisation.rs"),
        }
    }
}

/// A request of somebody who never signs in here.
fn request(operation: &Operation, cluster: &Cluster) -> Request {
    let seen = Seen { digest: operation.digest.clone(), facts: facts_digest(&[]).expect("digest") };
    let subject = Subject::Plan {
        plan: Box::new(operation.plan.clone()),
        seen,
        facts: Vec::new(),
        around: Vec::new(),
        blast: Blast::default(),
    };
    Request {
        id: RequestId::from_uuid(Uuid::now_v7()),
        cluster: cluster.id,
        cluster_name: cluster.name.to_string(),
        subject,
        agreement: Agreement::AnotherApprover,
        requested_by: "olga".to_owned(),
        requested_at: operation.proposed_at,
        reason: "test".to_owned(),
        state: RequestState::Waiting,
    }
}

fn operation(cluster: &Cluster, node: &Node, now: model::Timestamp) -> Operation {
    let plan = Plan {
        intent: Intent::InstallKey { node: node.id },
        cluster: cluster.id,
        target: cluster.name.to_string(),
        risk: Risk::Reversible,
        steps: Vec::new(),
        consequences: Vec::new(),
        facts: MaterialFacts { cluster_name: None, config_version: None, members: Vec::new(), expected_votes: None },
        acknowledged: Vec::new(),
    };
    Operation {
        id: OperationId::from_uuid(Uuid::now_v7()),
        cluster: cluster.id,
        digest: plan.digest().expect("digest"),
        plan,
        reason: String::new(),
        proposed_by: "operator".to_owned(),
        proposed_at: now,
        state: OperationState::Proposed,
        steps: Vec::new(),
        finished_at: None,
    }
}
