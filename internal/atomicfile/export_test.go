package atomicfile

// AbortAsked reports whether Abort was called in time, though it may still
// wait for another call to return.
func (f *File) AbortAsked() bool { return f.state.Load() == stateAborted }
func (s *Set) AbortAsked() bool  { return s.state.Load() == stateAborted }
