"""The page at `/`, in a real browser."""

import re
import shutil
import urllib.error
import urllib.request

import pytest

webdriver = pytest.importorskip("selenium.webdriver")
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

pytestmark = pytest.mark.skipif(not shutil.which("chromedriver"), reason="no chromedriver")

PATIENCE = 30
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync "
    "--disable-background-networking --disable-component-update --disable-dev-shm-usage"
)


@pytest.fixture
def start_browser(tmp_path):
    drivers = []

    def run(*flags):
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path}/chromium", *flags]:
            options.add_argument(flag)
        drivers.append(webdriver.Chrome(options=options))
        return drivers[-1]

    yield run
    for driver in drivers:
        driver.quit()


@pytest.fixture
def browser(start_browser):
    return start_browser()


def publish(hub, body, name="bob", **headers):
    url = f"http://localhost:{hub.port}/topics/lobby?name={name}"
    request = urllib.request.Request(url, data=body, headers=headers)
    return urllib.request.urlopen(request, timeout=PATIENCE)


def until(browser, condition):
    WebDriverWait(browser, PATIENCE).until(lambda _: condition())


def shown(browser):
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, "article p")]


def open_page(browser, hub, place=""):
    browser.get(f"http://localhost:{hub.port}/{place}")
    until(browser, lambda: browser.find_element(By.ID, "state").text == "connected")


def test_chat_in_the_browser(hub, browser):
    publish(hub, b"before")
    open_page(browser, hub, "#name=anna")
    until(browser, lambda: shown(browser) == ["before"])
    with hub.connect() as client:
        client.sendall(b"\n")
        publish(hub, "<b>é</b>\nline two".encode())
        until(browser, lambda: shown(browser) == ["before", "<b>é</b>\nline two"])
        browser.find_element(By.ID, "text").send_keys("from the page\n")
        lines = client.makefile("rb")
        assert lines.readline() == "bob: <b>é</b>\n".encode()
        assert lines.readline() == b"line two\n"
        assert lines.readline() == b"anna: from the page\n"
    assert browser.get_log("browser") == []


TOKEN = "anna-0123456789+/abcdef=="


@pytest.fixture
def closed_hub(start_hub, tmp_path):
    tokens = tmp_path / "tokens"
    tokens.touch(mode=0o600)
    tokens.write_text(f"anna {TOKEN} read,write:lobby\n")
    return start_hub("tcp:localhost:0", f"--token-file={tokens}")


def enter(browser, token):
    until(browser, lambda: browser.find_element(By.ID, "entry").is_displayed())
    browser.find_element(By.ID, "token").send_keys(f"{token}\n")


def test_the_page_asks_for_a_token(closed_hub, browser):
    hub = closed_hub
    say = {"Authorization": f"Bearer {TOKEN}"}
    publish(hub, b"before", **say)
    browser.get(f"http://localhost:{hub.port}/")
    enter(browser, "not-this-one")
    why = browser.find_element(By.ID, "entry-why")
    until(browser, lambda: why.text == "This token is none of the hub's.")
    enter(browser, TOKEN)
    until(browser, lambda: shown(browser) == ["before"])
    assert not browser.find_element(By.ID, "entry").is_displayed()
    browser.find_element(By.ID, "text").send_keys("from the page\n")
    hub.wait_for("what anna sent: from the page")

    browser.refresh()  # the tab knows it still
    until(browser, lambda: shown(browser) == ["before", "from the page"])
    assert TOKEN not in browser.current_url
    assert browser.get_cookies() == []
    browser.switch_to.new_window("tab")  # another one does not
    browser.get(f"http://localhost:{hub.port}/")
    until(browser, lambda: browser.find_element(By.ID, "entry").is_displayed())
    hub.stop()
    assert b"0123456789" not in hub.output + hub.errors


def test_another_site_reaches_nothing(hub):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            publish(hub, b"x", **headers)
        assert refused.value.code in (403, 421)


def test_the_own_key_is_one_that_browsers_take(start_hub, start_browser):
    """The pin is told to the browser, whose form for it is that of curl without `sha256//`."""
    hub = start_hub("tls:localhost:0")
    port, pin = re.search(r":(\d+)\?pin=sha256:(.*)", hub.address).groups()
    spki = pin.translate(str.maketrans("-_", "+/")) + "="
    browser = start_browser(f"--ignore-certificate-errors-spki-list={spki}")
    browser.get(f"https://localhost:{port}/#name=anna")
    until(browser, lambda: browser.find_element(By.ID, "state").text == "connected")
    browser.find_element(By.ID, "text").send_keys("from the page\n")
    hub.wait_for("^This is what anna sent: from the page$")
