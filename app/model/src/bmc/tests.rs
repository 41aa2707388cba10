use super::*;
use crate::clock::SET_BACK_S;
use crate::ids::NodeId;
use crate::observation::EvidenceLine;
use ::uuid::Uuid;
use proptest::prelude::*;
use std::collections::BTreeSet;

const UUID: &str = "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4f5";
const TURNED: &str = "3e2d1c6f-5b4a-6d4c-8e9f-a0b1c2d3e4f5";
const OTHER: &str = "11111111-4a5b-4c6d-8e9f-a0b1c2d3e4f5";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

fn uuid(text: &str) -> SystemUuid {
    text.parse().expect("a UUID")
}

fn ipmi(host: &str, user: &str, cipher: u8) -> BmcWay {
    BmcWay::Ipmi { host: host.into(), port: IPMI_PORT, user: user.into(), lanplus: true, cipher }
}

fn bmc(binding: Binding, last: Option<PowerReading>) -> Bmc {
    let node = NodeId::from_uuid(Uuid::from_u128(7));
    Bmc { node, way: ipmi("10.0.9.11", "ADMIN", 3), binding, set_at: at(0), set_by: "root".into(), last }
}

fn bound() -> Binding {
    Binding::Bound { uuid: uuid(UUID), at: at(0), by: "root".into() }
}

fn read(power: Option<Power>, twice: bool, told: &str) -> PowerReading {
    // With the agent's account of its work.
    let lines = ["", "a warning", "Status: OFF", "DEBUG: 0 Chassis Power is off"];
    let lines = lines.map(|text| EvidenceLine { text: text.into(), guilty: false }).into();
    let evidence = Evidence {
        node: "pve1".into(),
        command: "fence_ipmilan".into(),
        exit: Some(2),
        at: at(10),
        millis: 120,
        lines,
        cut: false,
    };
    PowerReading { power, twice, problem: None, uuid: Some(uuid(told)), at: at(10), evidence: vec![evidence] }
}

fn code<T: std::fmt::Debug>(result: Result<T, Problem>) -> ProblemCode {
    result.expect_err("refused").code
}

#[test]
fn a_uuid_is_the_same_in_both_orders_of_its_bytes() {
    assert!(uuid(UUID).is_same_machine(&uuid(TURNED)) && uuid(TURNED).is_same_machine(&uuid(UUID)));
    assert!(uuid(UUID).is_same_machine(&uuid(&UUID.to_uppercase())));
    assert!(!uuid(UUID).is_same_machine(&uuid(OTHER)));
}

#[test]
fn a_placeholder_binds_nothing() {
    for text in [
        "00000000-0000-0000-0000-000000000000",
        "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
        "11111111-1111-1111-1111-111111111111",
        "58585858-5858-5858-5858-585858585858",
        "fefefefe-fefe-fefe-fefe-fefefefefefe",
        "56f49712-ffff-ffff-ffff-ffffffffffff",
        "56f49712-1234-ffff-ffff-ffffffffffff",
        "03000200-0400-0500-0006-000700080009",
        "00020003-0004-0005-0006-000700080009",
        "09000800-0700-0600-0500-040003000200",
        "07090201-0103-0301-0807-060504030201",
        "12345678-1234-5678-90ab-cddeefaabbcc",
        "03020100-0504-0706-0809-0a0b0c0d0e0f",
        "00010203-0405-0607-0809-0a0b0c0d0e0f",
        "000102030405060708090A0B0C0D0E0F",
        "11111111-2222-3333-4444-555555555555",
        // Dell's, without a service tag.
        "4c4c4544-0000-2010-8020-80c04f202020",
        "4c4c4544-0020-2010-8020-a0c04f202020",
        "4c4c4544-0000-0010-8000-80c04f000000",
        "44454c4c-0000-1020-8020-80c04f202020",
    ] {
        assert_eq!(text.parse::<SystemUuid>(), Err(UuidFault::Placeholder), "{text}");
    }
    // With one, and by its card's address alone.
    for text in ["4c4c4544-0043-4710-8035-b9c04f4d5032", "00000000-0000-0000-0000-ac1f6b2c3d4e", UUID, OTHER] {
        assert!(text.parse::<SystemUuid>().is_ok(), "{text}");
    }
}

#[test]
fn what_is_no_uuid_is_refused() {
    for text in ["", "none", "6f1c2d3e4a5b4c6d8e9fa0b1c2d3e4f", "6f1c2d3e-4a5b-4c6d-8e9f-a0b1c2d3e4fz", "-----"] {
        assert_eq!(text.parse::<SystemUuid>(), Err(UuidFault::Form), "{text}");
    }
    for text in
        ["6f1c2d3e-4a5b4c6d8e9fa0b1c2d3e4f5", "{6f1c2d3e4a5b4c6d8e9fa0b1c2d3e4f5}", "é1c2d3e4a5b4c6d8e9fa0b1c2d3e4f5"]
    {
        assert_eq!(text.parse::<SystemUuid>(), Err(UuidFault::Form), "{text}");
    }
    assert!(serde_json::from_str::<SystemUuid>("\"none\"").is_err());
}

