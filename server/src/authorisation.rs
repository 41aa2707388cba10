//! Every way in, and what it needs: the table that the tests walk without a session and with each role.

use model::can::Deed;

/// What a server function or route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Works without a session.
    Nothing,
    /// Any signed-in person.
    SignedIn,
    /// A role that may do this.
    Role(Deed),
}

/// Server functions by their endpoint under `/api/`.
pub const FUNCTIONS: &[(&str, Needs)] = &[
    ("me", Needs::SignedIn),
    ("sign_in", Needs::Nothing),
    ("sign_out", Needs::Nothing),
    ("confirm_password", Needs::SignedIn),
    ("look_at_invite", Needs::Nothing),
    ("accept_invite", Needs::Nothing),
    ("people", Needs::Role(Deed::ManagePeople)),
    ("disable_person", Needs::Role(Deed::ManagePeople)),
    ("clusters", Needs::Role(Deed::See)),
    ("cluster", Needs::Role(Deed::See)),
    ("add_cluster", Needs::Role(Deed::AddCluster)),
    ("forget_cluster", Needs::Role(Deed::ForgetCluster)),
    ("import_begin", Needs::Role(Deed::AddCluster)),
    ("discover", Needs::Role(Deed::RunChecks)),
    ("import_members", Needs::Role(Deed::AddNode)),
    ("key_seen", Needs::Role(Deed::RunChecks)),
    ("add_node", Needs::Role(Deed::AddNode)),
    ("forget_node", Needs::Role(Deed::AddNode)),
    ("pin_key", Needs::Role(Deed::PinUnknownKey)),
    ("try_log_in", Needs::Role(Deed::AddNode)),
    ("install_key", Needs::Role(Deed::RunPlan)),
    ("wizard", Needs::Role(Deed::See)),
    ("run_checks", Needs::Role(Deed::RunChecks)),
    ("check_proof", Needs::Role(Deed::See)),
    ("acknowledge_checks", Needs::Role(Deed::EditDraft)),
    ("network", Needs::Role(Deed::RunChecks)),
    ("measure_links", Needs::Role(Deed::RunChecks)),
    ("measure_proof", Needs::Role(Deed::See)),
    ("choose_links", Needs::Role(Deed::EditDraft)),
    ("verify", Needs::Role(Deed::RunChecks)),
    ("recovery", Needs::Role(Deed::RunChecks)),
    ("midway", Needs::Role(Deed::RunChecks)),
    ("skip_qdevice", Needs::Role(Deed::EditDraft)),
    ("preview", Needs::Role(Deed::ProposePlan)),
    ("run", Needs::Role(Deed::RunPlan)),
    ("operation", Needs::Role(Deed::See)),
    ("operations", Needs::Role(Deed::See)),
    ("resume", Needs::Role(Deed::ResumeOperation)),
    ("abandon", Needs::Role(Deed::AbandonOperation)),
    ("evidence", Needs::Role(Deed::See)),
    ("evidence_behind", Needs::Role(Deed::See)),
    ("relied_on", Needs::Role(Deed::See)),
    ("evidence_gap", Needs::Role(Deed::See)),
    ("audit", Needs::Role(Deed::ReadAudit)),
    ("audit_entry", Needs::Role(Deed::ReadAudit)),
    ("audit_chain", Needs::Role(Deed::ReadAudit)),
    ("saved_filters", Needs::Role(Deed::ReadAudit)),
    ("save_filter", Needs::Role(Deed::ReadAudit)),
    ("drop_filter", Needs::Role(Deed::ReadAudit)),
    ("inbox", Needs::Role(Deed::See)),
    ("requests", Needs::Role(Deed::See)),
    ("request", Needs::Role(Deed::See)),
    ("request_approval", Needs::Role(Deed::ProposePlan)),
    ("approve", Needs::Role(Deed::DecideRequest)),
    ("reject", Needs::Role(Deed::DecideRequest)),
    ("take_back", Needs::Role(Deed::ProposePlan)),
    ("run_approved", Needs::Role(Deed::RunPlan)),
    ("break_glass", Needs::Role(Deed::BreakGlass)),
    ("stop_countdown", Needs::Role(Deed::StopCountdown)),
    ("review", Needs::Role(Deed::BreakGlass)),
    ("policy", Needs::Role(Deed::See)),
    ("change_policy", Needs::Role(Deed::ChangePolicy)),
    ("power", Needs::Role(Deed::See)),
    ("set_bmc", Needs::Role(Deed::ManageBmc)),
    ("remove_bmc", Needs::Role(Deed::ManageBmc)),
    ("bind_bmc", Needs::Role(Deed::ManageBmc)),
    ("ask_power", Needs::Role(Deed::RunChecks)),
    ("my_account", Needs::SignedIn),
    ("change_password", Needs::SignedIn),
    ("begin_second_factor", Needs::SignedIn),
    ("enrol_second_factor", Needs::SignedIn),
    ("remove_second_factor", Needs::SignedIn),
    ("reset_second_factor", Needs::Role(Deed::ManagePeople)),
    ("acknowledge_reset", Needs::SignedIn),
    ("roles", Needs::Role(Deed::ManagePeople)),
    ("set_role", Needs::Role(Deed::ManagePeople)),
    ("drop_role", Needs::Role(Deed::ManagePeople)),
    ("lowerings", Needs::Role(Deed::ReadAudit)),
    ("pause", Needs::Role(Deed::ResumeOperation)),
    ("overtake", Needs::Role(Deed::RunPlan)),
    ("messages", Needs::Role(Deed::ManageMessages)),
    ("test_message", Needs::Role(Deed::ManageMessages)),
    ("demo_switches", Needs::SignedIn),
    ("demo_switch", Needs::Role(Deed::RunPlan)),
];

/// Secrets that people type: server function, and the fields of its input that hold them.
///
/// Everything else that is typed may stand in a log or the audit; a test classes each field of each function.
pub const SECRETS: &[(&str, &[&str])] = &[
    ("sign_in", &["password", "code"]),
    ("confirm_password", &["password", "code"]),
    ("look_at_invite", &["token"]),
    ("accept_invite", &["token", "password"]),
    ("install_key", &["password"]),
    ("change_password", &["password", "new"]),
    ("enrol_second_factor", &["code"]),
    ("remove_second_factor", &["code"]),
    ("set_bmc", &["password"]),
];

/// Routes that are no server functions and no pages.
pub const ROUTES: &[(&str, Needs)] = &[
    ("/health", Needs::Nothing),
    ("/live/clusters/{id}", Needs::Role(Deed::See)),
    ("/audit/export", Needs::Role(Deed::ReadAudit)),
    ("/export/clusters/{id}/plan", Needs::Role(Deed::ProposePlan)),
    ("/export/clusters/{id}/verification", Needs::Role(Deed::See)),
    ("/export/operations/{id}", Needs::Role(Deed::See)),
    ("/pkg/{version}/{*file}", Needs::Nothing),
    ("/favicon.svg", Needs::Nothing),
];
