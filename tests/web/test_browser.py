"""Each instrument of the lab in a real chromium, on photos that the test uploads, against Python's own answers."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import (
    feature_maps,
    fool,
    gallery,
    gradient_times_input,
    load_image,
    load_style_net,
    occlusion,
    open_image,
    photo,
    receptive_field,
    saliency,
    stylize,
)
from course_utils.images import from_pil
from tests.explorers.browser import CHROMIUM, FLAGS
from tests.web.conftest import PLAIN, LabPage

pytestmark = [pytest.mark.sweep, pytest.mark.timeout(900)]
PHOTOS = ("bald_eagle", "jeep")


def path(name):
    return gallery()(name).path


def correlation(one, other):
    return np.corrcoef(np.ravel(one), np.ravel(other))[0, 1]


def target_of(net, image):
    return net(image).argmax(1).item()


@pytest.fixture
def eagle_page(lab):
    """The page with the photo of the eagle."""
    if lab.evaluate("() => lab.photo.name") != path("bald_eagle").name:
        lab.upload(path("bald_eagle"))
    return lab


# 1, what it says


@pytest.mark.parametrize("name", [*PHOTOS, "cat", "grace_hopper"])
def test_top_5_is_that_of_python(lab, lite, name):
    found = lab.upload(path(name))
    lab.measure("top 5", "says", 0.5)
    ((best, probability), *_) = expected = lite.predict(photo(name))[0]
    classes = lab.evaluate("() => lab.about.classes")
    assert [classes[one["target"]] for one in found] == [category for category, _ in expected]
    assert abs(found[0]["probability"] - probability) < 0.02
    assert lab.page.inner_text("#says tbody tr:first-child th").startswith(best)


@pytest.mark.parametrize("name", [*PHOTOS, "coffee"])
def test_the_photo_is_made_smaller_as_pillow_does_it(lab, name):
    """To the last bit: gradients notice a single level in 255."""
    lab.upload(path(name))
    assert np.array_equal(green(lab), (255 * photo(name)[0, 1]).round().numpy())


def green(lab):
    return np.reshape(lab.evaluate("() => Array.from(lab.photo.seen.data.filter((_, i) => i % 4 === 1))"), (224, 224))


def test_a_photo_that_lies_on_its_side_and_is_not_square_is_seen_as_python_sees_it(lab, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    picture = open_image(gallery()("jeep").path).crop((10, 30, 400, 300))
    picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "side.jpg", exif=exif, quality=95)
    lab.upload(tmp_path / "side.jpg")
    assert np.abs(green(lab) - 255 * load_image(tmp_path / "side.jpg")[0, 1].numpy()).max() < 3


@pytest.mark.parametrize("name, content", [("notes.txt", b"no picture"), ("empty.jpg", b""), ("half.jpg", None)])
def test_a_file_that_is_no_picture_is_refused_in_a_sentence(lab, tmp_path, name, content):
    if content is None:
        whole = path("jeep").read_bytes()
        content = whole[: len(whole) // 2]
    (tmp_path / name).write_bytes(content)
    lab.page.set_input_files("input[type=file]", str(tmp_path / name))
    lab.until(f"document.querySelector('#photo [role=status]').textContent.startsWith('{name} is empty or damaged')")


def test_a_photo_of_many_pixels_is_seen_as_a_small_one(lab, lite, tmp_path):
    """12 megapixels, as a phone takes them."""
    open_image(path("jeep")).resize((4000, 3000), Image.Resampling.BICUBIC).save(tmp_path / "large.jpg", quality=90)
    found = lab.upload(tmp_path / "large.jpg")
    lab.measure("top 5 of 12 megapixels", "says", 0.5)
    there = lite.predict(load_image(tmp_path / "large.jpg"))[0]
    assert lab.evaluate("() => lab.about.classes")[found[0]["target"]] == there[0][0]


def test_the_newest_photo_counts_in_the_page_and_in_the_worker(lab, tmp_path):
    """The photo before it needs long to be read."""
    open_image(path("bald_eagle")).resize((5000, 5000)).save(tmp_path / "large.png", compress_level=1)
    lab.page.set_input_files("input[type=file]", str(tmp_path / "large.png"))
    lab.result("says", lambda: lab.page.click(".gallery button:nth-child(2)"))
    lab.page.wait_for_timeout(2000)  # by then the large one has been read
    assert lab.evaluate("() => lab.photo.name") == "coffee"
    score = "async (given) => (await (await import(new URL('page/ask.js', location.href))).ask('cover', given)).before"
    target, there = lab.evaluate("() => [lab.photo.top[0].target, lab.photo.top[0].score]")
    assert lab.evaluate(score, {"target": target, "top": 0, "left": 0, "size": 1}) == there


# 2, feature maps


def test_maps_and_receptive_fields_are_those_of_python(eagle_page, lite, eagle):
    results = eagle_page.evaluate("() => JSON.parse(JSON.stringify(lab.results.maps, " + PLAIN + "))")
    assert len(results) == 5
    for layer, found in results.items():
        maps = feature_maps(lite, eagle, layer)[0]
        for one in found["maps"]:
            there = maps[one["channel"]].numpy()
            assert correlation(one["map"], there) > 0.99
            assert abs(one["peak"] - there.max()) < 0.05
    eagle_page.page.focus("#maps .layers figure:nth-child(3) canvas")
    for key in ("PageDown", "ArrowUp", "ArrowUp", "ArrowLeft"):
        eagle_page.page.keyboard.press(key)
    field = eagle_page.evaluate("() => lab.results.field")
    layer = list(results)[2]
    assert (field["layer"], field["k"], field["y"], field["x"]) == (layer, 1, 12, 13)
    assert tuple(field["box"]) == receptive_field(lite, layer).box(12, 13)


def test_a_click_chooses_the_place_below_it(eagle_page):
    canvas = eagle_page.page.locator("#maps .layers figure:nth-child(5) canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] - 2, "y": box["height"] - 2})
    field = eagle_page.evaluate("() => lab.results.field")
    assert (field["k"], field["y"], field["x"]) == (5, 6, 6)
    assert "Layer 5" in eagle_page.says("maps")


# 3, occlusion


def test_a_window_moved_by_keyboard_covers_what_it_should(eagle_page, lite, eagle):
    page = eagle_page.page
    page.focus("#occlusion .cover")
    for key in ("ArrowUp", "ArrowLeft", "ArrowLeft"):
        page.keyboard.press(key)
    eagle_page.until("lab.results.cover.top === 88 && lab.results.cover.left === 80")
    found = eagle_page.evaluate("() => lab.results.cover")
    covered = eagle.clone()
    covered[:, :, 88:120, 80:112] = 0.5
    target = target_of(lite, eagle)
    assert abs(found["before"] - lite(eagle)[0, target].item()) < 0.05
    assert abs(found["after"] - lite(covered)[0, target].item()) < 0.05
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):  # as it was
        page.keyboard.press(key)


def test_a_window_is_dragged(eagle_page):
    canvas = eagle_page.page.locator("#occlusion .cover")
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    mouse = eagle_page.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(box["x"] + 1, box["y"] + box["height"] - 1, steps=4)
    mouse.up()
    eagle_page.until("lab.results.cover.top === 192 && lab.results.cover.left === 0")


def test_the_whole_occlusion_map_is_that_of_python(eagle_page, lite, eagle):
    for _ in range(3):
        found = eagle_page.result("occlusion", lambda: eagle_page.page.click("#occlusion .run"))
        eagle_page.measure("occlusion map of 14 x 14", "occlusion", 15)
        eagle_page.measure("occlusion map, its first picture", "occlusion-first", 1)
    there = occlusion(lite, eagle, window=32, stride=found["stride"], progress=False)[0].numpy()
    assert found["stride"] == 15 and found["done"] == 196
    assert correlation(found["map"], there) > 0.99
    assert "All 196 windows, for bald eagle" in eagle_page.says("occlusion")


def test_a_stopped_map_stays_and_is_called_so(eagle_page):
    found = stopped(eagle_page, "occlusion", lambda: eagle_page.page.click("#occlusion .run"))
    assert 0 < found["done"] < 196
    eagle_page.until("document.querySelector('#occlusion [role=status]').textContent.startsWith('Stopped after')")


def stopped(lab, name, act):
    """What an instrument gives that is stopped as soon as its first part is there."""

    def start_and_stop():
        act()
        lab.until(f"lab.times['{name}-first']")
        lab.page.click(f"#{name} .stop")

    return lab.result(name, start_and_stop)


@pytest.mark.parametrize(
    "name, selector, event, value",
    [
        ("fooling", ".gallery button:nth-child(2)", "click", ""),
        ("occlusion", ".gallery button:nth-child(2)", "click", ""),
        ("occlusion", "#occlusion .size", "input", "48"),
        ("occlusion", "#occlusion .class", "change", "kite"),
    ],
)
def test_what_is_overtaken_ends_and_says_so(eagle_page, name, selector, event, value):
    page = eagle_page.page
    page.fill("#fooling .class", "web site")  # many steps away
    page.click(f"#{name} .run")
    eagle_page.until(f"lab.times['{name}-first']")
    eagle_page.evaluate(DO, [selector, event, value])
    eagle_page.until(f"!document.querySelector('#{name}').classList.contains('busy')")
    assert not page.is_visible(f"#{name} .stop")
    eagle_page.until(f"/^Stopped: |the score /.test(document.querySelector('#{name} [role=status]').textContent)")
    eagle_page.evaluate(DO, ["#occlusion .size", "input", "32"])  # as it was
    eagle_page.evaluate(DO, ["#occlusion .class", "change", ""])
    page.fill("#fooling .class", "toaster")


# without the mouse, which would wait for what it scrolls to
DO = """([selector, event, value]) => {
    const element = document.querySelector(selector);
    if (event !== 'click') element.value = value;
    element.dispatchEvent(new Event(event, {bubbles: true}));
}"""


@pytest.mark.parametrize("text, hint", [("tosater", "Did you mean toaster"), ("859", "Choose one of the list")])
@pytest.mark.parametrize("name", ["occlusion", "saliency", "fooling"])
def test_nothing_is_computed_for_a_class_that_is_not_there(eagle_page, name, text, hint):
    page = eagle_page.page
    choose(eagle_page, "saliency")
    before = page.input_value(f"#{name} .class")
    page.fill(f"#{name} .class", text)
    page.press(f"#{name} .class", "Enter")
    eagle_page.evaluate("name => { delete lab.results[name]; }", name)
    if name == "saliency":
        eagle_page.evaluate(CHOOSE, "times")
    else:
        page.click(f"#{name} .run")
    assert eagle_page.says(name) == "Nothing was computed: which class?"
    assert f"No class has the name “{text}”. {hint}" in page.inner_text(f"#{name}-hint")
    page.wait_for_timeout(1000)
    assert not eagle_page.evaluate("name => lab.results[name]", name)
    page.fill(f"#{name} .class", before)
    page.press(f"#{name} .class", "Enter")
    assert page.inner_text(f"#{name}-hint") == ""
    choose(eagle_page, "saliency")


def test_fooling_needs_a_class(eagle_page):
    eagle_page.page.fill("#fooling .class", "")
    eagle_page.page.click("#fooling .run")
    assert "Which class?" in eagle_page.page.inner_text("#fooling-hint")
    eagle_page.page.fill("#fooling .class", "toaster")


# 4, gradients


def choose(lab, method):
    lab.page.locator("#saliency").scroll_into_view_if_needed()
    lab.until("lab.results.saliency")  # what is drawn by itself, when somebody comes here
    return lab.result("saliency", lambda: lab.evaluate(CHOOSE, method))


CHOOSE = """method => {
    const choice = document.querySelector(`#saliency [value=${method}]`);
    choice.checked = true;
    choice.dispatchEvent(new Event('change', {bubbles: true}));
}"""


@pytest.mark.parametrize("name", PHOTOS)
def test_saliency_is_that_of_python(lab, lite, name):
    lab.upload(path(name))
    found = choose(lab, "saliency")
    lab.measure("saliency", "saliency", 2)
    assert correlation(found["map"], saliency(lite, photo(name))) > 0.99
    row, column = divmod(int(np.argmax(found["map"])), 224)
    assert f"strongest around row {row}, column {column}." in lab.says("saliency")


def test_gradient_times_input_of_another_class_is_that_of_python(eagle_page, lite, eagle):
    choose(eagle_page, "times")
    page = eagle_page.page
    found = eagle_page.result(
        "saliency", lambda: (page.fill("#saliency .class", "kite"), page.press("#saliency .class", "Enter"))
    )
    there = gradient_times_input(lite, eagle, "kite").sum(1)
    assert correlation(found["map"], there) > 0.99
    page.fill("#saliency .class", "no such thing")
    page.press("#saliency .class", "Enter")
    assert "No class has the name" in page.inner_text("#saliency-hint")
    eagle_page.result("saliency", lambda: (page.fill("#saliency .class", ""), page.press("#saliency .class", "Enter")))


def normal(count, seed=0):
    """The page's noise: mulberry32, then Box and Muller."""
    values, state, mask = [], seed, 0xFFFFFFFF
    for _ in range(2 * count):
        state = (state + 0x6D2B79F5) & mask
        t = ((state ^ (state >> 15)) * (1 | state)) & mask
        t ^= (t + (((t ^ (t >> 7)) * (61 | t)) & mask)) & mask
        values.append(((t ^ (t >> 14)) & mask) / 2**32)
    one, two = np.array(values[0::2]), np.array(values[1::2])
    return np.sqrt(-2 * np.log(1 - one)) * np.cos(2 * math.pi * two)


