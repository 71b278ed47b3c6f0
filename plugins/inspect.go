package plugins

// Command returns the program that a start of c would run, and its arguments:
// for checks that start a plugin by hand. python is the interpreter of Python
// plugins, as in [Options].
func (c Candidate) Command(python string) ([]string, error) {
	argv, err := c.command(python)
	return argv, c.wrap("", err)
}
