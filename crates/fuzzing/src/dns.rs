//! Answers of name servers to our resolver.

use std::net::IpAddr;

use kubeassay_cluster::fuzzing::addresses_in;

/// The question that an input answers, if it does.
const ID: u16 = 0x4b41;
const NAME: &str = "node-1.example";

/// Reads an input as the answer to a question for addresses of either kind.
pub(crate) fn run(data: &[u8]) {
    let mut data = data.to_vec();
    // The numbers of the question: no input would guess them.
    for (to, from) in data.iter_mut().zip(ID.to_be_bytes()) {
        *to = from;
    }
    let both = [false, true].map(|v6| addresses_in(ID, NAME, v6, &data));
    assert!(
        both.iter().any(Option::is_none),
        "one answer to two questions"
    );
    for (found, v6) in both.iter().zip([false, true]) {
        let Some(found) = found else { continue };
        assert!(found.len() <= 64, "{} addresses", found.len());
        for address in found {
            let stands = match address {
                IpAddr::V4(address) => !v6 && stands(&data, &address.octets()),
                IpAddr::V6(address) => v6 && stands(&data, &address.octets()),
            };
            assert!(stands, "{address} is not in the answer");
        }
        for (id, name) in [(ID ^ 1, NAME), (ID ^ 0x8000, NAME), (ID, "node-2.example")] {
            assert_eq!(
                addresses_in(id, name, v6, &data),
                None,
                "an answer to another question"
            );
        }
        let upper = NAME.to_ascii_uppercase();
        assert_eq!(
            addresses_in(ID, &upper, v6, &data).as_ref(),
            Some(found),
            "case counts"
        );
    }
}

fn stands(data: &[u8], octets: &[u8]) -> bool {
    data.windows(octets.len()).any(|part| part == octets)
}