def test_smoothgrad_is_that_of_python_with_the_same_noise(eagle_page, lite, eagle):
    found = choose(eagle_page, "smoothgrad")
    eagle_page.measure("SmoothGrad, its first picture", "saliency-first", 1)
    eagle_page.measure("SmoothGrad, 25 copies", "saliency", 25)
    noise = torch.from_numpy(normal(25 * eagle.numel())).float().view(25, *eagle.shape[1:])
    target = target_of(lite, eagle)
    total = torch.zeros_like(eagle)
    for part in noise:
        pixels = (eagle + 0.15 * part).requires_grad_()  # no cut at 0 and 1, as in smoothgrad
        total += torch.autograd.grad(lite(pixels)[0, target], pixels)[0]
    assert correlation(found["map"], total.abs().amax(1)) > 0.99
    choose(eagle_page, "saliency")


def test_a_stopped_smoothgrad_is_the_mean_over_what_there_is(eagle_page):
    found = stopped(eagle_page, "saliency", lambda: eagle_page.evaluate(CHOOSE, "smoothgrad"))
    assert 0 < found["done"] < 25
    eagle_page.until("document.querySelector('#saliency [role=status]').textContent.includes('noisy copies')")
    assert f"the mean over {found['done']} noisy copies" in eagle_page.says("saliency")
    choose(eagle_page, "saliency")