#[test]
fn one_without_a_version_is_printed_without_dashes() {
    let told = uuid("00000000000000000000AC1F6B2C3D4E");
    assert_eq!(told.as_str(), "00000000-0000-0000-0000-ac1f6b2c3d4e");
    assert!(told.is_same_machine(&uuid("00000000-0000-0000-0000-ac1f6b2c3d4e")));
}

#[test]
fn a_uuid_is_the_same_in_every_order_that_is_sent_and_guessed() {
    let own = uuid("37333038-3036-5a43-4a30-323430315657");
    for told in [
        // As SMBIOS has it, the whole the other way around, and its first parts or those of what was turned once more.
        "38303337-3630-435a-4a30-323430315657",
        "57563130-3432-304a-435a-363038303337",
        "30315657-3234-4a30-435a-363038303337",
        "57563130-3432-304a-5a43-303637333038",
        "38303337-3630-435A-4A30-323430315657",
        "575631303432304A435A363038303337",
    ] {
        assert!(own.is_same_machine(&uuid(told)) && uuid(told).is_same_machine(&own), "{told}");
    }
    assert!(!own.is_same_machine(&uuid("37333038-3036-5a43-4a30-323430315658")), "the next one of the same maker");
}

/// A list that has grown since must not make the store unreadable.
#[test]
fn a_placeholder_that_was_bound_before_is_read_and_proves_nothing() {
    let kept: SystemUuid = serde_json::from_str("\"58585858-5858-5858-5858-585858585858\"").expect("read");
    let bound = Binding::Bound { uuid: kept.clone(), at: at(0), by: "root".into() };
    let last = PowerReading { uuid: Some(kept), ..read(Some(Power::Off), true, UUID) };
    assert_eq!(code(bmc(bound, Some(last)).off_proof("pve1", at(60))), ProblemCode::BmcNotBound);
}

#[test]
fn a_uuid_that_two_machines_tell_proves_nothing() {
    let shared = Binding::Shared { uuid: uuid(UUID), other: "pve2".into(), cluster: "prod".into(), at: at(0) };
    let off = Some(read(Some(Power::Off), true, UUID));
    let refused = bmc(shared, off).off_proof("pve1", at(60)).expect_err("no proof");
    assert_eq!((refused.code, refused.params["other"].as_str()), (ProblemCode::BmcUuidShared, "pve2"));
}

proptest! {
    #[test]
    fn who_is_the_same_is_so_from_both_sides(one in any::<u128>(), other in any::<u128>()) {
        let [one, other] = [one, other].map(|number| Uuid::from_u128(number).to_string());
        prop_assume!(one.parse::<SystemUuid>().is_ok() && other.parse::<SystemUuid>().is_ok());
        let [one, other] = [uuid(&one), uuid(&other)];
        prop_assert_eq!(one.is_same_machine(&other), other.is_same_machine(&one));
        let plain = uuid(&one.as_str().replace('-', ""));
        prop_assert!(plain == one && one.is_same_machine(&plain));
    }

    /// Every order of sending, and every guess at it: the bytes as they are, in the order of SMBIOS, and the last one first.
    #[test]
    fn no_order_and_no_guess_makes_it_another_machine(number in any::<u128>()) {
        let turned = |bytes: [u8; 16]| Uuid::from_bytes(bytes).to_bytes_le();
        let reversed = |mut bytes: [u8; 16]| { bytes.reverse(); bytes };
        let own = Uuid::from_u128(number).into_bytes();
        let text = |bytes: [u8; 16]| Uuid::from_bytes(bytes).to_string();
        prop_assume!(text(own).parse::<SystemUuid>().is_ok());
        for sent in [own, turned(own)] {
            for printed in [sent, turned(sent), reversed(sent)] {
                prop_assert!(uuid(&text(own)).is_same_machine(&uuid(&text(printed))), "{}", text(printed));
            }
        }
        for printed in [reversed(own), turned(reversed(own))] {
            prop_assert!(uuid(&text(own)).is_same_machine(&uuid(&text(printed))), "{}", text(printed));
        }
    }
}

