package battery

// ScreenLimit is the p-value below which [Screen] asks no further test: far
// below what Holm's rule asks of any run that fits a machine.
const ScreenLimit = 1e-30

// Screen runs the tests of a sample that need no order of the values, and leaves
// these as they are: facts and moments. rejected tells that one of them alone
// speaks clearly against the law, so that nobody needs [OneSample], which runs
// them again.
func Screen[T Float](s Sample[T]) (tests []Test, rejected bool) {
	n := len(s.Values)
	if _, constant := s.Law.Constant(); constant || n < 16 || Finite(s.Values) >= 0 {
		return nil, false // OneSample says it as fast
	}
	tests = append(tests, fact("T0 finite", n, false, "all values are finite"))
	tests = append(tests, momentTests(s)...)
	for _, t := range tests {
		rejected = rejected || t.Gate && !t.Fact && !(t.P >= ScreenLimit)
	}
	return tests, rejected
}