# 5, fooling


def test_fooling_climbs_as_python_does(lab, lite):
    """In few steps: a path of many parts from another one, however small the first difference."""
    lab.upload(path("jeep"))
    found = lab.result("fooling", lambda: lab.page.click("#fooling .run"))
    image = photo("jeep")
    there = fool(lite, image, "toaster", progress=False)
    assert found["fooled"] and there.success.item() and found["step"] == there.steps.item() == 3
    pixels = torch.tensor(found["pixels"]).view_as(image)
    assert correlation(pixels - image, there.images - image) > 0.9
    assert lite(pixels).argmax(1).item() == lite.class_index("toaster")
    assert "Fooled after 3 steps" in lab.says("fooling")
    step = lab.evaluate(FOOL, {"target": found["target"], "steps": 1})
    there = fool(lite, image, "toaster", steps=1, progress=False)
    assert correlation(torch.tensor(step).view_as(image) - image, there.images - image) > 0.99


FOOL = """async (given) => {
    const { ask } = await import(new URL('page/ask.js', location.href));
    return Array.from((await ask('fool', given)).pixels);
}"""


def test_stopped_fooling_says_how_far_it_came(eagle_page):
    eagle_page.page.fill("#fooling .class", "web site")  # many steps away
    found = stopped(eagle_page, "fooling", lambda: eagle_page.page.click("#fooling .run"))
    assert not found["fooled"] and found["step"] < found["steps"]
    eagle_page.until("document.querySelector('#fooling [role=status]').textContent.startsWith('Not fooled after')")
    eagle_page.page.fill("#fooling .class", "toaster")


