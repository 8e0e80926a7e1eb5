//! The page for everybody: axe-core finds nothing serious in any frame, contrast is at least 7:1
//! in the story, servers and outcomes are told apart without colour, nothing moves for those who
//! do not want it to, and a page at twice its size can still be read.
#![allow(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod board_support;

use std::path::Path;

use board_support::browser::Browser;
use board_support::house::House;
use serde_json::{Value, json};

/// Where `.ci/set-up` puts axe-core.
const AXE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../target/tools/axe/node_modules/axe-core/axe.min.js"
);
/// The tour and the Lab.
const FRAMES: [&str; 14] = [
    "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "lab",
];

/// A look of the page: what the visitor's system asks for, and the width of the screen.
struct Look {
    scheme: &'static str,
    width: u32,
    height: u32,
}

const LOOKS: [Look; 3] = [
    Look {
        scheme: "light",
        width: 1280,
        height: 720,
    },
    Look {
        scheme: "dark",
        width: 1280,
        height: 720,
    },
    Look {
        scheme: "light",
        width: 390,
        height: 844,
    },
];

#[tokio::test]
async fn axe_finds_nothing_serious_and_the_contrast_is_seven_to_one() {
    let axe = std::fs::read_to_string(Path::new(AXE))
        .unwrap_or_else(|error| panic!("axe-core is missing, .ci/set-up installs it: {error}"));
    let house = House::open().await;
    let browser = Browser::start().await;
    let mut problems = Vec::new();
    for look in LOOKS {
        browser.screen(look.width, look.height).await;
        // Without motion, or a row would be looked at while it still fades in.
        let wanted = json!([
            { "name": "prefers-color-scheme", "value": look.scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        let media = json!({ "features": wanted });
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        browser.open(&house.board.url()).await;
        browser.client.execute(&axe, Vec::new()).await.unwrap();
        for frame in FRAMES {
            show(&browser, frame).await;
            for found in violations(&browser, frame != "lab").await {
                let at = format!("{} {} #{frame}", look.scheme, look.width);
                problems.push(format!("{at}: {found}"));
            }
        }
    }
    assert_eq!(problems, [""; 0], "{}", problems.join("\n"));
    browser.close().await;
    house.close().await;
}

/// Goes to a frame, and has something to look at in it.
async fn show(browser: &Browser, frame: &str) {
    let go = format!("location.hash = '{frame}'");
    browser.value(&go).await;
    let shown = match frame {
        "lab" => "document.body.classList.contains('in-lab')".to_owned(),
        step => format!("document.getElementById('step').textContent.startsWith('Step {step} ')"),
    };
    browser.until("the frame is shown", &shown).await;
    match frame {
        "4" => browser.press("Ask B").await,
        "13" => {}
        _ => browser.press("Log in").await,
    }
    if frame == "2" {
        browser.press("Ask “who am I?”").await;
    }
}

/// What axe-core calls serious or critical; where `strict`, contrast below 7:1 as well.
async fn violations(browser: &Browser, strict: bool) -> Vec<String> {
    let run = "const [strict, done] = arguments;
        const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
        const rules = { 'color-contrast-enhanced': { enabled: strict } };
        axe.run({ runOnly: { type: 'tag', values: tags }, rules }).then(({ violations }) => done(
            violations.flatMap(({ id, impact, nodes }) =>
                nodes.map(({ html, any }) => [id, impact, html, any[0]?.message ?? '']))));";
    let found = browser.client.execute_async(run, vec![json!(strict)]);
    let found: Vec<[Value; 4]> = serde_json::from_value(found.await.unwrap()).unwrap();
    found
        .into_iter()
        .filter(|[_, impact, ..]| impact == "serious" || impact == "critical")
        .map(|parts| parts.map(|part| part.to_string()).join(" "))
        .collect()
}

#[tokio::test]
async fn axe_would_find_a_fault_that_is_put_in() {
    let axe = std::fs::read_to_string(AXE).unwrap();
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    browser.open(&board.url()).await;
    browser.client.execute(&axe, Vec::new()).await.unwrap();
    assert_eq!(violations(&browser, true).await, [""; 0]);
    // Grey that is dark enough for 4.5:1, and not for 7:1.
    let pale = "document.documentElement.style.setProperty('--muted', '#6b7280')";
    browser.value(pale).await;
    let found = violations(&browser, true).await;
    assert!(found.iter().any(|one| one.contains("contrast-enhanced")));
    browser.close().await;
    board.stop().await;
}

#[tokio::test]
async fn servers_and_outcomes_are_told_apart_without_colour() {
    let house = House::open().await;
    let browser = Browser::start().await;
    browser.open(&format!("{}/#2", house.board.url())).await;
    browser.press("Log in").await;
    browser.press("Ask “who am I?”").await;
    let styles = "['a', 'b'].map((server) =>
        getComputedStyle(document.querySelector(`.session .instance.${server}`)).borderTopStyle)";
    assert_eq!(browser.value(styles).await, json!(["solid", "dashed"]));
    let rows = "[...document.querySelectorAll('.session .requests li')].map((row) =>
        [row.querySelector('use').getAttribute('href'), row.querySelector('.chip').textContent,
            row.querySelector('.status').textContent])";
    let expected = json!([
        ["#mark-known", "A", "known 200"],
        ["#mark-refused", "B", "refused 401"],
    ]);
    assert_eq!(browser.value(rows).await, expected);
    // What one would not want is a filled box: seen in grey, and from the back.
    let filled = "['session', 'jwt'].map((lane) => {
        const style = getComputedStyle(document.querySelector(`.${lane} .say`));
        return style.backgroundColor === getComputedStyle(document.body).color;
    })";
    assert_eq!(browser.value(filled).await, json!([true, false]));
    browser.close().await;
    house.close().await;
}

