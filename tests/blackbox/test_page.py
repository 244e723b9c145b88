"""The page at `/`, in a real browser."""

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
def browser(tmp_path):
    options = webdriver.ChromeOptions()
    for flag in [*FLAGS.split(), f"--user-data-dir={tmp_path}/chromium"]:
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options)
    yield driver
    driver.quit()


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


def test_another_site_reaches_nothing(hub):
    for headers in ({"Origin": "https://evil.example"}, {"Host": "evil.example"}):
        with pytest.raises(urllib.error.HTTPError) as refused:
            publish(hub, b"x", **headers)
        assert refused.value.code in (403, 421)