# 6, styles


def set_styles(lab, **shares):
    lab.page.locator("#styles .mixer").scroll_into_view_if_needed()
    lab.until("lab.results.styles")
    return lab.result("styles", lambda: lab.evaluate(SET, shares))


SET = """shares => {
    const sliders = document.querySelectorAll('#styles .mixer input');
    sliders.forEach((slider, i) => { slider.value = shares[lab.about.styles[i]] ?? 0; });
    sliders[0].dispatchEvent(new Event('input', {bubbles: true}));
}"""


@pytest.mark.parametrize(
    "name, shares", [("coffee", {"waves": 100}), ("coffee", {"ink": 30, "geometry": 90}), ("astronaut", {"ink": 100})]
)
def test_a_repainted_photo_is_that_of_python(lab, name, shares):
    lab.upload(path(name))
    found = set_styles(lab, **shares)
    size = " × ".join(str(found["picture"][side]) for side in ("width", "height"))
    lab.measure(f"a style at {size} pixels", "styles", 1)
    width, height = found["picture"]["width"], found["picture"]["height"]
    assert max(width, height) == 256
    small = from_pil(open_image(path(name)).resize((width, height), Image.Resampling.BICUBIC))
    there = stylize(load_style_net(), small, shares)
    values = torch.tensor(found["values"]).view_as(there)
    assert (values - there).abs().mean() < 1 / 255 and correlation(values, there) > 0.99


