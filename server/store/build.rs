//! Migrations are embedded: a changed file must be compiled in again.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
