//! Packages, disks, storages, accounts and certificates.

pub mod certificate_authority;
pub mod certificates;
pub mod disk_latency;
pub mod disk_space;
pub mod foreign_software;
pub mod foreign_storage;
pub mod hung_tasks;
pub mod kernel;
pub mod memory;
pub mod name_order;
pub mod repositories;
pub mod services;
pub mod storage_config;
pub mod subscription;
pub mod updates;
pub mod users;
pub mod working_folder;