def test_styles_run_live_on_the_camera_and_the_camera_is_closed(eagle_page):
    page = eagle_page.page
    page.click("#styles .live")
    eagle_page.until("lab.results.live >= 3")
    eagle_page.measure("a live picture", "styles", 1)
    page.click("#styles .live")
    assert page.get_attribute("#styles .live", "aria-pressed") == "false"
    eagle_page.until("document.querySelector('#styles .legend').textContent.startsWith('Painted')")


# the page


def test_a_photo_is_taken_with_the_camera(lab):
    lab.page.click("#camera")
    lab.page.wait_for_selector("#viewfinder .shoot")
    lab.result("says", lambda: lab.page.click("#viewfinder .shoot"))
    assert lab.evaluate("() => lab.photo.name") == "from the camera"
    lab.page.wait_for_selector("#viewfinder", state="hidden")


STREAMS = """const ask = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
window.streams = [];
navigator.mediaDevices.getUserMedia = async (what) => {
    const stream = await ask(what);
    await new Promise((resolve) => setTimeout(resolve, 400));  // a camera needs time
    streams.push(stream);
    return stream;
};"""


def test_no_camera_stays_on_after_a_double_click(browser):
    page = LabPage(*browser, script=STREAMS)
    page.until("lab.photo")
    for button, close in (("#camera", "#viewfinder .close"), ("#styles .live", "#styles .live")):
        page.page.dblclick(button)
        page.until(f"streams.length > 0 && !document.querySelector('{button}').disabled")
        page.page.wait_for_timeout(600)
        page.page.click(close)
        page.until("streams.every((stream) => stream.getTracks().every((track) => track.readyState === 'ended'))")
        page.evaluate("() => { streams.length = 0; }")
    page.context.close()


def test_a_photo_chosen_while_the_network_comes_is_the_first(browser):
    """And the camera's viewfinder closes, so that nobody waits before it."""
    page = LabPage(*browser, service_workers="block")  # a route does not see what a service worker asks for
    page.page.route("**/lite0.bin", lambda route: waiting.append(route))
    for act in (
        lambda: page.page.set_input_files("input[type=file]", str(path("jeep"))),
        lambda: (page.page.click("#camera"), page.page.click("#viewfinder .shoot")),
    ):
        waiting = []
        page.page.reload()
        page.until("document.getElementById('starting').textContent === 'The network comes.'")
        act()
        page.until("document.querySelector('#photo [role=status]').textContent.includes('as soon as the network')")
        page.page.wait_for_selector("#viewfinder", state="hidden")
        while not waiting:  # the page says that the network comes before it asks for it
            page.page.wait_for_timeout(50)
        waiting[0].continue_()
        page.until("lab.photo")
        assert page.evaluate("() => lab.photo.name") != "cat"
    page.context.close()


def test_pictures_of_an_earlier_photo_are_marked(eagle_page):
    eagle_page.result("fooling", lambda: eagle_page.page.click("#fooling .run"))
    assert "outdated" not in eagle_page.page.get_attribute("#fooling", "class")
    eagle_page.result("says", lambda: eagle_page.page.click(".gallery button:nth-child(2)"))
    assert "outdated" in eagle_page.page.get_attribute("#fooling", "class")


