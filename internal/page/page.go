// Package page holds what the HTML pages of this program look like: one style
// sheet, for light and dark, wide and narrow windows, and print.
//
// It makes no pages: parity/report and internal/cli have their templates, and
// the pictures come from package plots, which takes its colours from here.
package page

import (
	_ "embed"
	"html/template"
)

//go:embed style.css
var style string

// Style is the content of a page's style element. It refers to nothing outside
// of the page.
var Style = template.CSS(style) //nolint:gosec // a constant of ours

// Policy is the Content-Security-Policy of a page: styles of its own and
// nothing else, so that a name from a file can do no harm even if an escape
// were wrong.
const Policy = "default-src 'none'; style-src 'unsafe-inline'"
