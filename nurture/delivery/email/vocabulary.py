"""MJML's tags and their attributes (MJML 4). The compiler takes unknown ones without a word and the mail
then looks wrong, so they are checked against this list."""

from collections.abc import Mapping

_EVERYWHERE = "css-class mj-class"
_FONT = "color font-family font-size font-style font-weight letter-spacing line-height"
_FONT += " text-align text-decoration text-transform"
_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_BORDER = "border border-top border-right border-bottom border-left border-radius"
_BACKGROUND = "background-color background-url background-repeat background-size"
_BACKGROUND += " background-position background-position-x background-position-y"
_LINK = "href target rel title name"
_CONTAINER = "container-background-color"
_SECTION = f"{_BACKGROUND} {_BORDER} {_PADDING} direction full-width text-align text-padding"

_TABLE: Mapping[str, str] = {
    "mjml": "lang dir owa",
    "mj-head": "",
    "mj-attributes": "",
    "mj-breakpoint": "width",
    "mj-font": "name href",
    "mj-html-attributes": "",
    "mj-selector": "path",
    "mj-html-attribute": "name",
    "mj-preview": "",
    "mj-style": "inline",
    "mj-title": "",
    "mj-raw": "position",
    "mj-include": "path type css-inline",
    "mj-body": "background-color width",
    "mj-wrapper": f"{_SECTION} gap",
    "mj-section": _SECTION,
    "mj-column": f"{_BORDER} {_PADDING} background-color direction inner-background-color inner-border"
    " inner-border-top inner-border-right inner-border-bottom inner-border-left"
    " inner-border-radius vertical-align width",
    "mj-group": "background-color direction vertical-align width",
    "mj-text": f"{_FONT} {_PADDING} {_CONTAINER} align height vertical-align",
    "mj-button": f"{_FONT} {_PADDING} {_BORDER} {_LINK} {_CONTAINER} align background-color height"
    " inner-padding vertical-align width",
    "mj-image": f"{_PADDING} {_BORDER} {_LINK} {_CONTAINER} align alt fluid-on-mobile font-size height"
    " max-height sizes src srcset usemap width",
    "mj-divider": f"{_PADDING} {_CONTAINER} align border-color border-style border-width width",
    "mj-spacer": f"{_PADDING} {_CONTAINER} height",
    "mj-table": f"{_FONT} {_PADDING} {_CONTAINER} align border cellpadding cellspacing role"
    " table-layout width",
    "mj-hero": f"{_BACKGROUND} {_PADDING} {_CONTAINER} background-height background-width"
    " border-radius height inner-background-color inner-padding inner-padding-top"
    " inner-padding-right inner-padding-bottom inner-padding-left mode vertical-align width",
    "mj-social": f"{_FONT} {_PADDING} {_CONTAINER} align border-radius icon-height icon-padding"
    " icon-size inner-padding mode table-layout text-padding vertical-align",
    "mj-social-element": f"{_FONT} {_PADDING} {_LINK} align alt background-color border-radius"
    " icon-height icon-padding icon-position icon-size sizes src srcset text-padding vertical-align",
    "mj-navbar": f"{_PADDING} align base-url hamburger ico-align ico-close ico-color ico-font-family"
    " ico-font-size ico-line-height ico-open ico-padding ico-padding-top ico-padding-right"
    " ico-padding-bottom ico-padding-left ico-text-decoration ico-text-transform",
    "mj-navbar-link": f"{_FONT} {_PADDING} {_LINK}",
    "mj-accordion": f"{_PADDING} {_CONTAINER} border font-family icon-align icon-height icon-position"
    " icon-unwrapped-alt icon-unwrapped-url icon-width icon-wrapped-alt icon-wrapped-url",
    "mj-accordion-element": "background-color border font-family icon-align icon-height icon-position"
    " icon-unwrapped-alt icon-unwrapped-url icon-width icon-wrapped-alt icon-wrapped-url",
    "mj-accordion-title": f"{_PADDING} background-color color font-family font-size",
    "mj-accordion-text": f"{_PADDING} {_FONT} background-color",
    "mj-carousel": f"{_CONTAINER} {_PADDING} align background-color border-radius icon-width left-icon"
    " right-icon tb-border tb-border-radius tb-hover-border-color tb-selected-border-color"
    " tb-width thumbnails",
    "mj-carousel-image": f"{_LINK} alt border-radius src tb-border tb-border-radius thumbnails-src",
}

ATTRIBUTES: Mapping[str, frozenset[str]] = {
    tag: frozenset(f"{names} {_EVERYWHERE}".split()) for tag, names in _TABLE.items()
}

DEFAULTS_TAG = "mj-attributes"
"""Inside it stand `mj-all`, `mj-class` and any tag, each with any attribute of its own."""

_CONTENT = "text button table raw style title preview social-element navbar-link"
_CONTENT += " accordion-title accordion-text html-attributes"

CONTENT = frozenset(f"mj-{name}" for name in _CONTENT.split())
"""Tags that hold HTML or text rather than more MJML."""