def test_the_page_works_when_the_network_is_cut(lab):
    lab.context.set_offline(True)
    try:
        for number in (3, 1):
            lab.result("says", lambda n=number: lab.page.click(f".gallery button:nth-child({n})"))
        for method in ("saliency", "smoothgrad"):
            choose(lab, method)
        for name in ("occlusion", "fooling"):
            lab.result(name, lambda name=name: lab.page.click(f"#{name} .run"))
        set_styles(lab, dots=100)
        test_a_photo_is_taken_with_the_camera(lab)
    finally:
        lab.context.set_offline(False)


def test_everybody_can_use_it(lab):
    """Also with an open camera, a hint, and an instrument that computes."""
    from axe_playwright_python.sync_playwright import Axe

    for scheme in ("light", "dark"):
        lab.page.emulate_media(color_scheme=scheme)
        if scheme == "dark":
            lab.page.click("#camera")
            lab.page.wait_for_selector("#viewfinder .close")
            lab.page.fill("#fooling .class", "tosater")
            lab.page.press("#fooling .class", "Enter")
            lab.page.click("#occlusion .run")
        found = Axe().run(lab.page).response["violations"]
        assert {v["id"]: v["nodes"][0]["html"][:200] for v in found if v["impact"] in ("serious", "critical")} == {}
    lab.page.emulate_media(color_scheme="light")
    lab.page.click("#viewfinder .close")
    lab.page.fill("#fooling .class", "toaster")
    lab.page.press("#fooling .class", "Enter")


@pytest.mark.parametrize("width", [320, 390])
def test_it_fits_a_phone(browser, width):
    phone = LabPage(*browser, width=width)
    phone.until("lab.photo && lab.results.field")
    phone.measure("usable, after its files are there", "start", 3)
    assert phone.evaluate("() => document.scrollingElement.scrollWidth") == width
    canvas = phone.page.locator("#maps .layers figure:nth-child(4) canvas")
    box = canvas.bounding_box()
    canvas.click(position={"x": 3, "y": box["height"] - 3})  # the fourth map is the first of the second row
    field = phone.evaluate("() => lab.results.field")
    assert (field["k"], field["y"], field["x"]) == (3, 13, 0)
    assert phone.errors == [] and phone.outside == []
    phone.context.close()


@pytest.mark.parametrize(
    "script, words",
    [
        ("delete window.WebAssembly", "This browser has no WebAssembly"),
        ("delete window.OffscreenCanvas", "cannot draw in a worker"),
        ("delete window.DecompressionStream", "cannot unpack a file"),
    ],
)
def test_a_browser_that_cannot_run_it_is_told_why(browser, script, words):
    page = LabPage(*browser, script=script)
    page.until("document.getElementById('starting').classList.contains('problem')")
    assert words in page.page.inner_text("#starting")
    page.context.close()


@pytest.mark.parametrize(
    "script, words",
    [
        ("Object.defineProperty(navigator, 'mediaDevices', {value: undefined})", "This browser gives no camera"),
        (
            "navigator.mediaDevices.getUserMedia = async () => { throw new DOMException(); }",
            "The camera was not allowed",
        ),
    ],
)
def test_without_a_camera_a_sentence_says_what_works_instead(browser, script, words):
    page = LabPage(*browser, script=script)
    page.until("lab.photo")
    for button, name in (("#camera", "photo"), ("#styles .live", "styles")):
        page.page.click(button)
        page.until(f"document.querySelector('#{name} [role=status]').textContent.startsWith('{words}')")
        assert "A file works as well" in page.says(name)
    assert page.page.get_attribute("#styles .live", "aria-pressed") == "false"
    page.context.close()


def test_the_networks_use_several_threads_and_do_without_where_the_page_may_not(lab, browser):
    assert lab.evaluate("() => crossOriginIsolated")
    page = LabPage(*browser, service_workers="block")
    page.until("lab.photo")
    assert not page.evaluate("() => crossOriginIsolated") and page.evaluate("() => lab.results.says.length") == 5
    page.context.close()


