"""What a browser says it is, in a few words."""

from connectors.wording import clean

# The order matters: most browsers also claim to be those that come after them.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Opera", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("YaBrowser/", "Yandex Browser"),
    ("DuckDuckGo/", "DuckDuckGo"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome without a window"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Chromium/", "Chromium"),
    ("MSIE ", "Internet Explorer"),
    ("Trident/", "Internet Explorer"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Macintosh", "macOS"),
    ("Linux", "Linux"),
)
PROGRAMS = (
    ("curl/", "the program curl"),
    ("Wget/", "the program wget"),
    ("python-", "a Python program"),
    ("Python/", "a Python program"),
    ("aiohttp/", "a Python program"),
    ("Go-http-client/", "a Go program"),
    ("okhttp/", "an Android app"),
    ("Dalvik/", "an Android app"),
    ("CFNetwork/", "an app on an Apple device"),
    ("PostmanRuntime/", "the program Postman"),
    ("Java/", "a Java program"),
    ("axios/", "a JavaScript program"),
    ("node", "a JavaScript program"),
)
UNKNOWN = "an unknown device"


def device_words(user_agent: str | None) -> str:
    """Say it like "Chrome on Windows"; anybody can claim to be anything, so it is a hint and no proof."""
    text = clean(user_agent or "", limit=1000)
    browser = _first(text, BROWSERS)
    system = _first(text, SYSTEMS)
    match browser, system:
        case str(), str():
            return f"{browser} on {system}"
        case str(), None:
            return browser
        case _:
            return _first(text, PROGRAMS) or system or UNKNOWN


def _first(text: str, marks: tuple[tuple[str, str], ...]) -> str | None:
    return next((words for mark, words in marks if mark in text), None)
