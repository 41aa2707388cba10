//! One module per page; what several pages need is in `components` and `state`.

pub mod account;
pub mod approvals;
pub mod audit;
pub mod cluster;
pub mod clusters;
pub mod evidence;
pub mod expected;
pub mod forget;
pub mod frame;
pub mod import;
pub mod invite;
pub mod loaded;
pub mod not_found;
pub mod operation;
pub mod operations;
pub mod people;
pub mod policy;
pub mod power;
pub mod recover;
pub mod restart;
pub mod roles;
pub mod sign_in;
pub mod sign_in_again;
pub mod taken;
pub mod withdraw;
pub mod wizard;