def test_a_damaged_model_is_not_run(browser):
    page = LabPage(*browser, service_workers="block")  # a route does not see what a service worker asks for
    page.page.route("**/lite0.bin", lambda route: route.fulfill(body=b"x" * 100))
    page.page.reload()
    page.until("document.getElementById('starting').classList.contains('problem')")
    assert "did not come whole: 100 of " in page.page.inner_text("#starting")
    page.context.close()


def test_the_browser_lets_neither_the_page_nor_its_worker_send_anything(lab):
    (worker,) = [one for one in lab.page.workers if one.url.endswith("worker/worker.js")]
    for where in (lab.page, worker):
        assert where.evaluate(SEND) == "connect-src"
    assert len(lab.outside) <= 2 and lab.errors  # what was refused
    lab.errors.clear()
    lab.outside.clear()


SEND = """() => new Promise((resolve) => {
    addEventListener('securitypolicyviolation', (event) => resolve(event.effectiveDirective), { once: true });
    const sent = fetch('http://127.0.0.1:1/', { mode: 'no-cors', method: 'POST', body: 'a photo' });
    sent.catch(() => setTimeout(() => resolve('the browser tried it'), 500));
})"""


# the graphics card

CARD = """async ({ factor, wait, always, patience = 5000 }) => {
  const { newCard } = await import(new URL('page/worker/card.js', location.href));
  const heard = [], at = { once: 0, most: 0 };
  const lab = { factor, wait };
  const compute = async (graph, { x: [values, shape] }, outputs) => {
    at.most = Math.max(at.most, ++at.once);
    try {
      if (lab.factor === null) throw new Error('device lost');
      await (lab.wait === null ? new Promise(() => {}) : new Promise((resolve) => setTimeout(resolve, lab.wait)));
      return Object.fromEntries(outputs.map((name) => [name, { values: values.map((v) => lab.factor * v), shape }]));
    } finally { at.once -= 1; }
  };
  const card = newCard(compute, (news) => heard.push(news), { always, patience });
  const inputs = (...numbers) => ({ x: [Float32Array.from(numbers), [1, numbers.length]] });
  const found = (...numbers) => ({ y: { values: Float32Array.from(numbers), shape: [1, numbers.length] } });
  const answer = async (given, outputs = ['y']) => {
    const got = await card.answer('g', given, outputs);
    return got && Array.from(got[outputs[0]].values);
  };
  return { ...(await act0(card, { inputs, found, answer, lab })), heard, most: at.most };
}"""


def with_card(lab, act, **options):
    """What `act`, JavaScript that may use `card`, `inputs`, `found`, `answer` and `lab`, finds with a card of ours."""
    given = {"factor": 2, "wait": 0, "always": False} | options
    return lab.evaluate(CARD.replace("act0", f"(async (card, {{ inputs, found, answer, lab }}) => {{ {act} }})"), given)


TWICE = """
  card.heard('g', given, ['y'], found(2, 4), 300);
  const trial = card.heard('g', given, ['y'], found(2, 4), 200);
"""


@pytest.mark.parametrize(
    "factor, wait, always, same, takes",
    [
        (2, 0, False, True, True),
        (2, 400, False, True, False),
        (2, 400, True, True, True),
        (2.1, 0, True, False, False),
        (math.nan, 0, True, False, False),
    ],
    ids=["same and sooner", "same and later", "later, but wanted", "other answers", "NaN"],
)
def test_a_card_takes_over_only_what_it_answers_the_same_and_sooner(lab, factor, wait, always, same, takes):
    act = f"""
      const given = inputs(1, 2), before = await answer(given);
      {TWICE}
      given.x[0][0] = 9; // who asked goes on with it
      const during = await answer(given);
      await trial;
      const first = await answer(given), later = await answer(given);
      return {{ before, during, first, later, others: [await answer(inputs(1)), await answer(given, ['z'])] }};
    """
    found = with_card(lab, act, factor=factor, wait=wait, always=always)
    assert found["before"] is found["during"] is None and found["others"] == [None, None]
    assert found["first"] == ([18, 4] if same else None) and found["later"] == ([18, 4] if takes else None)
    verdicts = [news for news in found["heard"] if "answered" not in news]
    assert verdicts[0]["same"] is same and [one["takes"] for one in verdicts[1:]] == ([takes] if same else [])
    assert sum("answered" in news for news in found["heard"]) == same + takes


