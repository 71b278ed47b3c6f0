package hostile

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// CheckLine reports what is wrong with the line of a refusal or a warning: it
// is one line of 20 to 2,000 characters, of valid UTF-8, without control or
// bidirectional characters, and it has the words of the case.
func (c Case) CheckLine(line string) error {
	if err := checkLine(line); err != nil {
		return err
	}
	lower := strings.ToLower(line)
	for _, word := range c.MustName {
		if !strings.Contains(lower, strings.ToLower(word)) {
			return fmt.Errorf("the line does not name %q: %s", word, line)
		}
	}
	return nil
}

func checkLine(line string) error {
	if n := utf8.RuneCountInString(line); n < 20 || n > 2000 {
		return fmt.Errorf("the line has %d characters, want 20 to 2000: %.200q", n, line)
	}
	if !utf8.ValidString(line) {
		return fmt.Errorf("the line is not valid UTF-8: %.200q", line)
	}
	for _, r := range line {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' {
			return fmt.Errorf("the line has the character %U: %.200q", r, line)
		}
	}
	return nil
}