#[test]
fn only_off_read_twice_from_a_bound_bmc_is_a_proof() {
    let off = || Some(read(Some(Power::Off), true, UUID));
    let proof = bmc(bound(), off()).off_proof("pve1", at(60)).expect("a proof");
    assert_eq!(
        (proof.answer.as_str(), proof.at, proof.bmc.as_str()),
        ("Status: OFF", at(10), "ipmi ADMIN@10.0.9.11:623")
    );
    assert_eq!(code(bmc(Binding::Never, off()).off_proof("pve1", at(60))), ProblemCode::BmcNotBound);
    let differs = Binding::Differs { bmc: uuid(OTHER), node: uuid(UUID), at: at(0) };
    assert_eq!(code(bmc(differs, off()).off_proof("pve1", at(60))), ProblemCode::BmcDiffers);
    assert_eq!(code(bmc(bound(), None).off_proof("pve1", at(60))), ProblemCode::BmcNotAsked);
    assert!(bmc(bound(), off()).off_proof("pve1", at(10 - SET_BACK_S)).is_ok(), "a clock that was corrected");
    // Too long ago, or nobody knows how long.
    for other in [10 + READING_FRESH_MIN * 60, 10 - SET_BACK_S - 1, 10 - 3_600] {
        assert_eq!(code(bmc(bound(), off()).off_proof("pve1", at(other))), ProblemCode::BmcNotAsked);
    }
    let once = Some(read(Some(Power::Off), false, UUID));
    assert_eq!(code(bmc(bound(), once).off_proof("pve1", at(60))), ProblemCode::BmcUnclear);
    let on = Some(read(Some(Power::On), true, UUID));
    assert_eq!(code(bmc(bound(), on).off_proof("pve1", at(60))), ProblemCode::BmcSaysOn);
    let silent = Some(read(None, false, UUID));
    assert_eq!(code(bmc(bound(), silent).off_proof("pve1", at(60))), ProblemCode::BmcUnclear);
    let unnamed = Some(PowerReading { uuid: None, ..read(Some(Power::Off), true, UUID) });
    assert_eq!(code(bmc(bound(), unnamed).off_proof("pve1", at(60))), ProblemCode::BmcUnclear);
}

#[test]
fn another_machines_bmc_at_the_same_address_proves_nothing() {
    let moved = Some(read(Some(Power::Off), true, OTHER));
    assert_eq!(code(bmc(bound(), moved).off_proof("pve1", at(60))), ProblemCode::BmcDiffers);
}

#[test]
fn what_could_become_more_than_one_word_is_refused() {
    for user in ["", "-P", "#x", "a b", "a\nip=10.0.0.1", "averyverylongname", "a'b", "ü"] {
        assert_eq!(ipmi("10.0.9.11", user, 3).checked(), Err(WayFault::User), "{user:?}");
    }
    for host in ["", "a b", "-h", "10.0.9.11\nusername=x"] {
        assert!(matches!(ipmi(host, "ADMIN", 3).checked(), Err(WayFault::Address(_))), "{host:?}");
    }
    assert_eq!(ipmi("10.0.9.11", "ADMIN", 18).checked(), Err(WayFault::Cipher));
    assert!(ipmi("bmc-1.example", "ops@lan", 17).checked().is_ok());
    let outer = NodeId::from_uuid(Uuid::from_u128(9));
    let guest = |vmid| BmcWay::Qm { outer, outer_name: "host".into(), vmid }.checked();
    assert!(guest(100).is_ok() && guest(99).is_err() && guest(u32::MAX).is_err());
    let domain = |name: &str| BmcWay::Virsh { outer, outer_name: "host".into(), domain: name.into() }.checked();
    assert!(domain("pve-1.lab").is_ok());
    for name in ["", "--all", "a b", "a;b", "$(x)"] {
        assert_eq!(domain(name), Err(WayFault::Domain), "{name:?}");
    }
}

#[test]
fn a_password_fits_a_bmc_and_an_environment_variable() {
    assert!(check_ipmi_password("Tr0ub4dor &3'\"$").is_ok());
    for password in ["", "with\0nul", "with\nbreak", "é", "123456789012345678901"] {
        assert_eq!(check_ipmi_password(password), Err(WayFault::Password), "{password:?}");
    }
}

#[test]
fn the_name_of_the_secret_changes_with_where_it_would_go() {
    let node = NodeId::from_uuid(Uuid::from_u128(7));
    let name = ipmi("10.0.9.11", "ADMIN", 3).secret_name(node);
    assert_ne!(name, ipmi("10.0.9.12", "ADMIN", 3).secret_name(node));
    assert_ne!(name, ipmi("10.0.9.11", "root", 3).secret_name(node));
    assert_eq!(name, format!("bmc/{node}/ipmi ADMIN@10.0.9.11:623"), "what was sealed before still opens");
    let (cipher, plain) = (ipmi("10.0.9.11", "ADMIN", 17), plain_lan("10.0.9.11", CIPHER_USUAL));
    let names = [&cipher, &plain, &plain_lan("10.0.9.11", 17)].map(|way| way.secret_name(node));
    let all: BTreeSet<&String> = names.iter().chain([&name]).collect();
    assert_eq!(all.len(), 4, "a password is not sent by a weaker session than it was entered for: {all:?}");
    assert_eq!(plain.spoken().as_deref(), Some("lan, cipher 3"));
    assert_eq!(cipher.spoken().as_deref(), Some("lanplus, cipher 17"));
}

fn plain_lan(host: &str, cipher: u8) -> BmcWay {
    BmcWay::Ipmi { host: host.into(), port: IPMI_PORT, user: "ADMIN".into(), lanplus: false, cipher }
}

#[test]
fn an_entry_is_read_as_it_was_written() {
    for binding in [Binding::Never, bound()] {
        let one = bmc(binding, Some(read(Some(Power::Off), true, UUID)));
        let text = serde_json::to_string(&one).expect("JSON");
        assert_eq!(serde_json::from_str::<Bmc>(&text).expect("read"), one, "{text}");
    }
}