#[tokio::test]
async fn nothing_moves_for_whoever_asked_for_that() {
    let (board, _stage) = board_support::board().await;
    let browser = Browser::start().await;
    let moving = "[getComputedStyle(document.querySelector('.requests li:last-child'))
        .animationName, getComputedStyle(document.querySelector('.instance')).transitionDuration]";
    for (wanted, expected) in [
        ("no-preference", json!(["arrive", "0.2s"])),
        ("reduce", json!(["none", "0s"])),
    ] {
        let media = json!({ "features": [{ "name": "prefers-reduced-motion", "value": wanted }] });
        browser.devtools("Emulation.setEmulatedMedia", media).await;
        browser.open(&board.url()).await;
        browser.press("Log in").await;
        assert_eq!(browser.value(moving).await, expected, "{wanted}");
    }
    browser.close().await;
    board.stop().await;
}

#[tokio::test]
async fn at_twice_its_size_and_on_a_phone_no_frame_scrolls_sideways_or_hides_a_word() {
    let house = House::open().await;
    let browser = Browser::start().await;
    // 1280 × 720 at 200 % is a screen of half that size.
    for (width, height) in [(640, 360), (390, 844)] {
        browser.screen(width, height).await;
        browser.open(&house.board.url()).await;
        for frame in FRAMES {
            show(&browser, frame).await;
            let wide = "document.documentElement.scrollWidth - innerWidth";
            let wide = browser.value(wide).await;
            assert_eq!(wide, json!(0), "#{frame} at {width} × {height}");
            let cut = "['session', 'jwt'].flatMap((lane) => {
                document.getElementById(`tab-${lane}`).click();
                const words = '.say, .hold, .figure, .lead, .act, .instance';
                return [...document.querySelectorAll(words)].filter((e) => e.offsetParent
                    && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1)
                    && e.clientWidth > 0)
                .map((e) => e.outerHTML);
            })";
            assert_eq!(browser.value(cut).await, json!([]), "#{frame} at {width}");
        }
    }
    browser.close().await;
    house.close().await;
}
