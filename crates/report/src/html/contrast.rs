//! The contrasts of the page's colours, by the definition of WCAG 2.2: 4.5 for text, 3 for what is drawn.

use std::collections::BTreeMap;

use super::frame::STYLE;

/// Returns the colours of the light and of the dark page by their names.
fn palettes() -> [BTreeMap<&'static str, [f64; 3]>; 2] {
    let mut blocks = STYLE.split(":root {").skip(1).map(|block| {
        let (inside, _) = block.split_once('}').unwrap();
        let colours = inside.split(';').filter_map(|line| {
            let (name, value) = line.trim().split_once(": #")?;
            let channel =
                |at: usize| f64::from(u8::from_str_radix(&value[at..at + 2], 16).unwrap());
            Some((
                name.strip_prefix("--")?,
                [channel(0), channel(2), channel(4)],
            ))
        });
        colours.collect()
    });
    [blocks.next().unwrap(), blocks.next().unwrap()]
}

fn luminance(colour: [f64; 3]) -> f64 {
    let linear = colour.map(|channel| {
        let channel = channel / 255.0;
        if channel <= 0.04045 {
            channel / 12.92
        } else {
            ((channel + 0.055) / 1.055).powf(2.4)
        }
    });
    let [red, green, blue] = linear;
    0.2126f64.mul_add(red, 0.7152f64.mul_add(green, 0.0722 * blue))
}

fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
    let [one, other] = [luminance(one), luminance(other)];
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

#[test]
fn everything_can_be_read_in_both_themes() {
    let text = [
        (
            "text",
            &["paper", "ground", "code", "unknown-soft", "waived-soft"][..],
        ),
        (
            "muted",
            &["paper", "ground", "code", "waived-soft", "unknown-soft"],
        ),
        ("link", &["paper", "ground", "waived-soft"]),
        ("on-solid", &["fail"]),
        ("unknown", &["unknown-soft", "paper"]),
        ("manual", &["manual-soft"]),
        ("waived", &["waived-soft"]),
        ("pass", &["pass-soft"]),
        ("not-applicable", &["not-applicable-soft"]),
    ];
    let drawn = [
        ("edge", &["paper"][..]),
        ("focus", &["paper", "ground"]),
        ("fail", &["paper", "pass-soft"]),
        ("unknown", &["paper"]),
        ("manual", &["paper"]),
        ("waived", &["paper"]),
        ("pass", &["paper"]),
        ("pass-fill", &["paper"]),
    ];
    for (theme, colours) in ["light", "dark"].iter().zip(palettes()) {
        for (least, pairs) in [(4.5, &text[..]), (3.0, &drawn[..])] {
            for (front, backs) in pairs {
                for back in *backs {
                    let found = contrast(colours[front], colours[back]);
                    assert!(found >= least, "{theme}: {front} on {back} is {found:.2}");
                }
            }
        }
    }
}