def test_a_busy_processor_does_not_cost_the_card_its_trial(lab):
    act = f"""
      const given = inputs(1, 2), end = performance.now() + 300;
      {TWICE}
      while (performance.now() < end) {{
        const until = performance.now() + 60; // the processor computes, and nothing else runs in this thread
        while (performance.now() < until);
        await new Promise((resolve) => setTimeout(resolve, 0));
      }}
      await trial;
      return {{ first: await answer(given), later: await answer(given) }};
    """
    found = with_card(lab, act, wait=5)
    assert found["first"] == found["later"] == [2, 4]


def test_a_card_does_one_thing_at_a_time(lab):
    """Its runtime crashes else."""
    act = """
      const trials = [];
      for (const numbers of [[1], [1, 2], [1, 2, 3]]) {
        await Promise.all(trials); // so the card could answer inputs(1), but for the next trial
        for (let i = 0; i < 2; i++) {
          const right = found(...numbers.map((v) => 2 * v));
          trials.push(card.heard('g', inputs(...numbers), ['y'], right, 200));
          await answer(inputs(1));
        }
      }
      await Promise.all(trials);
      return { after: await answer(inputs(1)) };
    """
    found = with_card(lab, act, wait=20)
    assert found["most"] == 1 and found["after"] == [2] and len([one for one in found["heard"] if "same" in one]) == 3


@pytest.mark.parametrize("moment", ["in its trial", "later"])
@pytest.mark.parametrize(
    "fault, words", [("lab.factor = null", "device lost"), ("lab.wait = null", "no answer within 2 seconds")]
)
def test_a_card_that_fails_is_not_asked_again(lab, moment, fault, words):
    if moment == "in its trial" and "wait" in fault:
        pytest.skip("nobody waits for a trial: the processor answers")
    act = f"""
      const given = inputs(1, 2);
      {f"{fault};" if moment == "in its trial" else ""}
      {TWICE}
      await trial;
      const first = await answer(given);
      {fault};
      return {{ first, later: await answer(given), last: await answer(given) }};
    """
    found = with_card(lab, act, patience=1000)
    assert found["first"] == (None if moment == "in its trial" else [2, 4]) and found["later"] is found["last"] is None
    assert [news["problem"] for news in found["heard"] if "problem" in news] == [words]


def test_without_a_card_the_processor_answers_and_nobody_hears_of_it(lab):
    assert lab.evaluate("() => lab.card") == {"open": False, "answers": 0, "news": []}
    assert not lab.page.locator("#card").is_visible()


def test_a_card_that_the_processor_plays_gives_the_same_answers(browser, lite):
    """By WebGPU, in chromium's own program of a card: slow, but the same commands as for a real one."""
    flags = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader", "--enable-features=Vulkan,WebGPU"]
    chromium = browser[0].browser_type.launch(
        executable_path=CHROMIUM, args=[flag for flag in FLAGS if flag != "--disable-gpu"] + flags
    )
    page = LabPage(chromium, f"{browser[1]}?graphics=always")
    page.until("document.body.dataset.ready === 'all'")
    if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
        pytest.skip("this chromium has no WebGPU")
    page.until("lab.card.open")
    for name in PHOTOS:  # what was answered twice is tried
        page.upload(path(name))
    page.until("lab.card.news.length >= 4", 900)  # two graphs for the whole photo, and two for a covered window
    found = page.evaluate("() => lab.card")
    assert all(one["same"] and one["apart"] < 1e-4 for one in found["news"]), found
    assert {one["graph"] for one in found["news"]} == {"early", "late"} and found["answers"] == 0
    assert page.page.inner_text("#card") == ""
    cover = "async (given) => (await (await import(new URL('page/ask.js', location.href))).ask('cover', given)).after"
    size = page.evaluate("() => lab.results.cover.size")
    covered = photo(PHOTOS[-1]).clone()
    covered[:, :, 64 : 64 + size, 32 : 32 + size] = 0.5
    after = page.evaluate(cover, {"target": 22, "top": 64, "left": 32, "size": size})
    assert abs(after - lite(covered)[0, 22].item()) < 0.05
    assert page.evaluate("() => lab.card.answers") == 2
    assert "the first layers" in page.page.inner_text("#card") and "the last layers" in page.page.inner_text("#card")
    assert page.errors == []
    chromium.close()
